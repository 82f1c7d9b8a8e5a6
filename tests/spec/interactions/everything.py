"""Patient/$everything (http://hl7.org/fhir/R4/operation-patient-everything.html)."""

from tests.spec.language import Chapter, Row


def _note(patient: str, day: str | None = None) -> dict[str, object]:
    when = {"effectiveDateTime": day} if day else {}
    return {"status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{patient}"}, **when}


CHAPTER = Chapter(
    title="Everything about a patient",
    text="""
The Patient and its compartment. `_type` keeps some types, `start` and `end` keep what began in the period (a record
without a care date is kept).
""",
    resources={
        "Patient/p": {"gender": "female"},
        "Patient/q": {},
        "Patient/r": {"link": [{"other": {"reference": "Patient/q"}, "type": "seealso"}]},
        "Observation/a": _note("p", "2024-01-10"),
        "Observation/b": _note("p", "2024-02-10"),
        "Observation/c": _note("p"),
        "Observation/d": _note("q", "2024-01-10"),
        "Encounter/e": {
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"},
            "period": {"start": "2024-01-09", "end": "2024-02-01"},
        },
        "Appointment/f": {
            "status": "booked",
            "participant": [
                {"actor": {"reference": "Patient/q"}, "status": "accepted"},
                {"actor": {"reference": "Patient/p"}, "status": "accepted"},
            ],
        },
        "Organization/o": {},
    },
    cases=[
        Row("GET Patient/p/$everything", "a b c e f p", "also where the patient is the second one named"),
        Row("GET Patient/q/$everything", "d f q r", "also a registration that is linked to it"),
        Row("GET Patient/p/$everything?_count=2", "a b c e f p", "in pages of two"),
        Row("GET Patient/p/$everything?_type=Observation", "a b c"),
        Row("GET Patient/p/$everything?_type=Patient,Encounter", "e p"),
        Row("GET Patient/p/$everything?start=2024-02-01", "b c f p", "what began in February or later"),
        Row("GET Patient/p/$everything?end=2024-01-09", "c e f p", "the last day counts"),
        Row("GET Patient/p/$everything?start=2024-01-10&end=2024-01", "a c f p"),
        Row("GET Patient/nobody/$everything", "NotFound"),
    ],
)
