"""Whatever is sent, the door answers below 500 with an OperationOutcome or a resource, and stays alive.

Bounded: about 20 seconds together. `HYPOTHESIS_PROFILE=long` looks longer.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minkang.gateways.rest.gateway import build
from minkang.store.memory import MemoryStore
from tests.lib.asgi import Answer, Client

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
FUZZ = settings(
    max_examples=5000 if LONG else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=not LONG,
)

SEEDS: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": "张", "given": ["丽"], "_given": [None]}],
        "gender": "female",
        "birthDate": "1990-02-03",
        "contact": [{"name": {"text": "x"}}],
    },
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "urn:oid:1.2", "code": "k"}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-01-02T03:04:05+08:00",
        "valueQuantity": {"value": 6.1, "unit": "mmol/L"},
        "contained": [{"resourceType": "Device", "id": "d"}],
    },
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:0b1f6a6e-5a3f-4b0e-9a52-1d1a5d2a7c01",
                "resource": {"resourceType": "Patient"},
                "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=a|b"},
            },
            {"request": {"method": "GET", "url": "Patient?name=x"}},
            {"request": {"method": "DELETE", "url": "Patient/p"}},
        ],
    },
    {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Observation?code=k"}}]},
    {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": {"resourceType": "Patient"}},
            {"name": "start", "valueDate": "2024"},
        ],
    },
    {"resourceType": "Binary", "id": "b", "contentType": "image/png", "data": "AAAA"},
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["Patient", "Patient/p", "#d", "urn:uuid:x", "2024-02-30", "张丽", "\0", "a" * 65, ""]),
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A published-looking resource with one or a few places exchanged for junk, dropped, doubled or moved."""
    tree = json.loads(json.dumps(draw(st.sampled_from(SEEDS))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["junk", "drop", "wrap", "unwrap", "copy"])):
            case "junk":
                holder[key] = draw(junk)
            case "drop":
                del holder[key]
            case "wrap":
                holder[key] = [holder[key]]
            case "unwrap":
                holder[key] = next(iter(holder[key]), None) if isinstance(holder[key], list | dict) else {}
            case "copy" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["extension", "id", "_status", "resourceType", "colour"]))] = holder[key]
    return tree


def _places(node: Any) -> Any:
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            yield from _places(value)


words = st.sampled_from(
    [
        "Patient",
        "Observation",
        "Bundle",
        "Binary",
        "Parameters",
        "Human",
        "_search",
        "_history",
        "metadata",
        "$validate",
        "$everything",
        "$meta",
        "$meta-add",
        "$meta-delete",
        "p",
        "o",
        "b",
        "1",
        "_",
        "$",
        "*",
        "..",
        "%00",
        "%ff",
        "%2F",
        "%E5%BC%A0",
        "a%zz",
    ]
) | st.text(max_size=10)
paths = st.lists(words, max_size=5).map(lambda parts: "/" + "/".join(parts))
parameters = st.sampled_from(
    [
        "name",
        "name:exact",
        "gender",
        "birthdate",
        "_lastUpdated",
        "code",
        "value-quantity",
        "subject",
        "subject:Patient",
        "identifier",
        "_id",
        "_count",
        "_sort",
        "_include",
        "_revinclude",
        "_summary",
        "_elements",
        "_total",
        "_cursor",
        "_since",
        "_at",
        "_type",
        "_format",
        "_pretty",
        "_has:x:y:z",
        "start",
        "end",
        "mode",
        "profile",
        "_tag",
        "_profile:below",
        "status:not",
        "status:missing",
        *("_text", "_content", "near", "_list", "code:in", "code:not-in", "code:below", "subject:below"),
        *("subject:identifier", "subject:text", "location:above"),
    ]
) | st.text(max_size=8)
values = st.sampled_from(
    [
        "张",
        "zl",
        "male",
        "ge2024",
        "2024-02-30",
        "a|b",
        "|b",
        "a|",
        "5.4|http://unitsofmeasure.org|mg",
        "Patient/p",
        "true",
        "json",
        "xml",
        "count",
        "-name",
        "*",
        "Observation:subject",
        "%zz",
        "%00",
        "%ff",
        ",",
        "\\",
        ",,",
        "a$b",
        *("(a OR 张) b*", '"a b', "((((", "30.5|114.3|5|km", "91|0", "$current-problems", "ValueSet/a", "urn:a|b"),
        "Location/a",
        "lt1e400",
        "1e999999999",
        "9999-12-31",
        "0001",
    ]
) | st.text(max_size=12)
queries = st.lists(st.tuples(parameters, values), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
headers = st.dictionaries(
    st.sampled_from(
        [
            "accept",
            "content-type",
            "prefer",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-none-exist",
            "content-encoding",
            "x-request-id",
            "x-source",
            "x-message-id",
            "x-security-context",
            "host",
            "content-length",
        ]
    ),
    st.sampled_from(
        [
            "application/fhir+json",
            "application/json-patch+json",
            "application/x-www-form-urlencoded",
            "image/png",
            "application/fhir+json;charset=gbk",
            'W/"1"',
            "*",
            "identifier=a|b",
            "gzip",
            "return=minimal",
            "handling=lenient",
            "Sun, 01 Mar 2026 04:05:06 GMT",
            ";;;=,,",
            "-5",
        ]
    )
    | st.binary(max_size=12).map(lambda raw: raw.decode("latin-1")),
    max_size=4,
)


def ask(method: str, path: str, body: bytes, given_headers: dict[str, str]) -> Answer | None:
    """One request to a fresh door that holds the seeds. None: the client was taken to have left."""

    async def run() -> Answer | None:
        store = MemoryStore()
        client = Client(build(lambda request: store.repository(), max_body=100_000))
        for seed in SEEDS[:2]:
            assert (await client.put(f"/{seed['resourceType']}/{seed['id']}", seed)).status == 201
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in given_headers.items()]
        return await client.request(method, path, body, pairs)

    return asyncio.run(run())


def is_fine(answer: Answer, method: str) -> None:
    assert answer.status < 500, answer.body
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status >= 400 and method != "HEAD":
        assert answer.json["resourceType"] == "OperationOutcome"
        assert all(issue["severity"] and issue["code"] and issue["diagnostics"] for issue in answer.json["issue"])


@FUZZ
@given(method=methods, path=paths, query=queries, given_headers=headers, body=st.binary(max_size=40))
def test_any_address_and_any_header_get_a_clear_answer(
    method: str, path: str, query: str, given_headers: dict[str, str], body: bytes
) -> None:
    answer = ask(method, f"{path}?{query}", body, given_headers)
    assert answer is not None
    is_fine(answer, method)


@FUZZ
@given(
    target=st.sampled_from(
        [
            ("POST", "/"),
            ("POST", "/Patient"),
            ("PUT", "/Patient/p"),
            ("PUT", "/Observation?_id=o"),
            ("PATCH", "/Patient/p"),
            ("POST", "/Patient/$validate"),
            ("POST", "/Patient/p/$everything"),
            ("POST", "/Patient/p/$meta-add"),
            ("POST", "/Bundle"),
            ("PUT", "/Binary/b"),
        ]
    ),
    tree=mutated() | junk,
)
def test_any_mutated_resource_gets_a_clear_answer(target: tuple[str, str], tree: Any) -> None:
    method, path = target
    media = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    body = json.dumps(tree, ensure_ascii=True).encode()
    answer = ask(method, path, body, {"content-type": media})
    assert answer is not None
    is_fine(answer, method)


@FUZZ
@given(
    seed=st.sampled_from(SEEDS),
    at=st.integers(0, 400),
    cut=st.integers(0, 5),
    inserted=st.binary(max_size=6)
    | st.sampled_from([b"\x00", b"\xff", b'"', b"{", b"1e9", b"\\u0000", "张".encode("gbk")]),
)
def test_any_damaged_bytes_get_a_clear_answer(seed: dict[str, Any], at: int, cut: int, inserted: bytes) -> None:
    body = json.dumps(seed, ensure_ascii=False).encode()
    at %= len(body)
    path = "/" if seed["resourceType"] == "Bundle" else f"/{seed['resourceType']}"
    answer = ask("POST", path, body[:at] + inserted + body[at + cut :], {"content-type": "application/fhir+json"})
    assert answer is not None
    is_fine(answer, "POST")


operations = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "jump"]) | junk,
        "path": st.sampled_from(
            ["", "/", "/name", "/name/0", "/name/-", "/name/99", "/id", "/meta", "/resourceType", "~2"]
        )
        | junk,
        "from": st.sampled_from(["/name", "/name/0", "", "/gender"]) | junk,
        "value": junk | st.sampled_from([[{"text": "x"}], {"text": "x"}, "male"]),
    },
)


@FUZZ
@given(patch=st.lists(operations, max_size=3))
def test_any_patch_gets_a_clear_answer(patch: list[Any]) -> None:
    answer = ask("PATCH", "/Patient/p", json.dumps(patch).encode(), {"content-type": "application/json-patch+json"})
    assert answer is not None
    is_fine(answer, "PATCH")
