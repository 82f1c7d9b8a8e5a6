"""batch and transaction: POST [base] with a Bundle (http://hl7.org/fhir/R4/http.html#transaction).

A transaction is checked whole, then written whole or not at all. A sender that cannot know whether its last message
arrived sends it again under the same X-Source and X-Message-Id and gets the first answer again.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir import bundles
from minkang.fhir.bundles import RawEntry
from minkang.fhir.problem import Incorrect, Issue, Problem
from minkang.fhir.resource import Parsed
from minkang.fhir.search import grammar
from minkang.fhir.search.query import Query
from minkang.fhir.validation import check
from minkang.gateways.rest import bundle
from minkang.gateways.rest.conditions import criteria, if_match, if_none_exist, if_none_match_any
from minkang.gateways.rest.interactions.batch import batch, entry_headers, entry_preference
from minkang.gateways.rest.interactions.patch import change_of, checked
from minkang.gateways.rest.interactions.update import expect_same_id
from minkang.gateways.rest.negotiation import expect_json
from minkang.gateways.rest.request import Request, decode_pairs, expect_only
from minkang.gateways.rest.response import Response, wanted_return
from minkang.store.contract import Entry, Repository, Written

MAX_MESSAGE_ID = 200


async def process(request: Request, repository: Repository) -> Response:
    """200 with a Bundle of answers in the order of the request."""
    if request.is_inner:
        raise Incorrect("A Bundle inside a Bundle is not processed.")
    expect_only(request)
    expect_json(request)
    source, message_id = message_identity(request)
    parsed = await request.resource()
    wanted = bundles.parse_bundle(parsed)
    if wanted.type == "batch":
        if message_id is not None:
            raise Incorrect("X-Message-Id goes with a transaction; each entry of a batch stands for itself.")
        _check_frame(parsed)
        return await batch(request, repository, wanted)
    check(parsed.tree, "Bundle", conditional_references=True)
    prefer = entry_preference(request)
    entries = [await _entry(request, raw, number, prefer) for number, raw in enumerate(wanted.entries)]
    results = await repository.transaction(entries, source=source, message_id=message_id)
    shows = wanted_return(request.header(b"prefer")) == "representation"
    return Response(200, bundle.bundle("transaction-response", (), [_answer(result, shows) for result in results]))


def message_identity(request: Request) -> tuple[str | None, str | None]:
    """Who sent which message. A sender may be named alone: what it sent can then be found, and taken out, together."""
    source, message_id = request.text_header(b"x-source"), request.text_header(b"x-message-id")
    if source is None and message_id is not None:
        raise Incorrect("X-Message-Id needs X-Source beside it: the sender whose message that is.")
    for name, value in (("X-Source", source), ("X-Message-Id", message_id)):
        if value is not None and not (value.isprintable() and 0 < len(value) <= MAX_MESSAGE_ID):
            raise Incorrect(f"{name} is 1 to {MAX_MESSAGE_ID} printable characters.")
    return source, message_id


def _check_frame(parsed: Parsed) -> None:
    """A batch's own structure; its resources are checked one by one, so that one fault spoils one entry."""
    entries = [
        {key: value for key, value in entry.items() if key != "resource"} for entry in parsed.tree.get("entry", [])
    ]
    check({**parsed.tree, "entry": entries} if entries else parsed.tree, "Bundle")


async def _entry(request: Request, raw: RawEntry, number: int, prefer: bytes) -> Entry:
    try:
        inner = request.inner(raw.method, raw.url, entry_headers(raw, prefer), raw.resource)
        return await _entry_of(inner, request.routes.resolve(inner), raw)
    except Problem as problem:
        problem.issues = [_within(issue, number) for issue in problem.issues]
        raise


def _within(issue: Issue, number: int) -> Issue:
    place = f"Bundle.entry[{number}]"
    expression = place if issue.expression is None else f"{place}.resource.{issue.expression}"
    return Issue(issue.code, f"{place}: {issue.text}", expression, issue.severity)


async def _entry_of(inner: Request, interaction: str, raw: RawEntry) -> Entry:
    if inner.method in ("GET", "HEAD"):
        return Entry("GET", inner.type, inner.id or None, full_url=raw.full_url, read=_reader(inner))
    entry = Entry(inner.method, inner.type, inner.id or None, full_url=raw.full_url)
    match interaction:
        case "create":
            entry.parsed, entry.condition = _own(inner), if_none_exist(inner)
        case "update":
            entry.parsed, entry.if_none_match = _own(inner), if_none_match_any(inner)
            expect_same_id(entry.parsed.tree, inner.id)
        case "conditional-update":
            entry.parsed, entry.condition = _own(inner), criteria(inner)
        case "patch" | "conditional-patch":
            entry.patch = checked(inner.type, await change_of(inner))
            entry.condition = criteria(inner) if interaction == "conditional-patch" else None
        case "delete":
            pass
        case "conditional-delete":
            entry.condition = criteria(inner)
        case _:
            raise Incorrect(f"{inner.method} {raw.url[:64]} cannot be part of a transaction.")
    entry.if_match = if_match(inner)
    if entry.parsed is not None:
        entry.references = conditional_references(entry.parsed)
    return entry


def _own(inner: Request) -> Parsed:
    """The resource of a write, which must be of the type its address names; it was checked with the Bundle."""
    if inner.parsed is None:
        raise Incorrect(f"{inner.method} {inner.type} needs a resource.")
    found = inner.parsed.tree.get("resourceType")
    if found != inner.type:
        raise Incorrect(f"The resource is of type {found}, its address says {inner.type}.")
    expect_only(inner, *(name for name, _ in inner.pairs) if inner.method == "PUT" and not inner.id else ())
    return inner.parsed


def conditional_references(parsed: Parsed) -> dict[str, Query]:
    """`Patient?identifier=...` in the place of a reference: its text and the query that must find exactly one."""
    if b"?" not in parsed.text:
        return {}
    found = bundles.conditional_references(parsed.tree)
    return {
        text: grammar.parse(type_name, decode_pairs(query.encode()), strict=True)
        for text, (type_name, query) in found.items()
    }


def _reader(inner: Request) -> Any:
    async def read(repository: Repository) -> Response:
        return await inner.routes.perform(inner, repository)

    return read


def _answer(result: Written | Any, shows: bool) -> bytes:
    """One entry of the answer. A result that is no write is what a GET answered, or nothing was there to delete."""
    if isinstance(result, Written):
        found = result.stored
        if found.deleted:
            return bundle.entry(bundle.described(204, found, located=False), b"")
        status = 201 if result.did == "created" else 200
        return bundle.entry(bundle.described(status, found, located=True), found.content if shows else b"")
    if isinstance(result, Response):
        return bundle.answered_by(result)
    return bundle.entry(bundle.described(204), b"")
