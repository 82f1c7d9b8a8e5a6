"""Search by token (http://hl7.org/fhir/R4/search.html#token)."""

from tests.spec.language import Chapter, Row

CARD = "http://minkang.example/card"
WARD = "http://minkang.example/ward"
KINDS = "http://terminology.hl7.org/CodeSystem/v2-0203"

CHAPTER = Chapter(
    title="Searching by token",
    text="""
Codes, identifiers, contact points, booleans. `system|code` asks for both, `code` for the code in any system, `|code`
for a code that has no system, `system|` for anything of the system. Codes are compared exactly, letter by letter.
""",
    resources={
        "Patient/a": {
            "active": True,
            "gender": "female",
            "identifier": [{"system": CARD, "value": "100"}, {"system": WARD, "value": "7"}],
            "telecom": [{"system": "phone", "value": "13800000001"}, {"system": "email", "value": "a@minkang.example"}],
        },
        "Patient/b": {"active": False, "gender": "male", "identifier": [{"system": CARD, "value": "200"}]},
        "Patient/c": {"gender": "female", "identifier": [{"value": "100"}]},
        "Patient/d": {"identifier": [{"system": WARD, "value": "100"}]},
        "Patient/e": {
            "identifier": [
                {"type": {"coding": [{"system": KINDS, "code": "MR"}]}, "system": WARD, "value": "900"},
                {"type": {"coding": [{"system": KINDS, "code": "SS"}], "text": "no system"}, "value": "901"},
            ]
        },
        "Patient/f": {"identifier": [{"type": {"coding": [{"system": KINDS, "code": "SS"}]}, "value": "900"}]},
        "Observation/m": {
            "status": "final",
            "code": {
                "text": "Blood pressure",
                "coding": [
                    {"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure panel"},
                    {"system": "http://minkang.example/local", "code": "BP"},
                ],
            },
        },
        "Observation/n": {"status": "preliminary", "code": {"coding": [{"code": "bp"}]}},
        "Observation/o": {"status": "final", "code": {"text": "Blood pressure, sitting"}},
        "Encounter/e": {
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        },
        "Encounter/f": {
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        },
    },
    cases=[
        Row("GET Patient?identifier=100", "a c d", "the value in any system, or in none"),
        Row(f"GET Patient?identifier={CARD}|100", "a", "the value in this system"),
        Row("GET Patient?identifier=|100", "c", "the value where there is no system; not where there is one"),
        Row(f"GET Patient?identifier={CARD}|", "a b", "anything of this system"),
        Row(f"GET Patient?identifier={CARD}|7", "nothing", "system and value belong to one identifier"),
        Row(f"GET Patient?identifier={CARD}|200,{WARD}|7", "a b", "a comma means or"),
        Row(f"GET Patient?identifier={CARD}|100&identifier={WARD}|7", "a", "a repeated parameter means and"),
        Row(f"GET Patient?identifier:of-type={KINDS}|MR|900", "e", "type and value of one identifier"),
        Row(f"GET Patient?identifier:of-type={KINDS}|SS|900", "f", "not the type of another identifier beside it"),
        Row(f"GET Patient?identifier:of-type={KINDS}|SS|900,{KINDS}|SS|901", "e f", "a comma means or here too"),
        Row(f"GET Patient?identifier:of-type={KINDS}|MR|100", "nothing", "an identifier without a type"),
        Row(f"GET Patient?identifier:of-type={KINDS}|MR", "Incorrect", "all three parts are needed"),
        Row(f"GET Patient?identifier:of-type={KINDS}||900", "Incorrect", "and none may be empty"),
        Row("GET Patient?gender:of-type=a|b|c", "Incorrect", "only identifiers have a type"),
        Row("GET Patient?gender=female", "a c"),
        Row("GET Patient?gender=male,female", "a b c"),
        Row("GET Patient?gender=Female", "nothing", "codes are case-sensitive"),
        Row("GET Patient?gender:not=female", "b d e f", "also what has no gender at all"),
        Row("GET Patient?gender:not=female,male", "d e f", "neither the one nor the other"),
        Row("GET Patient?gender:missing=true", "d e f"),
        Row("GET Patient?gender:missing=false", "a b c"),
        Row("GET Patient?active=true", "a", "booleans are tokens"),
        Row("GET Patient?active=false", "b"),
        Row("GET Patient?telecom=13800000001", "a", "contact points are tokens"),
        Row("GET Patient?phone=13800000001", "a"),
        Row("GET Patient?email=13800000001", "nothing", "a phone number is not an email address"),
        Row("GET Patient?telecom=phone|13800000001", "a", "the use of a contact point stands for its system"),
        Row("GET Patient?_id=a", "a"),
        Row("GET Patient?_id=a,c,zz", "a c"),
        Row("GET Observation?code=http://loinc.org|85354-9", "m"),
        Row("GET Observation?code=BP", "m"),
        Row("GET Observation?code=bp", "n"),
        Row("GET Observation?code=|bp", "n"),
        Row("GET Observation?code=|BP", "nothing"),
        Row("GET Observation?code:text=blood", "m o", "the text and the displays, from their beginning, case-blind"),
        Row("GET Observation?code:not=BP", "n o"),
        Row("GET Observation?status=final&code=BP", "m"),
        Row("GET Observation?status=final,preliminary", "m n o"),
        Row("GET Encounter?class=IMP", "f", "a Coding"),
        Row("GET Encounter?class=http://terminology.hl7.org/CodeSystem/v3-ActCode|", "e f"),
        Row("GET Encounter?status:not=finished", "f"),
        Row("GET Patient?gendre=female", "Incorrect", "an unknown parameter is not silently left out"),
        Row("GET Patient?gender:exact=female", "Incorrect", "a modifier of another kind"),
        Row("GET Patient?active=", "Incorrect", "nothing to look for"),
    ],
)
