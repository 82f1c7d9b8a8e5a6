"""Conditional create, update, patch, delete (http://hl7.org/fhir/R4/http.html#ccreate)."""

from tests.spec.language import Chapter, Row, Story

CARD = "http://minkang.example/card"


def _card(value: str, **more: object) -> dict[str, object]:
    return {"identifier": [{"system": CARD, "value": value}], **more}


ONE, TWO = f"identifier={CARD}|1", f"identifier={CARD}|2"
TO_MALE = [{"op": "add", "path": "/gender", "value": "male"}]

CHAPTER = Chapter(
    title="Conditional create, update, patch and delete",
    text="A condition may find none, one or several resources; several are always refused and change nothing.",
    resources={
        "Patient/a": _card("1"),
        "Patient/b": _card("2"),
        "Patient/c": _card("2"),
        "Patient/other": {},
    },
    stories=[
        Story(
            "Create, unless it exists",
            [
                Row(f"POST Patient; If-None-Exist: {ONE}", "unchanged Patient/a 1", "one: that is it", _card("1")),
                Row(f"POST Patient; If-None-Exist: {TWO}", "PreconditionFailed", "several", _card("2")),
                Row(f"POST Patient; If-None-Exist: identifier={CARD}|3", "created Patient/$x 1", "none", _card("3")),
                Row(f"POST Patient; If-None-Exist: identifier={CARD}|3", "unchanged Patient/$x 1", body=_card("3")),
                Row("DELETE Patient/$x", "deleted Patient/$x 2"),
                Row(f"POST Patient; If-None-Exist: identifier={CARD}|3", "created Patient/$y 1", body=_card("3")),
            ],
        ),
        Story(
            "Update what the condition finds",
            [
                Row(f"PUT Patient?{ONE}", "updated Patient/a 2", body=_card("1", gender="male")),
                Row("GET Patient/a", "Patient/a 2", shows={"id": "a", "gender": "male"}),
                Row(f"PUT Patient?{ONE}", "unchanged Patient/a 2", body=_card("1", gender="male")),
                Row(f"PUT Patient?{ONE}", "updated Patient/a 3", body=_card("1", id="a")),
                Row(f"PUT Patient?{ONE}", "Incorrect", "the body says another id", _card("1", id="b")),
                Row(f"PUT Patient?{TWO}", "PreconditionFailed", "several", _card("2")),
                Row(f"PUT Patient?{ONE}; If-Match: 1", "PreconditionFailed", body=_card("1")),
                Row(f"PUT Patient?{ONE}; If-Match: 3", "updated Patient/a 4", body=_card("1", active=True)),
                Row(f"PUT Patient?identifier={CARD}|4", "created Patient/$x 1", "none: an id of the store", _card("4")),
                Row(f"PUT Patient?identifier={CARD}|5", "created Patient/e 1", "or the body's own", _card("5", id="e")),
                Row(
                    f"PUT Patient?identifier={CARD}|6",
                    "Conflict",
                    "none, but the body's id is taken: it is not overwritten",
                    _card("6", id="other"),
                ),
                Row("GET Patient/other", "Patient/other 1"),
            ],
        ),
        Story(
            "Patch what the condition finds",
            [
                Row(f"PATCH Patient?{ONE}", "updated Patient/a 2", body=TO_MALE, shows={"gender": "male"}),
                Row(f"PATCH Patient?{TWO}", "PreconditionFailed", body=TO_MALE),
                Row(f"PATCH Patient?identifier={CARD}|9", "NotFound", body=TO_MALE),
            ],
        ),
        Story(
            "Delete what the condition finds",
            [
                Row(f"DELETE Patient?identifier={CARD}|9", "nothing"),
                Row(f"DELETE Patient?{TWO}", "PreconditionFailed", "several, one allowed"),
                Row(f"GET Patient?{TWO}", "b c", "nothing was deleted"),
                Row(f"DELETE Patient?{ONE}", "deleted Patient/a 2"),
                Row(f"DELETE Patient?{ONE}", "nothing"),
                Row(f"DELETE Patient?{TWO}; limit: 5", "deleted Patient/b 2, deleted Patient/c 2", "several allowed"),
                Row("GET Patient", "other"),
            ],
        ),
    ],
)
