"""Searching inside a compartment (http://hl7.org/fhir/R4/search.html#2.21.1.2)."""

from tests.spec.language import Chapter, Row

CHAPTER = Chapter(
    title="Searching inside a compartment",
    text="What refers to one patient (encounter, practitioner ...) by one of the parameters that the definition lists.",
    resources={
        "Patient/p": {"link": [{"other": {"reference": "Patient/q"}, "type": "seealso"}]},
        "Patient/q": {},
        "Observation/a": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}},
        "Observation/b": {"status": "amended", "code": {"text": "x"}, "performer": [{"reference": "Patient/p"}]},
        "Observation/c": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/q"}},
        "Observation/d": {"status": "final", "code": {"text": "x"}, "focus": [{"reference": "Patient/p"}]},
        "Encounter/e": {"status": "finished", "class": {"code": "AMB"}, "subject": {"reference": "Patient/p"}},
        "Condition/f": {
            "subject": {"reference": "Patient/q"},
            "encounter": {"reference": "Encounter/e"},
            "asserter": {"reference": "Practitioner/r"},
        },
        "Appointment/g": {
            "status": "booked",
            "participant": [
                {"actor": {"reference": "Practitioner/r"}, "status": "accepted"},
                {"actor": {"reference": "Patient/p"}, "status": "accepted"},
            ],
        },
        "Practitioner/r": {},
    },
    cases=[
        Row("GET Patient/p/Observation", "a b", "as subject or as performer; not as focus"),
        Row("GET Patient/p/Observation?status=final", "a"),
        Row("GET Patient/p/Appointment", "g", "one of several actors"),
        Row("GET Patient/q/Condition", "f"),
        Row("GET Patient/q/Patient", "p q", "itself, and the one that is linked to it"),
        Row("GET Patient/p/Condition", "nothing"),
        Row("GET Encounter/e/Condition", "f"),
        Row("GET Practitioner/r/Condition", "f"),
        Row("GET Practitioner/r/Appointment", "g"),
        Row("GET Patient/p/Observation?_count=1", "a b in 1+1"),
        Row("GET Patient/p/*?_type=Observation,Encounter", "a b e"),
        Row("GET Patient/nobody/Observation", "nothing"),
    ],
)
