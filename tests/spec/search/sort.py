"""Sorting (http://hl7.org/fhir/R4/search.html#sort)."""

from tests.spec.language import Chapter, Row


def _met(practitioner: str, **period: str) -> dict[str, object]:
    who = [{"individual": {"reference": f"Practitioner/{practitioner}"}}]
    met: dict[str, object] = {"status": "finished", "class": {"code": "AMB"}, "participant": who}
    return {**met, "period": period} if period else met


CHAPTER = Chapter(
    title="Sorting",
    text="""
`_sort` takes any token, string, date, number, quantity or uri parameter, a minus sign for descending, several with
commas. What has no value comes last in either direction. Without `_sort` the order is the store's own, the same from
page to page.
""",
    resources={
        "Patient/a": {"birthDate": "1980-05-06", "gender": "female", "name": [{"family": "Bai"}]},
        "Patient/b": {"birthDate": "1975-01-01", "gender": "male", "name": [{"family": "An"}]},
        "Patient/c": {"gender": "female", "name": [{"family": "Chen"}]},
        "Patient/d": {"birthDate": "1990-12-31", "gender": "female"},
        "Patient/e": {"birthDate": "1980-05-07", "gender": "male", "name": [{"family": "an"}]},
        "Encounter/f": _met("a", start="2024-03-02"),
        "Encounter/g": _met("a"),
        "Encounter/h": _met("a", start="2024-03-01"),
        "Encounter/i": _met("b", start="2024-03-03"),
        "Encounter/j": _met("a", end="2024-01-01"),
        "RiskAssessment/m": {"status": "final", "subject": {}, "prediction": [{"probabilityDecimal": 0.5}]},
        "RiskAssessment/n": {"status": "final", "subject": {}, "prediction": [{"probabilityDecimal": 10}]},
        "RiskAssessment/o": {"status": "final", "subject": {}, "prediction": [{"probabilityDecimal": 9.75}]},
    },
    cases=[
        Row("GET Patient?_sort=birthdate", "b a e d c", "the one without a date last"),
        Row("GET Patient?_sort=-birthdate", "d e a b c", "here, too"),
        Row("GET Patient?_sort=gender,birthdate", "a d c b e", "by sex, then by date"),
        Row("GET Patient?_sort=gender,-birthdate", "d a c e b"),
        Row("GET Patient?_sort=-gender,birthdate", "b e a d c"),
        Row("GET Patient?_sort=_id", "a b c d e"),
        Row("GET Patient?_sort=-_id", "e d c b a"),
        Row("GET Patient?_sort=_lastUpdated,_id", "a b c d e", "in the order of writing"),
        Row("GET Patient?family=an,bai,chen&_sort=family,birthdate", "b e a c", "blind to case, as the search is"),
        Row("GET Patient?gender=female&_sort=-birthdate", "d a c"),
        Row("GET Patient?_sort=-birthdate&_count=2", "d e / a b / c", "pages follow the order"),
        Row("GET Patient?_sort=gender,_id&_count=2", "a c / d b / e", "also where the first key is equal"),
        Row("GET RiskAssessment?_sort=probability", "m o n", "numbers as numbers"),
        Row("GET Encounter?practitioner=a&_sort=date", "j h f g", "open at its beginning: first; without a date: last"),
        Row("GET Encounter?practitioner=a&_sort=-date", "f h j g"),
        Row("GET Encounter?practitioner=a&_sort=date&_count=1", "j / h / f / g"),
        Row("GET Encounter?_sort=date&_count=2", "j h / f i / g"),
        Row("GET Encounter?_sort=-date&_count=2", "i f / h j / g"),
        Row("GET Patient?_sort=shoe-size", "Incorrect"),
    ],
)
