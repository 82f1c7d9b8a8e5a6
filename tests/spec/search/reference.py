"""Search by reference (http://hl7.org/fhir/R4/search.html#reference)."""

from tests.spec.language import Chapter, Row

CARD = "http://minkang.example/card"

CHAPTER = Chapter(
    title="Searching by reference",
    text="""
A reference is asked for as `Type/id`, as an id alone (of any type that the parameter allows), or as an absolute url.
Whether the target exists does not matter: records arrive before the patient does.
""",
    resources={
        "Patient/p": {},
        "Observation/a": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}},
        "Observation/b": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Group/p"}},
        "Observation/c": {
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "https://other.example/fhir/Patient/p"},
        },
        "Observation/d": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p/_history/3"}},
        "Observation/e": {
            "status": "final",
            "code": {"text": "x"},
            "subject": {"identifier": {"system": CARD, "value": "9"}},
            "performer": [{"reference": "Practitioner/q"}, {"reference": "Organization/p"}],
        },
        "Observation/f": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/never-seen"}},
        "Observation/g": {
            "status": "final",
            "code": {"text": "x"},
            "contained": [{"resourceType": "Patient", "id": "p"}],
            "subject": {"reference": "#p"},
        },
        "Observation/h": {
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/z", "display": "Zhang  Li", "identifier": {"value": "9"}},
            "performer": [{"display": "南门 Clinic"}],
        },
        "Condition/a": {"subject": {"type": "Group", "identifier": {"system": CARD, "value": "9"}}},
        "Condition/b": {"subject": {"type": "Patient", "identifier": {"system": CARD, "value": "9"}}},
    },
    cases=[
        Row("GET Observation?subject=Patient/p", "a d", "a reference to a version is one to the resource"),
        Row("GET Observation?subject=Group/p", "b"),
        Row("GET Observation?subject=p", "a b d", "an id alone: any type the parameter allows"),
        Row("GET Observation?patient=p", "a d", "`patient` is `subject` where it refers to a Patient"),
        Row("GET Observation?patient=Patient/p", "a d"),
        Row("GET Observation?subject:Patient=p", "a d", "the type as modifier"),
        Row("GET Observation?subject:Group=p", "b"),
        Row("GET Observation?subject:Device=p", "nothing"),
        Row("GET Observation?subject=https://other.example/fhir/Patient/p", "c", "an absolute url as it stands"),
        Row("GET Observation?subject=Patient/never-seen", "f", "a target that is not here"),
        Row("GET Observation?subject=Patient/p,Patient/never-seen", "a d f"),
        Row("GET Observation?performer=Practitioner/q", "e"),
        Row("GET Observation?performer=Practitioner/q&performer=Organization/p", "e", "two of its performers"),
        Row("GET Observation?performer=Practitioner/p", "nothing"),
        Row(f"GET Observation?subject:identifier={CARD}|9", "e", "a logical reference"),
        Row("GET Observation?subject:identifier=8", "nothing"),
        Row("GET Observation?subject:identifier=9", "e h", "of any system, also beside a literal reference"),
        Row("GET Observation?subject:identifier=|9", "h", "without a system"),
        Row(f"GET Observation?subject:identifier={CARD}|", "e", "anything of the system"),
        Row(f"GET Observation?subject:identifier={CARD}|8,{CARD}|9", "e"),
        Row(f"GET Condition?subject:identifier={CARD}|9", "a b"),
        Row(f"GET Condition?patient:identifier={CARD}|9", "b", "`patient` refers to Patients only"),
        Row("GET Observation?subject:text=zhang li", "h", "the display, from its beginning, case and spaces apart"),
        Row("GET Observation?subject:text=li", "nothing"),
        Row("GET Observation?performer:text=南门", "h"),
        Row("GET Observation?performer:text= ", "Incorrect", "nothing to look for"),
        Row("GET Observation?performer:missing=false", "e h", "a display alone is a value"),
        Row("GET Observation?performer:missing=true", "a b c d f g"),
        Row("GET Observation?subject=Patient/P", "nothing", "ids are case-sensitive"),
    ],
)
