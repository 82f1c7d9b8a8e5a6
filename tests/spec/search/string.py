"""Search by string (http://hl7.org/fhir/R4/search.html#string)."""

from tests.spec.language import Chapter, Row


def _at(**address: object) -> dict[str, object]:
    return {"address": [address]}


CHAPTER = Chapter(
    title="Searching by string",
    text="""
From the beginning of the value, blind to case, accents and full-width forms; `:contains` anywhere; `:exact` the whole
value as it stands. An address or a name is found by any of its parts.
""",
    resources={
        "Location/a": {"name": "South Gate Clinic"},
        "Location/b": {"name": "south-gate clinic, ward 2"},
        "Location/c": {"name": "Clinique Élysée"},
        "Location/d": {"name": "ＳＯＵＴＨ wing"},
        "Location/e": {"name": "南门社区卫生服务站"},
        "Location/f": {"status": "active"},
        "Location/g": {"name": "A, B|C$D\\E"},
        "Organization/m": _at(city="临海市", district="城南区", line=["解放路 8 号"], text="临海市城南区解放路 8 号"),
        "Organization/n": _at(city="Linhai", postalCode="390001", country="CN"),
    },
    cases=[
        Row("GET Location?name=south", "a b d", "from the beginning, case-blind; full-width letters are letters"),
        Row("GET Location?name=South Gate", "a b", "a hyphen is as good as a blank"),
        Row("GET Location?name=gate", "nothing", "not the beginning"),
        Row("GET Location?name:contains=gate", "a b"),
        Row("GET Location?name:exact=South Gate Clinic", "a"),
        Row("GET Location?name:exact=south gate clinic", "nothing"),
        Row("GET Location?name:exact=South", "nothing", "the whole value"),
        Row("GET Location?name=clinique elysee", "c", "accent-blind"),
        Row("GET Location?name:exact=Clinique Élysée", "c"),
        Row("GET Location?name=南门", "e"),
        Row("GET Location?name:contains=卫生", "e"),
        Row("GET Location?name=卫生", "nothing"),
        Row("GET Location?name=south,南门", "a b d e"),
        Row("GET Location?name:contains=ward&name:contains=south", "b"),
        Row("GET Location?name:missing=true", "f"),
        Row(r"GET Location?name=a\, b\|c\$d\\e", "g", "escaped separators"),
        Row(r"GET Location?name:exact=A\, B\|C\$D\\E", "g"),
        Row("GET Organization?address=临海", "m", "any part of the address"),
        Row("GET Organization?address=城南", "m"),
        Row("GET Organization?address=解放", "m"),
        Row("GET Organization?address=390001", "n"),
        Row("GET Organization?address-city=linhai", "n"),
        Row("GET Organization?address-city=城南", "nothing", "a district is not a city"),
        Row("GET Organization?address-country=cn", "n"),
    ],
)
