"""Search by date (http://hl7.org/fhir/R4/search.html#date)."""

from tests.spec.language import Chapter, Row


def _seen(**when: object) -> dict[str, object]:
    return {"status": "final", "code": {"text": "x"}, **when}


def _stay(start: str | None = None, end: str | None = None) -> dict[str, object]:
    period = {key: value for key, value in (("start", start), ("end", end)) if value}
    return {"status": "finished", "class": {"code": "IMP"}, **({"period": period} if period else {})}


CHAPTER = Chapter(
    title="Searching by date",
    text="""
Every date is a span: a day lasts from its first moment to its last. Equality means that the asked span contains the
value's span; `ne` is its opposite. A date without a time zone is read in the platform's (+08:00). A period that is open
at an end reaches to infinity there.
""",
    resources={
        "Patient/a": {"birthDate": "1980-05-06"},
        "Patient/b": {"birthDate": "1980-05"},
        "Patient/c": {"birthDate": "1980"},
        "Patient/d": {"birthDate": "1981-01-01"},
        "Patient/e": {},
        "Observation/a": _seen(effectiveDateTime="2024-03-01T10:00:00+08:00"),
        "Observation/b": _seen(effectiveDateTime="2024-03-01T23:30:00Z"),
        "Observation/c": _seen(effectiveDateTime="2024-03"),
        "Observation/d": _seen(effectivePeriod={"start": "2024-02-28", "end": "2024-03-02"}),
        "Observation/e": _seen(effectiveInstant="2024-03-01T02:00:00.500Z"),
        "Encounter/a": _stay("2024-01-10", "2024-01-20"),
        "Encounter/b": _stay("2024-01-15"),
        "Encounter/c": _stay(end="2024-01-12"),
        "Encounter/d": _stay(),
        "Procedure/a": {
            "status": "completed",
            "subject": {"reference": "Patient/a"},
            "performedPeriod": {"start": "2024-03-01", "end": "2024-02-27"},
        },
    },
    cases=[
        Row("GET Patient?birthdate=1980-05-06", "a"),
        Row("GET Patient?birthdate=1980-05", "a b", "the month contains the day and itself, not the year"),
        Row("GET Patient?birthdate=1980", "a b c"),
        Row("GET Patient?birthdate=ne1980-05", "c d", "what the month does not contain"),
        Row("GET Patient?birthdate=lt1980-05-06", "b c", "part of the value lies before"),
        Row("GET Patient?birthdate=gt1980-05-06", "b c d", "part of the value lies after"),
        Row("GET Patient?birthdate=ge1980-05-06", "a b c d"),
        Row("GET Patient?birthdate=le1980-05-06", "a b c"),
        Row("GET Patient?birthdate=sa1980-05-06", "d", "the whole value lies after"),
        Row("GET Patient?birthdate=eb1980-06", "a b", "the whole value lies before"),
        Row("GET Patient?birthdate=1980-05-06,1981-01-01", "a d"),
        Row("GET Patient?birthdate=ge1980-05-07&birthdate=lt1981", "b c"),
        Row("GET Patient?birthdate:missing=true", "e"),
        Row("GET Observation?date=2024-03-01", "a e", "b is already the second here: 07:30 in +08:00"),
        Row("GET Observation?date=2024-03-02", "b"),
        Row("GET Observation?date=2024-03", "a b c e", "d begins in February"),
        Row("GET Observation?date=2024-03-01T10:00:00%2B08:00", "a e", "a second contains its fractions"),
        Row("GET Observation?date=2024-03-01T02:00:00Z", "a e", "the same moment in another zone"),
        Row("GET Observation?date=2024-03-01T10:00", "a e", "without a zone: the platform's"),
        Row("GET Observation?date=gt2024-03-02", "c", "the month goes on after the second"),
        Row("GET Observation?date=lt2024-03-01", "d"),
        Row("GET Observation?date=ge2024-03-02", "b c", "d ends on that day: neither contained nor reaching beyond"),
        Row("GET Encounter?date=ge2024-01-14&date=le2024-01-16", "a b", "stays that touch these days"),
        Row("GET Encounter?date=lt2024-01-01", "c", "open at its beginning"),
        Row("GET Encounter?date=gt2030", "b", "open at its end"),
        Row("GET Encounter?date=sa2024-01-13", "b"),
        Row("GET Encounter?date=eb2024-01-13", "c"),
        Row("GET Encounter?date=2024-01", "a", "the month contains only the closed stay"),
        Row("GET Encounter?date:missing=true", "d"),
        Row("GET Procedure?date=2024-02-28", "nothing", "a period that ends before it begins ..."),
        Row("GET Procedure?date=ge2024-02-28&date=le2024-02-28", "a", "... is all that lies between its two dates"),
        Row("GET Patient?birthdate=1980-13-01", "Incorrect", "there is no such month"),
        Row("GET Patient?birthdate=1980-02-30", "Incorrect", "there is no such day"),
        Row("GET Patient?birthdate=yesterday", "Incorrect"),
        Row("GET Patient?_lastUpdated=gt2001", "a b c d e", "every resource has one"),
        Row("GET Patient?_lastUpdated=lt2001", "nothing"),
    ],
)
