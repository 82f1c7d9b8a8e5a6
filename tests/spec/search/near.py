"""Search by nearness (http://hl7.org/fhir/R4/location.html#search)."""

from tests.spec.language import Chapter, Row


def _at(latitude: float, longitude: float) -> dict[str, object]:
    return {"position": {"latitude": latitude, "longitude": longitude}}


CHAPTER = Chapter(
    title="Searching by nearness",
    text="""
`near=latitude|longitude|distance|units` finds places within a distance, edge included. Without units kilometres,
without a distance ten of them.
""",
    resources={
        "Location/a": _at(30.5, 114.3),
        "Location/b": _at(30.509, 114.3),
        "Location/c": _at(30.5, 114.4),
        "Location/d": _at(31.4, 114.3),
        "Location/date-line-west": _at(-17, -179.99),
        "Location/date-line-east": _at(-17, 179.99),
        "Location/pole": _at(89.99, 10),
        "Location/other-side-of-the-pole": _at(89.99, -170),
        "Location/nowhere": {"name": "no position"},
        "Location/half": {"position": {"latitude": 30.5}},
        "Location/wrong": _at(300, 114.3),
    },
    cases=[
        Row("GET Location?near=30.5|114.3|0", "a", "the place itself"),
        Row("GET Location?near=30.5|114.3|1", "a", "b is 1,001 m to the north"),
        Row("GET Location?near=30.5|114.3|1.01", "a b"),
        Row("GET Location?near=30.5|114.3|1000|m", "a"),
        Row("GET Location?near=30.5|114.3|1002|m", "a b"),
        Row("GET Location?near=30.5|114.3", "a b c", "ten kilometres; c is 9.6 to the east"),
        Row("GET Location?near=30.5|114.3||km", "a b c"),
        Row("GET Location?near=30.5|114.3|9.5|km", "a b"),
        Row("GET Location?near=30.5|114.3|6|mi", "a b c"),
        Row("GET Location?near=30.5|114.3|5.9|[mi_i]", "a b"),
        Row("GET Location?near=30.5|114.3|100|km", "a b c", "d is 100.08 to the north"),
        Row("GET Location?near=30.5|114.3|101|km", "a b c d"),
        Row("GET Location?near=-17|180|2", "date-line-east date-line-west", "across the date line"),
        Row("GET Location?near=-17|-180|2", "date-line-east date-line-west"),
        Row("GET Location?near=90|0|2", "other-side-of-the-pole pole", "around the pole"),
        Row("GET Location?near=89.99|10|3", "other-side-of-the-pole pole"),
        Row(
            "GET Location?near=30.5|114.3|30000",
            "a b c d date-line-east date-line-west other-side-of-the-pole pole",
            "farther than the other side of the earth",
        ),
        Row("GET Location?near=30.5|114.3|1,31.4|114.3|1", "a d", "a comma means or"),
        Row("GET Location?near:missing=true", "half nowhere wrong", "half a position, or one off the earth"),
        Row("GET Location?near=30.5", "Incorrect", "no longitude"),
        Row("GET Location?near=91|114.3", "Incorrect", "no latitude"),
        Row("GET Location?near=30.5|181", "Incorrect"),
        Row("GET Location?near=30.5|east", "Incorrect"),
        Row("GET Location?near=nan|114.3", "Incorrect"),
        Row("GET Location?near=30.5|114.3|-1", "Incorrect", "no distance"),
        Row("GET Location?near=30.5|114.3|1e9", "Incorrect"),
        Row("GET Location?near=30.5|114.3|1|furlong", "Incorrect", "no unit known here"),
        Row("GET Location?near=30.5|114.3|1|km|x", "Incorrect"),
        Row("GET Location?_sort=near", "Unsupported"),
    ],
)
