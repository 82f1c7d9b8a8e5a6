"""Create, read, update, patch, delete (http://hl7.org/fhir/R4/http.html)."""

from tests.spec.language import Chapter, Row, Story

FEMALE = {"gender": "female"}
MALE = {"gender": "male"}
TO_MALE = [{"op": "replace", "path": "/gender", "value": "male"}]

CHAPTER = Chapter(
    title="Create, read, update, patch, delete",
    text="""
Versions are numbered 1, 2, 3 ...; a delete is one of them. An update that changes nothing makes no version. The id of a
create is the store's; an update may bring its own. If-Match names the version that must still be the newest.
""",
    stories=[
        Story(
            "A life",
            [
                Row("GET Patient/a", "NotFound"),
                Row("PUT Patient/a", "created Patient/a 1", "the client's own id", FEMALE),
                Row("GET Patient/a", "Patient/a 1", shows={"id": "a", "gender": "female"}),
                Row("PUT Patient/a", "updated Patient/a 2", body=MALE),
                Row("GET Patient/a", "Patient/a 2", shows={"gender": "male"}),
                Row("GET Patient/a/_history/1", "Patient/a 1", "old versions stay", shows={"gender": "female"}),
                Row("GET Patient/a/_history/3", "NotFound"),
                Row("DELETE Patient/a", "deleted Patient/a 3"),
                Row("GET Patient/a", "Gone"),
                Row("GET Patient/a/_history/3", "Gone", "the deletion itself cannot be read"),
                Row("GET Patient/a/_history/2", "Patient/a 2", shows={"gender": "male"}),
                Row("GET Patient?_id=a", "nothing", "what is deleted is not found"),
                Row("DELETE Patient/a", "nothing", "deleting twice does no harm"),
                Row("PUT Patient/a", "created Patient/a 4", "back again; the numbers go on", FEMALE),
                Row("GET Patient/a", "Patient/a 4"),
                Row("GET Patient?gender=female", "a"),
            ],
        ),
        Story(
            "Ids made by the store",
            [
                Row("POST Patient", "created Patient/$x 1", body=FEMALE),
                Row("GET Patient/$x", "Patient/$x 1", shows={"id": "$x", "gender": "female"}),
                Row("POST Patient", "created Patient/$y 1", "the body's id is not used", {"id": "mine", **FEMALE}),
                Row("GET Patient/mine", "NotFound"),
                Row("POST Observation", "created Observation/$o 1", body={"subject": {"reference": "Patient/$x"}}),
                Row("GET Observation/$o", "Observation/$o 1", shows={"subject": {"reference": "Patient/$x"}}),
                Row("GET Observation?subject=Patient/$x", "$o"),
                Row("PUT Observation/$o", "updated Observation/$o 2", body={"subject": {"reference": "Patient/$y"}}),
                Row("GET Observation/$o", "Observation/$o 2", "found after its subject changed"),
                Row("GET Observation/$o/_history/1", "Observation/$o 1"),
                Row("GET Observation?subject=Patient/$x", "nothing"),
                Row("GET Observation?subject=Patient/$y", "$o"),
            ],
        ),
        Story(
            "The same id in two types",
            [
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Practitioner/a", "created Practitioner/a 1", body=MALE),
                Row("DELETE Patient/a", "deleted Patient/a 2"),
                Row("GET Practitioner/a", "Practitioner/a 1"),
                Row("PUT Patient/A", "created Patient/A 1", "ids are case-sensitive", FEMALE),
                Row("GET Patient/a", "Gone"),
            ],
        ),
        Story(
            "Updates that change nothing",
            [
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Patient/a", "unchanged Patient/a 1", body=FEMALE),
                Row("PUT Patient/a", "unchanged Patient/a 1", body={"meta": {"versionId": "9"}, **FEMALE}),
                Row("PUT Patient/a", "updated Patient/a 2", body={"meta": {"source": "urn:x"}, **FEMALE}),
                Row("PATCH Patient/a", "updated Patient/a 3", body=TO_MALE),
                Row("PATCH Patient/a", "unchanged Patient/a 3", body=TO_MALE),
                Row("GET Patient/a/_history", "a 3 PUT, a 2 PUT, a 1 POST [3]"),
            ],
        ),
        Story(
            "Optimistic locking",
            [
                Row("PUT Patient/a; If-Match: 1", "PreconditionFailed", "there is nothing yet", FEMALE),
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Patient/a; If-Match: 1", "updated Patient/a 2", body=MALE),
                Row("PUT Patient/a; If-Match: 1", "PreconditionFailed", "somebody was quicker", FEMALE),
                Row("GET Patient/a", "Patient/a 2", "nothing was written", shows={"gender": "male"}),
                Row("PATCH Patient/a; If-Match: 1", "PreconditionFailed", body=TO_MALE),
                Row("DELETE Patient/a; If-Match: 1", "PreconditionFailed"),
                Row("PUT Patient/a; If-None-Match: *", "PreconditionFailed", "only if it is new", FEMALE),
                Row("PUT Patient/b; If-None-Match: *", "created Patient/b 1", body=FEMALE),
                Row("DELETE Patient/a; If-Match: 2", "deleted Patient/a 3"),
                Row("PUT Patient/a; If-Match: 3", "PreconditionFailed", "it is deleted", FEMALE),
                Row("DELETE Patient/a; If-Match: 2", "nothing"),
                Row("PUT Patient/a; If-None-Match: *", "created Patient/a 4", "deleted is as good as new", FEMALE),
            ],
        ),
        Story(
            "Patches",
            [
                Row("PATCH Patient/a", "NotFound", body=TO_MALE),
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PATCH Patient/a", "updated Patient/a 2", body=TO_MALE, shows={"gender": "male", "id": "a"}),
                Row(
                    "PATCH Patient/a",
                    "Unprocessable",
                    "the test operation fails",
                    [{"op": "test", "path": "/gender", "value": "female"}, {"op": "remove", "path": "/gender"}],
                ),
                Row("GET Patient/a", "Patient/a 2", shows={"gender": "male"}),
                Row("DELETE Patient/a", "deleted Patient/a 3"),
                Row("PATCH Patient/a", "Gone", body=TO_MALE),
            ],
        ),
        Story(
            "Removing for good",
            [
                Row("PUT Patient/a", "created Patient/a 1", body=FEMALE),
                Row("PUT Patient/a", "updated Patient/a 2", body=MALE),
                Row("PUT Patient/b", "created Patient/b 1", body=MALE),
                Row("EXPUNGE Patient/a", "2 versions"),
                Row("GET Patient/a", "NotFound"),
                Row("GET Patient/a/_history/1", "NotFound"),
                Row("GET Patient/a/_history", "NotFound"),
                Row("GET Patient?gender=male", "b"),
                Row("EXPUNGE Patient/a", "0 versions"),
                Row("PUT Patient/a", "created Patient/a 1", "as if it had never been", FEMALE),
                Row("GET Patient/a", "Patient/a 1"),
            ],
        ),
    ],
)
