"""$meta, $meta-add, $meta-delete of one resource (http://hl7.org/fhir/R4/resource-operation-meta.html, -add, -delete).

Adding and taking away profiles, tags and security labels is a change like any other here: it makes a new version, since
a label decides who may read, and who set it when must be found in the history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minkang.fhir.parameters import named
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Parsed, exact, from_exact, members
from minkang.gateways.rest.operations.parameters import answered, posted
from minkang.gateways.rest.request import Request, expect_only
from minkang.gateways.rest.response import Response, stored_headers
from minkang.store.contract import Repository, Stored

LABELS = ("profile", "security", "tag")

Change = Callable[[list[Any], list[Any]], list[Any]]


async def meta(request: Request, repository: Repository) -> Response:
    """200 with the meta of the current version."""
    expect_only(request)
    return _answer(await repository.read(request.type, request.id))


async def meta_add(request: Request, repository: Repository) -> Response:
    """200 with the meta after adding what is not there yet."""
    return await _changed(request, repository, lambda old, given: old + [x for x in given if _place(x, old) is None])


async def meta_delete(request: Request, repository: Repository) -> Response:
    """200 with the meta after taking away what is given; what is not there is no error."""
    return await _changed(request, repository, lambda old, given: [x for x in old if _place(x, given) is None])


async def _changed(request: Request, repository: Repository, change: Change) -> Response:
    expect_only(request)
    given = named((await posted(request)).tree, "meta")
    if not isinstance(given, dict):
        raise Incorrect("Send Parameters with one parameter named meta that has a valueMeta.")

    def relabelled(text: bytes) -> Parsed:
        tree = exact(text)
        labels = tree.setdefault("meta", {})
        for name in LABELS:
            kept = change(labels.pop(name, []), given.get(name, []))
            if kept:
                labels[name] = kept
        return from_exact(tree)

    result = await repository.patch(request.type, request.id, relabelled)
    return _answer(result.stored)


def _place(label: Any, labels: list[Any]) -> int | None:
    """Where a profile or a Coding stands; a Coding is known by system and code, whatever its display says."""
    keys = [_key(other) for other in labels]
    return keys.index(_key(label)) if _key(label) in keys else None


def _key(label: Any) -> Any:
    return (label.get("system"), label.get("code")) if isinstance(label, dict) else label


def _answer(found: Stored) -> Response:
    raw = bytes(members(found.content).get("meta", b"{}"))
    return Response(200, answered("return", "Meta", raw), stored_headers(found), stored=found)
