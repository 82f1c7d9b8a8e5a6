"""Bundles written by joining bytes: the resources inside are copied as they are stored, never parsed.

http://hl7.org/fhir/R4/http.html#paging, http://hl7.org/fhir/R4/search.html#return, http://hl7.org/fhir/R4/bundle.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import quote

import orjson

from minkang.fhir import summary
from minkang.fhir.resource import instant
from minkang.fhir.search.query import Query
from minkang.gateways.rest.request import Pairs
from minkang.gateways.rest.response import Response
from minkang.store.contract import HistoryPage, Hit, Page, Stored

_MODES = {mode: b',"search":{"mode":"%b"}}' % mode.encode() for mode in ("match", "include", "outcome")}
_PHRASES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def bundle(kind: str, links: Sequence[tuple[str, str]], entries: Iterable[bytes], total: int | None = None) -> bytes:
    """The text of a Bundle of parts that are JSON already."""
    parts = [b'{"resourceType":"Bundle","type":"', kind.encode(), b'"']
    if total is not None:
        parts.append(b',"total":%d' % total)
    if links:
        parts.append(b',"link":')
        parts.append(orjson.dumps([{"relation": relation, "url": url} for relation, url in links]))
    joined = b",".join(entries)
    if joined:
        parts += (b',"entry":[', joined, b"]")
    parts.append(b"}")
    return b"".join(parts)


def links(base: str, path: str, pairs: Pairs, following: str | None) -> list[tuple[str, str]]:
    """`self` with what was understood, and `next` when there is more."""
    url = f"{base}/{path}" if path else base
    found = [("self", _with_query(url, pairs))]
    if following is not None:
        rest = [pair for pair in pairs if pair[0] != "_cursor"]
        found.append(("next", _with_query(url, [*rest, ("_cursor", following)])))
    return found


def _with_query(url: str, pairs: Pairs) -> str:
    if not pairs:
        return url
    return url + "?" + "&".join([f"{quoted(name)}={quoted(value)}" for name, value in pairs])


_PLAIN = re.compile(r"[A-Za-z0-9:/|,\-_.$~]*")


def quoted(text: str) -> str:
    """Percent-encoded for a query string; nearly every text needs nothing, which is quickly seen."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe=":/|,-_.$")


def searchset(base: str, path: str, query: Query, pairs: Pairs, page: Page, outcome: bytes | None = None) -> bytes:
    """One page of a search. `pairs` go into the links; `outcome` tells what was ignored."""
    entries = [_hit(base, hit, _shrunk(hit, query)) for hit in page.hits]
    if outcome is not None:
        entries.append(b'{"resource":' + outcome + _MODES["outcome"])
    return bundle("searchset", links(base, path, pairs, page.next), entries, page.total)


def _hit(base: str, hit: Hit, content: bytes) -> bytes:
    found = hit.stored
    head = f'{{"fullUrl":"{base}/{found.type}/{found.id}","resource":'.encode()
    return head + content + _MODES[hit.mode]


def _shrunk(hit: Hit, query: Query) -> bytes:
    """`_summary` cuts everything on the page, `_elements` what was searched for (its names mean nothing elsewhere)."""
    content = hit.stored.content
    if query.elements and hit.mode == "match":
        return summary.elements(content, query.elements)
    return content if query.summary is None else summary.summary(content, query.summary)


def plain_searchset(base: str, path: str, pairs: Pairs, page: Page) -> bytes:
    """The same for `$everything`, where nothing is cut."""
    entries = [_hit(base, hit, hit.stored.content) for hit in page.hits]
    return bundle("searchset", links(base, path, pairs, page.next), entries, page.total)


def history(base: str, path: str, pairs: Pairs, page: HistoryPage) -> bytes:
    """Versions, newest first, each with the request that made it."""
    entries = [_version(base, found) for found in page.versions]
    return bundle("history", links(base, path, pairs, page.next), entries, page.total)


def _version(base: str, found: Stored) -> bytes:
    reference = f"{found.type}/{found.id}"
    status = 204 if found.deleted else 201 if found.version == 1 else 200
    url = found.type if found.method == "POST" else reference
    request = f'"request":{{"method":"{found.method}","url":"{url}"}},"response":'.encode()
    head = f'{{"fullUrl":"{base}/{reference}",'.encode()
    body = b"" if found.deleted else b'"resource":' + found.content + b","
    return head + body + request + described(status, found) + b"}"


def described(status: int, found: Stored | None = None, *, located: bool = False) -> bytes:
    """Bundle.entry.response: the status, and the version it is about; `located` when a write made that version."""
    if found is None:
        return f'{{"status":"{_PHRASES[status]}"}}'.encode()
    where = f'"location":"{found.type}/{found.id}/_history/{found.version}",' if located else ""
    tag = f'"etag":"W/\\"{found.version}\\"","lastModified":"{instant(found.updated)}"'
    return f'{{"status":"{_PHRASES[status]}",{where}{tag}}}'.encode()


def entry(described: bytes, resource: bytes) -> bytes:
    """One entry of an answer to a batch or transaction."""
    return b"%b%b%b" % (b'{"resource":' + resource + b"," if resource else b"{", b'"response":', described + b"}")


def answered_by(answer: Response) -> bytes:
    """One entry of an answer, said by a response: what fails keeps its OperationOutcome beside the status."""
    located = any(name == b"location" for name, _ in answer.headers)
    made = described(answer.status, answer.stored, located=located)
    if answer.status >= 400:
        return b'{"response":' + made[:-1] + b',"outcome":' + answer.body + b"}}"
    return entry(made, answer.body)
