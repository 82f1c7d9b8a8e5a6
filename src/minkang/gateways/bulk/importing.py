"""`$import`: an order to load files of NDJSON, in the shape of SMART's bulk import (inputFormat, inputSource, input).

https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md. The same as a Parameters resource:
parameters of these names, `input` with the parts `type` and `url`. Only files below the folder for imports are read,
and below the addresses for imports fetched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minkang.fhir.bulk import NDJSON
from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.parameters import value_of
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import parse
from minkang.fhir.validation import check
from minkang.gateways.bulk.asking import Answer, Asked, single
from minkang.gateways.bulk.kickoff import accepted
from minkang.kit.http import query_pairs
from minkang.store.bulk.desk import UPLOAD, Desk
from minkang.store.contract import Repository

MOST = 1_000
"""Inputs of one order; a folder is one."""

LONGEST_SOURCE = 200


class Manifest(NamedTuple):
    """`source`: who the data comes from; `urls`: of the inputs, in their order."""

    source: str
    urls: list[str]


async def bulk_import(asked: Asked, desk: Desk, _: Repository) -> Answer:
    """`/$import`. A body of NDJSON is the file itself, and the source stands in the address."""
    asked.expect_async()
    desk.check_may_import()
    upload = await asked.ndjson()
    if upload is not None:
        pairs = query_pairs(asked.scope["query_string"])
        source = _source(single(pairs, "inputSource"))
        order = {"source": source, "files": [UPLOAD], "request": asked.url}
        return accepted(asked, await desk.order("import", order, upload))
    wanted = manifest(await asked.json())
    order = {"source": wanted.source, "files": desk.incoming(wanted.urls), "request": asked.url}
    return accepted(asked, await desk.order("import", order))


def manifest(body: bytes) -> Manifest:
    """Raises Incorrect."""
    tree = parse(body).tree
    if tree.get("resourceType") == "Parameters":
        check(tree, "Parameters")
        tree = _plain(tree)
    unknown = tree.keys() - {"inputFormat", "inputSource", "input", "storageDetail"}
    if unknown:
        raise Incorrect(f"{sorted(unknown)[0][:64]!r} is not understood; known: inputFormat, inputSource, input.")
    format, source, inputs = tree.get("inputFormat", NDJSON[0]), tree.get("inputSource"), tree.get("input")
    if not isinstance(format, str) or format.replace(" ", "+").lower() not in NDJSON:
        raise Incorrect(f"inputFormat must be {NDJSON[0]}.")
    source = _source(source)
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MOST:
        raise Incorrect(f"input must be a list of 1 to {MOST} files or folders, each with a url.")
    return Manifest(source, [_url(one) for one in inputs])


def _source(said: Any) -> str:
    if not isinstance(said, str) or not said.isprintable() or not 0 < len(said) <= LONGEST_SOURCE:
        raise Incorrect(f"inputSource must say who the data comes from, in at most {LONGEST_SOURCE} characters.")
    return said


def _url(one: Any) -> str:
    url = one.get("url") if isinstance(one, dict) else None
    if not isinstance(url, str) or not url:
        raise Incorrect("Each input needs a url.")
    type = one.get("type")
    if type is not None and type not in resource_types():
        raise Incorrect(f"{str(type)[:64]!r} is not a resource type.")
    return url


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    """Parameters as the JSON they stand for."""
    found: dict[str, Any] = {}
    for part in tree.get("parameter", []):
        if part["name"] == "input":
            found.setdefault("input", []).append({inner["name"]: value_of(inner) for inner in part.get("part", [])})
        elif part["name"] in found:
            raise Incorrect(f"The parameter {part['name'][:64]} may be given once.")
        else:
            found[part["name"]] = value_of(part)
    return found
