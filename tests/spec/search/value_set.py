"""Search by value set and by code hierarchy (http://hl7.org/fhir/R4/search.html#modifiers)."""

from typing import Any

from tests.spec.language import Chapter, Row, Story

ICD = "http://minkang.example/icd"
DRUGS = "http://minkang.example/drugs"
SETS = "http://minkang.example/vs"
GENDERS = "http://hl7.org/fhir/administrative-gender"
INCLUDING = {"system": ICD, "concept": [{"code": "E11.9"}, {"code": "I10"}]}


def _set(name: str, *include: dict[str, Any], exclude: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    compose = {"include": list(include), **({"exclude": exclude} if exclude else {})}
    return {"status": "active", "url": f"{SETS}/{name}", "compose": compose, **more}


def _condition(code: str, system: str | None = ICD) -> Any:
    coding = {"code": code, **({"system": system} if system else {})}
    return {"subject": {"reference": "Patient/p"}, "code": {"coding": [coding]}}


def _filter(property: str, op: str, value: str) -> dict[str, Any]:
    return {"system": ICD, "filter": [{"property": property, "op": op, "value": value}]}


CHAPTER = Chapter(
    title="Searching by value set and code hierarchy",
    text="""
`:in` and `:not-in` take a value set that is stored here: by url, by `url|version`, or as `ValueSet/id`. Its compose
counts: listed concepts, whole code systems, filters, other value sets, and what is excluded; filters and whole systems
are looked up in CodeSystem resources that are stored with all their concepts. `:below` and `:above` follow the code
system's hierarchy, nested or by `parent` and `child` properties. A changed value set counts from the next search on.
""",
    resources={
        "CodeSystem/icd": {
            "status": "active",
            "url": ICD,
            "content": "complete",
            "concept": [
                {
                    "code": "E10-E14",
                    "display": "Diabetes mellitus",
                    "concept": [
                        {"code": "E11", "concept": [{"code": "E11.9"}, {"code": "E11.2"}]},
                        {"code": "E10"},
                    ],
                },
                {"code": "I10", "property": [{"code": "chronic", "valueBoolean": True}]},
                {"code": "I10.x", "property": [{"code": "parent", "valueCode": "I10"}]},
            ],
        },
        "CodeSystem/drugs": {"status": "active", "url": DRUGS, "content": "not-present"},
        "ValueSet/listed": _set("listed", INCLUDING),
        "ValueSet/whole": _set("whole", {"system": ICD}),
        "ValueSet/drugs": _set("drugs", {"system": DRUGS}, exclude=[{"system": DRUGS, "concept": [{"code": "x"}]}]),
        "ValueSet/diabetes": _set("diabetes", _filter("concept", "is-a", "E10-E14")),
        "ValueSet/under": _set("under", _filter("concept", "descendent-of", "E11")),
        "ValueSet/chronic": _set("chronic", _filter("chronic", "=", "true")),
        "ValueSet/nested": _set("nested", {"valueSet": [f"{SETS}/listed"]}, {"valueSet": [f"{SETS}/under"]}),
        "ValueSet/both": _set("both", {"valueSet": [f"{SETS}/listed", f"{SETS}/diabetes"]}),
        "ValueSet/but": _set("but", {"system": ICD}, exclude=[{"valueSet": [f"{SETS}/diabetes"]}]),
        "ValueSet/circle": _set("circle", {"valueSet": [f"{SETS}/circle"]}),
        "ValueSet/regex": _set("regex", _filter("code", "regex", "(a+)+$")),
        "ValueSet/lost": _set("lost", {"valueSet": [f"{SETS}/nowhere"]}),
        "ValueSet/filtered-drugs": _set("filtered-drugs", {**_filter("concept", "is-a", "x"), "system": DRUGS}),
        "ValueSet/old": _set("twice", {"system": ICD, "concept": [{"code": "I10"}]}, version="1.9"),
        "ValueSet/new": _set("twice", {"system": ICD, "concept": [{"code": "E10"}]}, version="1.10"),
        "ValueSet/expanded": {
            "status": "active",
            "url": f"{SETS}/expanded",
            "expansion": {
                "timestamp": "2024-01-01",
                "contains": [{"system": ICD, "code": "I10", "contains": [{"system": ICD, "code": "I10.x"}]}],
            },
        },
        "ValueSet/women": _set("women", {"system": GENDERS, "concept": [{"code": "female"}]}),
        "Patient/p": {"gender": "female"},
        "Patient/q": {"gender": "male"},
        "Patient/r": {},
        "Condition/a": _condition("E11.9"),
        "Condition/b": _condition("E11.2"),
        "Condition/c": _condition("E10"),
        "Condition/d": _condition("I10"),
        "Condition/e": _condition("I10.x"),
        "Condition/f": _condition("x", DRUGS),
        "Condition/g": _condition("y", DRUGS),
        "Condition/h": _condition("I10", None),
        "Condition/i": {"subject": {"reference": "Patient/p"}},
        "Location/ward": {"partOf": {"reference": "Location/house"}},
        "Location/house": {"partOf": {"reference": "Location/campus"}},
        "Location/campus": {},
        "Location/ring": {"partOf": {"reference": "Location/ring"}},
        "Encounter/w": {
            "status": "finished",
            "class": {"code": "IMP"},
            "location": [{"location": {"reference": "Location/ward"}}],
        },
        "Encounter/c": {
            "status": "finished",
            "class": {"code": "IMP"},
            "location": [{"location": {"reference": "Location/campus"}}],
        },
    },
    cases=[
        Row(f"GET Condition?code:in={SETS}/listed", "a d", "codes with their system"),
        Row("GET Condition?code:in=ValueSet/listed", "a d", "by id"),
        Row(f"GET Condition?code:not-in={SETS}/listed", "b c e f g h i", "also what has no code at all"),
        Row(f"GET Condition?code:in={SETS}/listed,{SETS}/under", "a b d", "a comma means or"),
        Row(f"GET Condition?code:not-in={SETS}/listed,{SETS}/under", "c e f g h i", "in neither"),
        Row(f"GET Condition?code:in={SETS}/listed&code:in={SETS}/diabetes", "a", "in both"),
        Row(f"GET Condition?patient=p&code:in={SETS}/listed", "a d", "of one person"),
        Row(f"GET Condition?code:in={SETS}/whole", "a b c d e", "a whole code system"),
        Row(f"GET Condition?code:in={SETS}/drugs", "g", "also one whose codes are not here, less what is excluded"),
        Row(f"GET Condition?code:in={SETS}/diabetes", "a b c", "is-a"),
        Row(f"GET Condition?code:in={SETS}/under", "a b", "descendent-of"),
        Row(f"GET Condition?code:in={SETS}/chronic", "d", "a property"),
        Row(f"GET Condition?code:in={SETS}/nested", "a b d", "either of two value sets"),
        Row(f"GET Condition?code:in={SETS}/both", "a", "what is in both value sets of one include"),
        Row(f"GET Condition?code:in={SETS}/but", "d e", "all but those of another value set"),
        Row(f"GET Condition?code:in={SETS}/twice", "c", "without a version the highest (1.10 is above 1.9)"),
        Row(f"GET Condition?code:in={SETS}/twice|1.9", "d", "a version by name"),
        Row(f"GET Condition?code:in={SETS}/twice|2", "Incorrect", "a version that is not here"),
        Row(f"GET Condition?code:in={SETS}/expanded", "d e", "no compose: the expansion it came with"),
        Row(f"GET Patient?gender:in={SETS}/women", "p", "a code element is of the system its binding names"),
        Row(f"GET Patient?gender:not-in={SETS}/women", "q r"),
        Row(f"GET Condition?code:in={SETS}/nowhere", "Incorrect", "a value set that is not here"),
        Row("GET Condition?code:in=ValueSet/nowhere", "Incorrect"),
        Row(f"GET Condition?code:in={SETS}/lost", "Incorrect", "it names one that is not here"),
        Row(f"GET Condition?code:in={SETS}/circle", "Incorrect", "it includes itself"),
        Row(f"GET Condition?code:in={SETS}/regex", "Unsupported", "patterns from outside can take for ever"),
        Row(f"GET Condition?code:in={SETS}/filtered-drugs", "Incorrect", "a filter needs the concepts"),
        Row("GET Condition?code:in=listed", "Incorrect", "neither a url nor ValueSet/id"),
        Row(f"GET Patient?identifier:in={SETS}/listed", "Incorrect", "identifiers are in no value set"),
        Row(f"GET Condition?code:below={ICD}|E11", "a b", "a code and all under it"),
        Row(f"GET Condition?code:below={ICD}|E10-E14", "a b c"),
        Row(f"GET Condition?code:below={ICD}|I10", "d e", "by a parent property"),
        Row(f"GET Condition?code:above={ICD}|I10.x", "d e", "a code and all above it"),
        Row(f"GET Condition?code:above={ICD}|E10", "c"),
        Row(f"GET Condition?code:below={ICD}|I10,{ICD}|E10", "c d e"),
        Row("GET Condition?code:below=E11", "Incorrect", "without a system"),
        Row(f"GET Condition?code:below={ICD}|Z99", "Incorrect", "a code that the system does not have"),
        Row(f"GET Condition?code:below={DRUGS}|x", "Incorrect", "a system whose concepts are not here"),
        Row("GET Encounter?location:below=Location/campus", "c w", "a place and all that is part of it"),
        Row("GET Encounter?location:below=house", "w", "of one type only: the id alone"),
        Row("GET Encounter?location:above=Location/ward", "c w", "a place and all that it is part of"),
        Row("GET Encounter?location:above=Location/campus", "c"),
        Row("GET Location?partof:below=Location/campus", "house ward", "what is part of it or of a part of it"),
        Row("GET Location?partof:below=Location/ring", "ring", "a circle ends where it began"),
        Row("GET Location?partof:below=Location/nowhere", "nothing"),
        Row("GET Encounter?subject:below=Patient/p", "Incorrect", "people are no hierarchy"),
    ],
    stories=[
        Story(
            "A changed value set counts from the next search on",
            [
                Row(f"GET Condition?code:in={SETS}/nested", "a b d"),
                Row(
                    "PUT ValueSet/listed",
                    "updated ValueSet/listed 2",
                    body=_set("listed", {"system": ICD, "concept": [{"code": "I10.x"}]}),
                ),
                Row(
                    f"GET Condition?code:in={SETS}/nested", "a b e", "though it is only part of the one that was named"
                ),
                Row(
                    "PUT ValueSet/other",
                    "created ValueSet/other 1",
                    body=_set("under", {"system": ICD, "concept": [{"code": "I10"}]}, version="9"),
                ),
                Row(f"GET Condition?code:in={SETS}/nested", "d e", "a higher version of a part"),
                Row("DELETE ValueSet/other", "deleted ValueSet/other 2"),
                Row(f"GET Condition?code:in={SETS}/nested", "a b e"),
                Row("DELETE ValueSet/nested", "deleted ValueSet/nested 2"),
                Row(f"GET Condition?code:in={SETS}/nested", "Incorrect"),
            ],
        ),
        Story(
            "A new part counts from the next search on",
            [
                Row("GET Encounter?location:below=Location/house", "w"),
                Row(
                    "PUT Location/campus", "updated Location/campus 2", body={"partOf": {"reference": "Location/house"}}
                ),
                Row("GET Encounter?location:below=Location/house", "c w", "also where that makes a circle"),
            ],
        ),
    ],
)
