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
number in any unit. The number is as exact as its digits. With UCUM on both sides, other units of the same kind are
converted to the one searched for: 5400 umol/L is 5.4 mmol/L. Not converted: mg/dL and mmol/L (which substance?), units
that are no UCUM.
""",
    resources={
        "Observation/a": _value(5.4, "mmol/L", "mmol/L"),
        "Observation/b": _value(5.4, "mg/dL", "mg/dL"),
        "Observation/c": _value(5.44, "mmol/L", "mmol/L"),
        "Observation/d": _value(5.4, "毫摩尔/升"),
        "Observation/e": _value(5.4),
        "Observation/f": _value(120, "mmHg", "mm[Hg]"),
        "Observation/h": _value(5400, "µmol/L", "umol/L"),
        "Observation/i": _value(16, "kPa", "kPa"),
        "Observation/j": _value(98.6, "°F", "[degF]"),
        "Observation/k": _value(0.02, "g", "g"),
        "Observation/l": _value(6, "10^9/L", "10*9/L"),
        "Observation/m": _value(20, "小时", "小时"),
        "Observation/g": {"status": "final", "code": {"text": "x"}, "valueString": "5.4"},
    },
    cases=[
        Row("GET Observation?value-quantity=5.4", "a b c d e", "from 5.35 to 5.45, any unit"),
        Row("GET Observation?value-quantity=5.40", "a b d e"),
        Row(f"GET Observation?value-quantity=5.4|{UCUM}|mmol/L", "a c h"),
        Row(
            f"GET Observation?value-quantity=5.40|{UCUM}|mmol/L", "a h", "the digits are those of the unit searched for"
        ),
        Row(f"GET Observation?value-quantity=5400|{UCUM}|umol/L", "a h"),
        Row("GET Observation?value-quantity=5.4||mmol/L", "a c"),
        Row("GET Observation?value-quantity=5.4||毫摩尔/升", "d", "the unit as written"),
        Row("GET Observation?value-quantity=120||mmHg", "f"),
        Row("GET Observation?value-quantity=120||mm[Hg]", "f"),
        Row(f"GET Observation?value-quantity=gt5.4|{UCUM}|mmol/L", "c"),
        Row(f"GET Observation?value-quantity=ge5.4|{UCUM}|mmol/L", "a c h"),
        Row(f"GET Observation?value-quantity=lt100|{UCUM}|mmol/L", "a c h", "a mole is no number of cells"),
        Row(f"GET Observation?value-quantity=lt100|{UCUM}|/uL", "nothing", "and the other way round: 6000"),
        Row(f"GET Observation?value-quantity=6000|{UCUM}|/uL", "l"),
        Row(f"GET Observation?value-quantity=120|{UCUM}|mm[Hg]", "f i", "16 kPa are 120.01 mm[Hg]"),
        Row(f"GET Observation?value-quantity=120.00|{UCUM}|mm[Hg]", "f"),
        Row(f"GET Observation?value-quantity=37|{UCUM}|Cel", "j", "scales with another zero, too"),
        Row(f"GET Observation?value-quantity=20|{UCUM}|mg", "k"),
        Row(f"GET Observation?value-quantity=gt19000|{UCUM}|ug", "k"),
        Row(f"GET Observation?value-quantity=5.4|{UCUM}|mg/dL", "b", "mmol/L would take the substance"),
        Row(f"GET Observation?value-quantity=20|{UCUM}|小时", "m", "what is no UCUM unit is compared as written"),
        Row(f"GET Observation?value-quantity=20|{UCUM}|h", "nothing"),
        Row("GET Observation?value-quantity=5400|http://a.example|umol/L", "nothing"),
        Row("GET Observation?value-quantity=lt100", "a b c d e i j k l m"),
        Row("GET Observation?value-quantity=gt5.4", "c f h i j l m"),
        Row("GET Observation?value-quantity=ne5.4", "f h i j k l m"),
        Row("GET Observation?value-quantity:missing=true", "g"),
        Row("GET Observation?value-quantity=high", "Incorrect"),
    ],
)
