"""Chained search and `_has` (http://hl7.org/fhir/R4/search.html#chaining, #has)."""

from typing import Any

from tests.spec.language import Caller, Chapter, Row

CODES = "http://minkang.example/code"


def _patient(family: str, gender: str, organization: str | None = None) -> Any:
    house = {"managingOrganization": {"reference": f"Organization/{organization}"}} if organization else {}
    return {"name": [{"family": family, "text": family}], "gender": gender, **house}


def _coded(patient: str, code: str, **more: Any) -> Any:
    coding = [{"system": CODES, "code": code}]
    return {"code": {"coding": coding}, "subject": {"reference": f"Patient/{patient}"}, **more}


def _observation(patient: str, code: str, **more: Any) -> Any:
    return _coded(patient, code, status="final", **more)


CHAPTER = Chapter(
    title="Chains and _has",
    text="""
`subject:Patient.name=x` asks what the subject is called; `_has:Observation:patient:code=x` finds patients of whom such
an observation speaks. Both may be nested, up to five steps. Without a type, a chain looks at every type the reference
may lead to that has the parameter. Several chains are independent of each other. A target that is not here, or not in
the caller's scope, meets nothing. Hits come in the order of the resources searched for, as in any search.
""",
    callers={"west": Caller("west-hospital", 390102, divisions=frozenset({390102}))},
    written_by={"Patient/q": "west", "Observation/c": "west", "Condition/b": "west"},
    resources={
        "Organization/city": {"name": "City"},
        "Organization/ward": {"name": "Ward", "partOf": {"reference": "Organization/city"}},
        "Practitioner/d": {"name": [{"family": "Li", "text": "Li"}]},
        "Location/room": {"name": "Zhang"},
        "Patient/p": _patient("Zhang", "female", "ward"),
        "Patient/q": _patient("Zhang", "male", "city"),
        "Patient/r": _patient("Wang", "female"),
        "Encounter/e": {
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"},
            "serviceProvider": {"reference": "Organization/ward"},
        },
        "Observation/a": _observation("p", "bp", encounter={"reference": "Encounter/e"}),
        "Observation/b": _observation("p", "hr", performer=[{"reference": "Practitioner/d"}]),
        "Observation/c": _observation("q", "bp"),
        "Observation/d": _observation("r", "hr", performer=[{"reference": "Organization/city"}]),
        "Observation/e": _observation("lost", "bp"),
        "Observation/f": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Location/room"}},
        "Observation/g": _observation("p/_history/1", "hr"),
        "Condition/a": _coded("p", "flu"),
        "Condition/b": _coded("r", "flu", asserter={"reference": "Practitioner/d"}),
    },
    cases=[
        Row("GET Observation?subject:Patient.name=zhang", "a b c g"),
        Row("GET Observation?subject.name=zhang", "a b c f g", "of any type that has a name: here a place, too"),
        Row("GET Observation?patient.name=zhang", "a b c g"),
        Row("GET Observation?patient.name=zhang,wang", "a b c d g", "a comma means or"),
        Row("GET Observation?patient.name:exact=zhang", "nothing", "modifiers of the last parameter"),
        Row("GET Observation?patient.gender:not=female", "c", "there is a target, and it is not female"),
        Row("GET Observation?patient.birthdate:missing=true", "a b c d g"),
        Row("GET Observation?patient._id=p", "a b g", "only targets that are here"),
        Row("GET Observation?patient._id=lost", "nothing"),
        Row("GET Observation?patient.name=zhang&patient.gender=male", "c"),
        Row("GET Observation?patient.name=zhang&code=bp", "a c"),
        Row("GET Observation?patient.name=nobody", "nothing"),
        Row("GET Observation?patient.organization.name=ward", "a b g", "two steps"),
        Row("GET Observation?patient.organization.partof.name=city", "a b g", "three"),
        Row("GET Observation?encounter.service-provider.name=ward", "a"),
        Row("GET Observation?subject:Patient.organization:Organization.name=city", "c"),
        Row("GET Observation?performer:Practitioner.name=li", "b"),
        Row("GET Observation?performer.name=city", "d"),
        Row("GET Observation?patient.name=zhang&_count=2&_total=accurate", "a b c g in 2+2 [4]"),
        Row("GET Observation?patient.name=zhang&_sort=code", "a c b g"),
        Row("GET Observation?patient=p&patient.gender=female", "a b g", "one resident's own rows"),
        Row("GET Patient/p/Observation?performer.name=li", "b"),
        Row("GET Observation?performer.name=li&_include=Observation:patient", "b + p"),
        Row("GET Patient?_has:Observation:patient:code=bp", "p q"),
        Row(f"GET Patient?_has:Observation:patient:code={CODES}|hr", "p r"),
        Row("GET Patient?_has:Observation:patient:code=bp,hr", "p q r", "a comma means or"),
        Row("GET Patient?_has:Observation:patient:code=bp&_has:Observation:patient:code=hr", "p", "two observations"),
        Row("GET Patient?_has:Condition:patient:code=flu", "p r"),
        Row("GET Patient?_has:Condition:patient:code=flu&gender=male", "nothing"),
        Row("GET Patient?_has:Condition:patient:code=flu&name=zhang", "p"),
        Row("GET Patient?_has:Condition:patient:code=cold", "nothing"),
        Row("GET Patient?_has:Condition:patient:code=flu&_count=1", "p r in 1+1"),
        Row("GET Patient?_has:Condition:patient:code=flu&_sort=name&_total=accurate", "r p [2]"),
        Row("GET Patient?_id=p,q&_has:Condition:patient:code=flu", "p"),
        Row("GET Patient?_has:Observation:patient:_id=c", "q"),
        Row("GET Practitioner?_has:Observation:performer:_has:Encounter:patient:status=finished", "Incorrect"),
        Row("GET Organization?_has:Patient:organization:_has:Condition:patient:code=flu", "ward", "nested"),
        Row("GET Organization?_has:Patient:organization:name=zhang", "city ward"),
        Row("GET Organization?_has:Encounter:service-provider:patient.gender=female", "ward", "a chain inside"),
        Row("GET Observation?patient._has:Condition:patient:code=flu", "a b d g", "or `_has` in a chain"),
        Row("GET Practitioner?_has:Observation:performer:patient.name=zhang", "d"),
        Row("GET Organization?_has:Patient:organization:_id=p&_revinclude=Patient:organization", "ward + p"),
        Row("GET Observation?patient.name=zhang", "c", "targets out of scope meet nothing", by="west"),
        Row("GET Observation?patient.organization.name=city", "nothing", "nor do those between", by="west"),
        Row("GET Patient?_has:Observation:patient:code=bp", "q", by="west"),
        Row("GET Patient?_has:Observation:patient:code=hr", "nothing", "what refers must be in scope, too", by="west"),
        Row("GET Patient?_has:Condition:patient:code=flu", "nothing", "so must what is found", by="west"),
        Row("GET Observation?_total=accurate&patient.gender=female", "nothing [0]", by="west"),
        Row("GET Observation?code.name=x", "Incorrect", "only references lead further"),
        Row("GET Observation?subject.colour=x", "Incorrect", "no target has it"),
        Row("GET Observation?subject:Practitioner.name=x", "Incorrect", "it never refers to one"),
        Row("GET Observation?patient.=x", "Incorrect"),
        Row("GET Observation?patient.name:shiny=x", "Incorrect"),
        Row("GET Patient?_has:Observation:code=x", "Incorrect"),
        Row("GET Patient?_has:Observation:code:status=x", "Incorrect", "no reference"),
        Row("GET Patient?_has:Organization:partof:name=x", "Incorrect", "never refers to a Patient"),
        Row("GET Organization?partof.partof.partof.partof.partof.name=x", "nothing", "five steps"),
        Row("GET Organization?partof.partof.partof.partof.partof.partof.name=x", "Incorrect", "not six"),
        Row("GET ?_type=Patient,Group&_has:Observation:subject:code=x", "Incorrect", "from one type"),
        Row("GET Provenance?target.name=x", "Incorrect", "a reference to anything must name the type"),
    ],
)
