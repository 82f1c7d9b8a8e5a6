"""What a caller may see and write (store/scope.py)."""

from typing import Any

from tests.spec.language import Caller, Chapter, Row, Story

FEMALE = {"gender": "female"}
SETS = "http://minkang.example/vs"


def _set(name: str, code: str) -> Any:
    include = [{"system": "http://minkang.example/code", "concept": [{"code": code}]}]
    return {"status": "active", "url": f"{SETS}/{name}", "compose": {"include": include}}


def _coded(code: str) -> Any:
    coding = [{"system": "http://minkang.example/code", "code": code}]
    return {"subject": {"reference": "Patient/p"}, "code": {"coding": coding}}


CHAPTER = Chapter(
    title="Scope",
    text="""
Every request is bound to a caller's scope. A row is inside when its custodian's division, or its custodian, or its
resident is in the scope. What is outside is answered as if it were not there, in every kind of request.

`city` is unlimited; `east` and `west` see their division (390101, 390102); `clinic` sees what its organisation wrote;
`family` sees one resident, p; `registry` may write organisations only.
""",
    callers={
        "city": Caller("city-hospital", 390100),
        "east": Caller("east-hospital", 390101, divisions=frozenset({390101})),
        "west": Caller("west-hospital", 390102, divisions=frozenset({390102})),
        "clinic": Caller("clinic", 390102, organizations=frozenset({"clinic"})),
        "family": Caller(patients=frozenset({"p"})),
        "registry": Caller("registry", 390100, writable=frozenset({"Organization"})),
        "nobody": Caller(divisions=frozenset()),
    },
    resources={
        "Patient/p": FEMALE,
        "Patient/q": FEMALE,
        "Observation/a": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}},
        "Observation/b": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}},
        "Observation/c": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/q"}},
        "Observation/d": {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/q"}},
    },
    written_by={
        "Patient/p": "east",
        "Patient/q": "west",
        "Observation/a": "east",
        "Observation/b": "west",
        "Observation/c": "clinic",
        "Observation/d": "city",
    },
    cases=[
        Row("GET Observation", "a b c d", by="city"),
        Row("GET Observation", "a", by="east"),
        Row("GET Observation", "b c", "a clinic of the division, too", by="west"),
        Row("GET Observation", "c", by="clinic"),
        Row("GET Observation", "a b", "wherever it was written", by="family"),
        Row("GET Observation", "nothing", "an empty scope admits nothing", by="nobody"),
        Row("GET Patient/p", "Patient/p 1", by="east"),
        Row("GET Patient/p", "NotFound", by="west"),
        Row("GET Patient/p/_history/1", "NotFound", by="west"),
        Row("GET Patient/p/_history", "NotFound", by="west"),
        Row("GET Patient/_history", "p 1 POST", by="east"),
        Row("GET Patient/p", "Patient/p 1", by="family"),
        Row("GET Observation?_total=accurate", "a [1]", "totals count what is inside", by="east"),
        Row("GET Observation?_summary=count", "nothing [2]", by="west"),
        Row("GET Observation?subject=Patient/p", "b", by="west"),
        Row("GET Observation?_include=Observation:subject", "b c + q", "p is the east's", by="west"),
        Row("GET Patient?_revinclude=Observation:subject", "p + a", by="east"),
        Row("GET Patient/p/Observation", "a", by="east"),
        Row("GET Patient/p/$everything", "a p", by="east"),
        Row("GET Patient/p/$everything", "NotFound", by="west"),
        Row("GET Patient/p/$everything", "a b p", by="family"),
    ],
    stories=[
        Story(
            "Value sets: those inside, and those that no institution wrote",
            [
                Row("PUT Condition/x", "created Condition/x 1", body=_coded("x"), by="west"),
                Row("PUT ValueSet/national", "created ValueSet/national 1", body=_set("national", "x")),
                Row("PUT ValueSet/own", "created ValueSet/own 1", body=_set("own", "x"), by="east"),
                Row(f"GET Condition?code:in={SETS}/national", "x", by="west"),
                Row(f"GET Condition?code:in={SETS}/own", "nothing", by="east"),
                Row(f"GET Condition?code:in={SETS}/own", "Incorrect", "as if it were not there", by="west"),
            ],
        ),
        Story(
            "Writing outside the scope",
            [
                Row("PUT Patient/p", "NotFound", "the id of another division's resource", FEMALE, by="west"),
                Row("DELETE Patient/p", "NotFound", by="west"),
                Row("EXPUNGE Patient/p", "0 versions", by="west"),
                Row("PATCH Patient/p", "NotFound", body=[{"op": "remove", "path": "/gender"}], by="west"),
                Row("GET Patient/p", "Patient/p 1", "untouched", by="east"),
                Row("DELETE Observation?status=final; limit: 9", "deleted Observation/a 2", by="east"),
                Row("GET Observation", "b c d", "a condition sees only what is inside", by="city"),
            ],
        ),
        Story(
            "Conditions see only what is inside",
            [
                Row("PUT Patient?gender=female", "updated Patient/p 2", body={"active": True}, by="east"),
                Row("POST Patient; If-None-Exist: gender=female", "unchanged Patient/q 1", body=FEMALE, by="west"),
                Row("POST Patient; If-None-Exist: gender=female", "created Patient/$x 1", body=FEMALE, by="east"),
            ],
        ),
        Story(
            "Some types only",
            [
                Row("PUT Organization/o", "created Organization/o 1", body={"name": "x"}, by="registry"),
                Row("PUT Patient/new", "Forbidden", body=FEMALE, by="registry"),
                Row("POST Patient", "Forbidden", body=FEMALE, by="registry"),
                Row("DELETE Patient/p", "Forbidden", by="registry"),
                Row(
                    "TRANSACTION",
                    "Forbidden",
                    "and nothing of it happens",
                    [("PUT Organization/n", {"name": "x"}), ("PUT Patient/new", FEMALE)],
                    by="registry",
                ),
                Row("GET Organization/n", "NotFound", by="registry"),
                Row("GET Patient/p", "Patient/p 1", "reading is another matter", by="registry"),
            ],
        ),
    ],
)
