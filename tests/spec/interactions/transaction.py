"""Transactions (http://hl7.org/fhir/R4/http.html#transaction)."""

from tests.spec.language import Caller, Chapter, Row, Story

CARD = "http://minkang.example/card"
URN = "urn:uuid:6a0f3a1e-0001-4000-8000-000000000001"
URN_2 = "urn:uuid:6a0f3a1e-0001-4000-8000-000000000002"
MALE = {"gender": "male"}


def _card(value: str, **more: object) -> dict[str, object]:
    return {"identifier": [{"system": CARD, "value": value}], **more}


def _about(reference: str, **more: object) -> dict[str, object]:
    return {"status": "final", "code": {"text": "x"}, "subject": {"reference": reference}, **more}


CHAPTER = Chapter(
    title="Transactions",
    text="""
Several requests that happen together or not at all: deletes first, then creates, then updates and patches, then reads;
the answers come in the order of the requests. Conditions are asked of what was there before. A reference to an entry's
`fullUrl` becomes one to the resource that comes of it.
""",
    resources={
        "Patient/a": _card("1"),
        "Patient/b": _card("2"),
        "Patient/c": _card("2"),
    },
    callers={"a's family": Caller(patients=frozenset({"a"}))},
    stories=[
        Story(
            "Every verb",
            [
                Row(
                    "TRANSACTION",
                    "Patient/a 2, updated Patient/a 2, created Observation/$o 1, deleted Patient/b 2, "
                    "updated Patient/c 2",
                    "answers in the order of the requests; the read sees the update",
                    [
                        ("GET Patient/a", None),
                        ("PUT Patient/a", MALE),
                        ("POST Observation", _about("Patient/a")),
                        ("DELETE Patient/b", None),
                        ("PATCH Patient/c", [{"op": "add", "path": "/active", "value": True}]),
                    ],
                ),
                Row("GET Patient/b", "Gone"),
                Row("GET Observation/$o", "Observation/$o 1", shows={"subject": {"reference": "Patient/a"}}),
            ],
        ),
        Story(
            "All or nothing",
            [
                Row(
                    "TRANSACTION",
                    "PreconditionFailed",
                    body=[
                        ("DELETE Patient/b", None),
                        ("PUT Patient/new", MALE),
                        ("PUT Patient/a; If-Match: 7", MALE),
                    ],
                ),
                Row("GET Patient/a", "Patient/a 1"),
                Row("GET Patient/b", "Patient/b 1"),
                Row("GET Patient/new", "NotFound"),
                Row("TRANSACTION", "NotFound", body=[("PUT Patient/new", MALE), ("GET Patient/nobody", None)]),
                Row("GET Patient/new", "NotFound", "a read that fails undoes the writes"),
                Row("PUT Observation/o", "created Observation/o 1", body=_about("Patient/a")),
                Row(
                    "TRANSACTION",
                    "NotFound",
                    body=[("PUT Observation/o", _about("Patient/b")), ("GET Patient/nobody", None)],
                ),
                Row("GET Patient/a/$everything", "a o", "it stays where it was"),
                Row("GET Patient/b/$everything", "b"),
                Row("GET Observation/o/_history", "o 1 POST [1]", by="a's family"),
                Row("TRANSACTION", "", "an empty one does nothing", []),
            ],
        ),
        Story(
            "References between entries",
            [
                Row(
                    "TRANSACTION",
                    "created Observation/$o 1, created Patient/$p 1",
                    "whichever comes first",
                    [("POST Observation", _about(URN)), ("POST Patient", MALE, URN)],
                ),
                Row("GET Observation/$o", "Observation/$o 1", shows={"subject": {"reference": "Patient/$p"}}),
                Row("GET Observation?subject=Patient/$p", "$o"),
                Row(
                    "TRANSACTION",
                    "created Encounter/$e 1, created Observation/$n 1, updated Patient/a 2",
                    "a chain, and a client's own id",
                    [
                        (
                            "POST Encounter",
                            {"status": "finished", "class": {"code": "AMB"}, "subject": {"reference": URN_2}},
                            URN,
                        ),
                        ("POST Observation", _about(URN_2, encounter={"reference": URN})),
                        ("PUT Patient/a", MALE, URN_2),
                    ],
                ),
                Row(
                    "GET Observation/$n",
                    "Observation/$n 1",
                    shows={"subject": {"reference": "Patient/a"}, "encounter": {"reference": "Encounter/$e"}},
                ),
            ],
        ),
        Story(
            "Conditions inside",
            [
                Row(
                    "TRANSACTION",
                    "unchanged Patient/a 1, created Observation/$o 1",
                    "a create that finds one: references go to what was found",
                    [
                        (f"POST Patient; If-None-Exist: identifier={CARD}|1", _card("1"), URN),
                        ("POST Observation", _about(URN)),
                    ],
                ),
                Row("GET Observation/$o", "Observation/$o 1", shows={"subject": {"reference": "Patient/a"}}),
                Row(
                    "TRANSACTION",
                    "updated Patient/a 2, created Observation/$n 1",
                    "an update that finds one",
                    [
                        (f"PUT Patient?identifier={CARD}|1", _card("1", gender="male"), URN),
                        ("POST Observation", _about(URN)),
                    ],
                ),
                Row("GET Observation/$n", "Observation/$n 1", shows={"subject": {"reference": "Patient/a"}}),
                Row(
                    "TRANSACTION",
                    "created Patient/$p 1, created Observation/$m 1",
                    "an update that finds none",
                    [
                        (f"PUT Patient?identifier={CARD}|8", _card("8"), URN),
                        ("POST Observation", _about(URN)),
                    ],
                ),
                Row("GET Observation/$m", "Observation/$m 1", shows={"subject": {"reference": "Patient/$p"}}),
                Row(
                    "TRANSACTION",
                    "PreconditionFailed",
                    "several: nothing is written",
                    [("PUT Patient/new", MALE), (f"POST Patient; If-None-Exist: identifier={CARD}|2", _card("2"))],
                ),
                Row("GET Patient/new", "NotFound"),
                Row(
                    "TRANSACTION",
                    "nothing, deleted Patient/a 3",
                    body=[(f"DELETE Patient?identifier={CARD}|9", None), (f"DELETE Patient?identifier={CARD}|1", None)],
                ),
            ],
        ),
        Story(
            "Conditional references",
            [
                Row(
                    "TRANSACTION",
                    "created Observation/$o 1",
                    body=[("POST Observation", _about(f"Patient?identifier={CARD}|1"))],
                ),
                Row("GET Observation/$o", "Observation/$o 1", shows={"subject": {"reference": "Patient/a"}}),
                Row(
                    "TRANSACTION",
                    "PreconditionFailed",
                    "several",
                    [("POST Observation", _about(f"Patient?identifier={CARD}|2"))],
                ),
                Row(
                    "TRANSACTION",
                    "PreconditionFailed",
                    "none",
                    [("POST Observation", _about(f"Patient?identifier={CARD}|9"))],
                ),
                Row("GET Observation", "$o"),
            ],
        ),
        Story(
            "One resource, one entry",
            [
                Row("TRANSACTION", "Incorrect", body=[("PUT Patient/a", MALE), ("DELETE Patient/a", None)]),
                Row(
                    "TRANSACTION",
                    "Incorrect",
                    "also when a condition finds it",
                    [("PUT Patient/a", MALE), (f"PUT Patient?identifier={CARD}|1", _card("1", active=True))],
                ),
                Row("GET Patient/a", "Patient/a 1"),
            ],
        ),
        Story(
            "A message sent twice",
            [
                Row("TRANSACTION; source: his; message: 1", "created Patient/$p 1", body=[("POST Patient", MALE)]),
                Row(
                    "TRANSACTION; source: his; message: 1",
                    "created Patient/$p 1",
                    "the first answer again; nothing is written",
                    [("POST Patient", MALE)],
                ),
                Row("GET Patient?gender=male", "$p"),
                Row(
                    "TRANSACTION; source: lab; message: 1",
                    "created Patient/$q 1",
                    "another sender's message of the same id is another message",
                    [("POST Patient", MALE)],
                ),
                Row(
                    "TRANSACTION; source: his; message: 2",
                    "PreconditionFailed",
                    body=[("PUT Patient/a; If-Match: 9", MALE)],
                ),
                Row(
                    "TRANSACTION; source: his; message: 2",
                    "updated Patient/a 2",
                    "what failed may be sent again",
                    [("PUT Patient/a", MALE)],
                ),
                Row("TRANSACTION; message: 3", "Incorrect", "whose message?", [("POST Patient", MALE)]),
            ],
        ),
    ],
)
