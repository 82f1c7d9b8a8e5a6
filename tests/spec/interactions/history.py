"""History (http://hl7.org/fhir/R4/http.html#history)."""

from tests.spec.language import Chapter, Row, Story

FEMALE = {"gender": "female"}
MALE = {"gender": "male"}

CHAPTER = Chapter(
    title="History",
    text="""
Every version of a resource, of a type, of everything, newest first; a deletion is shown. The number in brackets is that
of all versions of one resource. `POST` is how the first version came, `PUT` every later one.
""",
    stories=[
        Story(
            "Of one resource",
            [
                Row("GET Patient/a/_history", "NotFound"),
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Patient/a", "updated Patient/a 2", body=MALE),
                Row("DELETE Patient/a", "deleted Patient/a 3"),
                Row("PUT Patient/a", "created Patient/a 4", body=FEMALE),
                Row("PUT Patient/b", "created Patient/b 1", body=FEMALE),
                Row("GET Patient/a/_history", "a 4 PUT, a 3 DELETE, a 2 PUT, a 1 POST [4]"),
                Row("GET Patient/a/_history?_count=3", "a 4 PUT, a 3 DELETE, a 2 PUT / a 1 POST [4]"),
                Row("GET Patient/a/_history?_count=2", "a 4 PUT, a 3 DELETE / a 2 PUT, a 1 POST [4]"),
                Row(
                    "GET Patient/a/_history?_since=2001-01-01T00:00:00%2B08:00&_count=9",
                    "a 4 PUT, a 3 DELETE, a 2 PUT, a 1 POST [4]",
                ),
                Row("GET Patient/a/_history?_since=2999-01-01T00:00:00Z", "nothing [4]"),
                Row("GET Patient/a/_history?_at=2001-01-01T00:00:00Z", "nothing [4]", "it was not there then"),
                Row("GET Patient/a/_history?_at=2999-01-01T00:00:00Z", "a 4 PUT [4]", "what will be current then"),
                Row("DELETE Patient/b", "deleted Patient/b 2"),
                Row("GET Patient/b/_history", "b 2 DELETE, b 1 POST [2]", "of what is deleted, too"),
            ],
        ),
        Story(
            "Of a type and of everything",
            [
                Row("GET Patient/_history", "nothing"),
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Patient/b", "created Patient/b 1", body=FEMALE),
                Row("PUT Organization/o", "created Organization/o 1", body={"name": "x"}),
                Row("PUT Patient/a", "updated Patient/a 2", body=MALE),
                Row("DELETE Patient/b", "deleted Patient/b 2"),
                Row("GET Patient/_history", "b 2 DELETE, a 2 PUT, b 1 POST, a 1 POST"),
                Row("GET Patient/_history?_count=3", "b 2 DELETE, a 2 PUT, b 1 POST / a 1 POST"),
                Row("GET _history", "b 2 DELETE, a 2 PUT, o 1 POST, b 1 POST, a 1 POST"),
                Row("GET _history?_count=2", "b 2 DELETE, a 2 PUT / o 1 POST, b 1 POST / a 1 POST"),
                Row("EXPUNGE Patient/a", "2 versions"),
                Row("PUT Patient/b", "created Patient/b 3", body=FEMALE),
                Row("GET Patient/b/_history", "b 3 PUT, b 2 DELETE, b 1 POST [3]", "still newest first"),
                Row("GET _history", "b 3 PUT, b 2 DELETE, o 1 POST, b 1 POST"),
                Row("GET Observation/_history", "nothing"),
                Row("GET Patient/_history?_since=2999-01-01T00:00:00Z", "nothing"),
            ],
        ),
    ],
)
