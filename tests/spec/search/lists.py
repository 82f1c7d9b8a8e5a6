"""Search by a stored List (http://hl7.org/fhir/R4/search.html#list)."""

from typing import Any

from tests.spec.language import Caller, Chapter, Row, Story


def _list(*items: str, removed: str | None = None) -> Any:
    entries: list[dict[str, Any]] = [{"item": {"reference": item}} for item in items]
    entries += [{"item": {"reference": removed}, "deleted": True}] if removed else []
    return {"status": "current", "mode": "working", "entry": entries}


def _observation(code: str, patient: str = "p") -> Any:
    return {"status": "final", "code": {"coding": [{"code": code}]}, "subject": {"reference": f"Patient/{patient}"}}


CHAPTER = Chapter(
    title="Searching by a stored List",
    text="""
`_list=id` finds what the entries of that List name, except what they say was removed. The list is read within the
caller's scope. Functional lists (`$current-problems`) are refused.
""",
    resources={
        "Patient/p": {"gender": "female"},
        "Patient/q": {"gender": "male"},
        "Observation/a": _observation("x"),
        "Observation/b": _observation("y"),
        "Observation/c": _observation("x", "q"),
        "Observation/p": _observation("z"),
        "List/mixed": _list("Observation/a", "Observation/b", "Patient/p", "Observation/gone", removed="Observation/c"),
        "List/others": _list("https://other.example/Observation/a", "Observation/c/_history/1"),
        "List/empty": {"status": "current", "mode": "working"},
    },
    callers={"west": Caller("west-hospital", 390102, divisions=frozenset({390102}))},
    cases=[
        Row("GET Observation?_list=mixed", "a b", "of this type, and what is still there"),
        Row("GET Observation?_list=List/mixed", "a b"),
        Row("GET Patient?_list=mixed", "p"),
        Row("GET Observation?_list=mixed&code=x", "a"),
        Row("GET Observation?_list=mixed,others", "a b c", "a comma means or"),
        Row("GET Observation?_list=mixed&_list=others", "nothing", "in both"),
        Row("GET Observation?_list=mixed&_id=b,c", "b"),
        Row("GET Observation?_list=others", "c", "another server's resource of the same name is not ours"),
        Row("GET Observation?_list=empty", "nothing"),
        Row("GET Observation?_list=mixed&_sort=-code&_total=accurate", "b a [2]"),
        Row("GET Observation?_list=mixed&_count=1&_sort=code", "a / b"),
        Row("GET Observation?_list=mixed&_include=Observation:subject", "a b + p"),
        Row("GET Patient/p/Observation?_list=mixed", "a b"),
        Row("GET Patient/q/Observation?_list=mixed", "nothing"),
        Row("GET ?_list=mixed", "a b p", "of all types"),
        Row("GET ?_type=Patient,Observation&_list=mixed", "a b p"),
        Row("GET Observation?_list=nowhere", "Incorrect", "a List that is not here"),
        Row("GET Observation?_list=mixed", "Incorrect", "or not in the scope", by="west"),
        Row("GET Observation?_list=$current-problems", "Unsupported"),
        Row("GET Observation?_list=a b", "Incorrect", "no id"),
        Row("GET Observation?_list:exact=mixed", "Incorrect"),
        Row("GET Observation?_sort=_list", "Unsupported"),
    ],
    stories=[
        Story(
            "A changed list counts from the next search on",
            [
                Row("GET Observation?_list=mixed", "a b"),
                Row("PUT List/mixed", "updated List/mixed 2", body=_list("Observation/c")),
                Row("GET Observation?_list=mixed", "c"),
                Row("DELETE List/mixed", "deleted List/mixed 3"),
                Row("GET Observation?_list=mixed", "Incorrect"),
            ],
        )
    ],
)
