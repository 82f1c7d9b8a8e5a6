"""Includes (http://hl7.org/fhir/R4/search.html#include)."""

from tests.spec.language import Chapter, Row


def _note(subject: str, **more: object) -> dict[str, object]:
    return {"status": "final", "code": {"text": "x"}, "subject": {"reference": subject}, **more}


def _in(encounter: str) -> dict[str, object]:
    return {"encounter": {"reference": f"Encounter/{encounter}"}}


CHAPTER = Chapter(
    title="Includes",
    text="""
`_include` adds what a match refers to, `_revinclude` what refers to a match; `:iterate` goes on from what was added.
Every resource comes once, and what does not exist is not missed. Matches are written before the plus sign.
""",
    resources={
        "Organization/o": {"partOf": {"reference": "Organization/top"}},
        "Organization/top": {},
        "Patient/p": {"managingOrganization": {"reference": "Organization/o"}},
        "Patient/q": {},
        "Group/g": {"type": "person", "actual": True},
        "Encounter/e": {
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"},
            "serviceProvider": {"reference": "Organization/o"},
        },
        "Observation/a": _note("Patient/p", **_in("e")),
        "Observation/b": _note("Patient/q"),
        "Observation/c": _note("Group/g"),
        "Observation/d": _note("Patient/gone"),
    },
    cases=[
        Row("GET Observation?_id=a&_include=Observation:subject", "a + p"),
        Row("GET Observation?_include=Observation:subject", "a b c d + g p q", "what is not there is not missed"),
        Row("GET Observation?_include=Observation:subject:Patient", "a b c d + p q", "only targets of this type"),
        Row("GET Observation?_include=Observation:patient", "a b c d + p q"),
        Row("GET Observation?_id=a&_include=Observation:subject&_include=Observation:encounter", "a + e p"),
        Row("GET Observation?_id=a&_include=Observation:*", "a + e p", "every reference parameter"),
        Row("GET Observation?_id=a,b&_include=Observation:subject&_count=1", "a b in 1+1 + p q"),
        Row("GET Observation?_id=a&_include=Encounter:subject", "a", "a match is no Encounter"),
        Row(
            "GET Observation?_id=a&_include=Observation:encounter&_include=Encounter:service-provider",
            "a + e",
            "without `:iterate` only matches include",
        ),
        Row(
            "GET Observation?_id=a&_include=Observation:encounter&_include:iterate=Encounter:service-provider",
            "a + e o",
        ),
        Row(
            "GET Patient?_id=p&_include=Patient:organization&_include:iterate=Organization:partof",
            "p + o top",
        ),
        Row("GET Patient?_id=p&_revinclude=Observation:subject", "p + a"),
        Row("GET Patient?_revinclude=Observation:subject", "p q + a b"),
        Row("GET Patient?_id=p&_revinclude=Observation:subject&_revinclude=Encounter:patient", "p + a e"),
        Row("GET Encounter?_id=e&_include=Encounter:subject&_revinclude=Observation:encounter", "e + a p"),
        Row("GET Organization?_id=o&_revinclude=Patient:organization", "o + p"),
        Row(
            "GET Organization?_id=o&_revinclude=Patient:organization&_revinclude:iterate=Observation:subject",
            "o + a p",
        ),
        Row("GET Organization?_include=Organization:partof", "o top", "a match is not included once more"),
        Row("GET Observation?_include=Observation:shoe", "Incorrect"),
        Row("GET Observation?_include=Shoe:size", "Incorrect"),
    ],
)
