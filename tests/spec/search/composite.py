"""Composite parameters (http://hl7.org/fhir/R4/search.html#composite)."""

from typing import Any

from tests.spec.language import Chapter, Row

CODES = "http://minkang.example/code"


def _code(code: str) -> Any:
    return {"coding": [{"system": CODES, "code": code}]}


def _quantity(value: float) -> Any:
    return {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}


def _pressure(systolic: float, diastolic: float) -> Any:
    parts = [{"code": _code(code), "valueQuantity": _quantity(n)} for code, n in (("s", systolic), ("d", diastolic))]
    return {"status": "final", "code": _code("bp"), "component": parts}


CHAPTER = Chapter(
    title="Composite parameters",
    text="""
`code-value-quantity=c$gt5` joins values that must stand in one element: for `component-...` within one component, for
`combo-...` in the observation itself or within one component. A comma separates alternatives; one without `$` is
another first part for what follows it.
""",
    resources={
        "Observation/a": {"status": "final", "code": _code("hr"), "valueQuantity": _quantity(80)},
        "Observation/b": {"status": "final", "code": _code("hr"), "valueQuantity": _quantity(120)},
        "Observation/c": {"status": "final", "code": _code("x"), "valueQuantity": _quantity(120)},
        "Observation/d": _pressure(120, 80),
        "Observation/e": _pressure(150, 120),
        "Observation/f": {"status": "final", "code": _code("g"), "valueCodeableConcept": _code("pos")},
        "Observation/g": {"status": "final", "code": _code("g"), "valueCodeableConcept": _code("neg")},
        "Observation/h": {"status": "final", "code": _code("g"), "valueDateTime": "2024-03-01"},
        "Observation/i": {"status": "final", "code": _code("g"), "valueString": "South Gate"},
        "Group/a": {
            "type": "person",
            "actual": True,
            "characteristic": [
                {"code": _code("sex"), "valueCodeableConcept": _code("f"), "exclude": False},
                {"code": _code("smokes"), "valueBoolean": True, "exclude": False},
            ],
        },
    },
    cases=[
        Row("GET Observation?code-value-quantity=hr$80", "a"),
        Row(f"GET Observation?code-value-quantity={CODES}|hr$gt100", "b"),
        Row("GET Observation?code-value-quantity=hr$gt100|http://unitsofmeasure.org|mm[Hg]", "b"),
        Row("GET Observation?code-value-quantity=hr$gt100||kg", "nothing"),
        Row("GET Observation?code-value-quantity=hr$80,x$120", "a c", "a comma means or"),
        Row("GET Observation?code-value-quantity=hr,x$120", "b c", "two codes for one value"),
        Row("GET Observation?code-value-quantity=hr$gt70&code-value-quantity=hr$lt100", "a"),
        Row("GET Observation?code-value-quantity=s$120", "nothing", "components are another parameter's"),
        Row("GET Observation?component-code-value-quantity=s$120", "d"),
        Row("GET Observation?component-code-value-quantity=s$120&component-code-value-quantity=d$80", "d"),
        Row("GET Observation?component-code-value-quantity=s$80", "nothing", "both in the same component"),
        Row("GET Observation?component-code-value-quantity=d$ge80", "d e"),
        Row("GET Observation?combo-code-value-quantity=hr$120,s$120", "b d"),
        Row("GET Observation?combo-code-value-quantity=bp$120", "nothing"),
        Row("GET Observation?code-value-concept=g$pos", "f"),
        Row(f"GET Observation?code-value-concept=g${CODES}|neg", "g"),
        Row("GET Observation?combo-code-value-concept=g$pos,g$neg", "f g"),
        Row("GET Observation?code-value-date=g$ge2024-02", "h"),
        Row("GET Observation?code-value-date=g$lt2024-02", "nothing"),
        Row("GET Observation?code-value-string=g$south", "i"),
        Row("GET Observation?code-value-quantity:missing=false", "a b c"),
        Row("GET Observation?code-value-quantity=hr$ge80&_sort=-code&_total=accurate", "a b [2]"),
        Row("GET Group?characteristic-value=sex$f", "a"),
        Row("GET Group?characteristic-value=smokes$true", "a"),
        Row("GET Group?characteristic-value=smokes$f", "nothing"),
        Row("GET Observation?code-value-quantity=hr", "Incorrect", "half of it"),
        Row("GET Observation?code-value-quantity=hr$", "Incorrect"),
        Row("GET Observation?code-value-quantity=hr$80$90", "Incorrect"),
        Row("GET Observation?code-value-quantity=hr$80,x", "Incorrect", "nothing follows the last one"),
        Row("GET Observation?code-value-quantity=hr$high", "Incorrect"),
        Row("GET Observation?code-value-quantity:not=hr$80", "Incorrect"),
        Row("GET Observation?_sort=code-value-quantity", "Unsupported"),
    ],
)
