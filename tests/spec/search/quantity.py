"""Search by quantity (http://hl7.org/fhir/R4/search.html#quantity)."""

from tests.spec.language import Chapter, Row

UCUM = "http://unitsofmeasure.org"


def _value(value: object, unit: str | None = None, code: str | None = None) -> dict[str, object]:
    quantity = {"value": value, "unit": unit, "system": UCUM if code else None, "code": code}
    quantity = {key: item for key, item in quantity.items() if item is not None}
    return {"status": "final", "code": {"text": "x"}, "valueQuantity": quantity}


CHAPTER = Chapter(
    title="Searching by quantity",
    text="""
`value|system|code` asks for the coded unit, `value||unit` for the unit by its code or as it is written, `value` for the
number in any unit. The number is as exact as its digits.
""",
    resources={
        "Observation/a": _value(5.4, "mmol/L", "mmol/L"),
        "Observation/b": _value(5.4, "mg/dL", "mg/dL"),
        "Observation/c": _value(5.44, "mmol/L", "mmol/L"),
        "Observation/d": _value(5.4, "毫摩尔/升"),
        "Observation/e": _value(5.4),
        "Observation/f": _value(120, "mmHg", "mm[Hg]"),
        "Observation/g": {"status": "final", "code": {"text": "x"}, "valueString": "5.4"},
    },
    cases=[
        Row("GET Observation?value-quantity=5.4", "a b c d e", "from 5.35 to 5.45, any unit"),
        Row("GET Observation?value-quantity=5.40", "a b d e"),
        Row(f"GET Observation?value-quantity=5.4|{UCUM}|mmol/L", "a c"),
        Row("GET Observation?value-quantity=5.4||mmol/L", "a c"),
        Row("GET Observation?value-quantity=5.4||毫摩尔/升", "d", "the unit as written"),
        Row("GET Observation?value-quantity=120||mmHg", "f"),
        Row("GET Observation?value-quantity=120||mm[Hg]", "f"),
        Row(f"GET Observation?value-quantity=gt5.4|{UCUM}|mmol/L", "c"),
        Row(f"GET Observation?value-quantity=ge5.4|{UCUM}|mmol/L", "a c"),
        Row("GET Observation?value-quantity=lt100", "a b c d e"),
        Row("GET Observation?value-quantity=gt5.4", "c f"),
        Row("GET Observation?value-quantity=ne5.4", "f"),
        Row("GET Observation?value-quantity:missing=true", "g"),
        Row("GET Observation?value-quantity=high", "Incorrect"),
    ],
)
