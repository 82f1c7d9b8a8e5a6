"""The pure half of batch and transaction: what a Bundle asks for, in which order, and how its references resolve.

http://hl7.org/fhir/R4/http.html#transaction and http://hl7.org/fhir/R4/bundle.html#references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape, unescape
from typing import Any, NamedTuple

import msgspec
import orjson

from minkang.fhir import references
from minkang.fhir.definitions import structures
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Parsed, Resource, exact, from_exact

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


class RawEntry(NamedTuple):
    """One entry's request as it came; `resource` may be None; the conditions are the texts of the Bundle."""

    method: str
    url: str
    full_url: str | None = None
    resource: Parsed | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    if_modified_since: str | None = None


class BundleRequest(NamedTuple):
    """`type` is `batch` or `transaction`."""

    type: str
    entries: list[RawEntry]


class _Frame(msgspec.Struct):
    entry: list[dict[str, msgspec.Raw]] = []


_frames = msgspec.json.Decoder(_Frame)


def parse_bundle(parsed: Parsed) -> BundleRequest:
    """The requests of a batch or transaction Bundle; each resource keeps its own text, digits and all.

    Looks only at what it needs (whether resources are valid is for `validation`). Raises Incorrect, naming
    `Bundle.entry[n]`, and for a transaction also when a fullUrl or a written resource comes twice.
    """
    tree = parsed.tree
    if tree.get("resourceType") != "Bundle":
        raise Incorrect("Expected a Bundle.", expression="Bundle.resourceType")
    if tree.get("type") not in ("batch", "transaction"):
        told = str(tree.get("type"))[:64]
        raise Incorrect(f"Expected a Bundle of type batch or transaction, got '{told}'.", expression="Bundle.type")
    entries = tree.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Incorrect("Bundle.entry must be an array of objects.", expression="Bundle.entry")
    texts = _frames.decode(parsed.text).entry if entries else []
    found = [_entry(entry, raw, number) for number, (entry, raw) in enumerate(zip(entries, texts, strict=True))]
    if tree["type"] == "transaction":
        _refuse_repeated(found)
    return BundleRequest(tree["type"], found)


def _entry(entry: Resource, raw: dict[str, msgspec.Raw], number: int) -> RawEntry:
    place = f"Bundle.entry[{number}]"
    request = entry.get("request")
    if not isinstance(request, dict):
        raise Incorrect(f"{place} needs a request.", expression=f"{place}.request")
    method, url = _text(request, "method", place), _text(request, "url", place)
    if method not in METHODS:
        told = "needs a method" if method is None else f"has the unknown method '{method[:16]}'"
        raise Incorrect(f"{place}.request {told}; known: {', '.join(METHODS)}.", expression=f"{place}.request.method")
    if not url:
        raise Incorrect(f"{place}.request needs a url.", expression=f"{place}.request.url")
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        raise Incorrect(f"{place}.resource must be an object.", expression=f"{place}.resource")
    if resource is None and method in ("POST", "PUT", "PATCH") and not re.search(r"\$|_search(\?|$)", url):
        raise Incorrect(f"{place} ({method}) needs a resource.", expression=f"{place}.resource")
    full_url = entry.get("fullUrl")
    if full_url is not None and not isinstance(full_url, str):
        raise Incorrect(f"{place}.fullUrl must be a string.", expression=f"{place}.fullUrl")
    names = ("ifMatch", "ifNoneMatch", "ifNoneExist", "ifModifiedSince")
    conditions = [_text(request, name, place) for name in names]
    own = None if resource is None else Parsed(resource, bytes(raw["resource"]))
    return RawEntry(method, url, full_url, own, *conditions)


def _text(request: Resource, name: str, place: str) -> str | None:
    value = request.get(name)
    if value is not None and not isinstance(value, str):
        raise Incorrect(f"{place}.request.{name} must be a string.", expression=f"{place}.request.{name}")
    return value


def _refuse_repeated(entries: Sequence[RawEntry]) -> None:
    """ "If any resource identities overlap, the transaction SHALL fail" (http.html#trules)."""
    urls: dict[str, int] = {}
    written: dict[str, int] = {}
    for number, entry in enumerate(entries):
        place = f"Bundle.entry[{number}]"
        if entry.full_url is not None and urls.setdefault(entry.full_url, number) != number:
            first = urls[entry.full_url]
            text = f"{place} has the same fullUrl as Bundle.entry[{first}]."
            raise Incorrect(text, expression=f"{place}.fullUrl")
        if entry.method in ("PUT", "PATCH", "DELETE") and "?" not in entry.url:
            name = entry.url.strip("/")
            if written.setdefault(name, number) != number:
                text = f"{place} writes the same resource as Bundle.entry[{written[name]}]."
                raise Incorrect(text, expression=f"{place}.request.url")


# --- references ------------------------------------------------------------------------------------------------------

_REFERENCE = re.compile(r'"reference":"([^"\\]*)"')
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"')
_LINK = re.compile(r"""(\b(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_LINKED = re.compile(r"\b(?:href|src)\s*=", re.IGNORECASE)
_URIS = frozenset({"uri", "url", "oid", "uuid"})
_FEW = 32
"""Targets up to which searching for each is cheaper than looking at every string."""
_REST_URL = re.compile(rf"(https?://\S+/)[A-Z][A-Za-z]+/{references.ID}(?:/_history/{references.ID})?")


def rewrite_references(parsed: Parsed, targets: Mapping[str, str], *, full_url: str | None = None) -> Parsed:
    """The resource with what `targets` names replaced: in references, in uri-like elements and in narrative links.

    `targets` maps a fullUrl or a conditional reference, as written, to `Type/id`. Strings and canonicals are never
    touched. With the entry's own RESTful `full_url`, relative references are first read as urls of the same server.
    """
    if not targets:
        return parsed
    base = _REST_URL.fullmatch(full_url) if full_url else None
    if base is None and len(targets) <= _FEW:
        quick = _rewritten_bytes(parsed, targets)
        if quick is not None:
            return quick
    resolve = _resolver(targets, base[1] if base else None)
    text = parsed.text.decode()
    if "\\/" not in text and "\\u" not in text and not _LINKED.search(text):
        # No string hides what it says, so the text itself may be edited where only references name targets.
        named = sum(resolve(string) is not None for string in _STRING.findall(text))
        if named == 0:
            return parsed
        if named == sum(resolve(reference) is not None for reference in _REFERENCE.findall(text)):
            return _rewritten(text, resolve)
    tree = exact(parsed.text)
    return from_exact(tree) if _Rewriting(resolve).resource(tree) else parsed


def rewriting(change: Callable[[bytes], Parsed], targets: Mapping[str, str]) -> Callable[[bytes], Parsed]:
    """A patch whose result has its references rewritten, too."""
    return lambda text: rewrite_references(change(text), targets)


def _rewritten_bytes(parsed: Parsed, targets: Mapping[str, str]) -> Parsed | None:
    """The usual case (a visit's few entries, urn:uuid references only) by counting and replacing bytes; None when the
    text needs a closer look. Counting is right because a name in quotes is a whole string wherever it stands."""
    text = parsed.text
    if b"\\/" in text or b"\\u" in text or b"href" in text or b"src" in text:
        return None
    found = False
    for name, target in targets.items():
        quoted, reference = _quoted(name)
        times = text.count(quoted)
        if times:
            if text.count(reference) != times:
                return None
            text = text.replace(reference, b'"reference":"%b"' % target.encode())
            found = True
    return Parsed(orjson.loads(text), text) if found else parsed


@lru_cache(maxsize=1024)
def _quoted(name: str) -> tuple[bytes, bytes]:
    """A name as a string of JSON, and as a reference; remembered while each entry of a Bundle looks for all of them."""
    quoted = b'"%b"' % name.encode()
    return quoted, b'"reference":' + quoted


def _resolver(targets: Mapping[str, str], base: str | None) -> Callable[[str], str | None]:
    if base is None:
        return targets.get
    return lambda text: targets.get(text) or targets.get(base + text)


def _rewritten(text: str, resolve: Callable[[str], str | None]) -> Parsed:
    def replaced(found: re.Match[str]) -> str:
        target = resolve(found[1])
        return found[0] if target is None else f'"reference":"{target}"'

    new = _REFERENCE.sub(replaced, text).encode()
    return Parsed(orjson.loads(new), new)


class _Rewriting:
    """Walks an exact tree by its types and replaces in place."""

    def __init__(self, resolve: Callable[[str], str | None]) -> None:
        self._resolve = resolve
        self._changed = False

    def resource(self, tree: Any) -> bool:
        name = tree.get("resourceType") if isinstance(tree, dict) else None
        if isinstance(name, str) and name in structures.resource_types():
            self._object(tree, name)
        return self._changed

    def _object(self, value: Resource, type_name: str) -> None:
        for name, element, kind in _known(value, type_name):
            item = value[name]
            if isinstance(item, list):
                value[name] = [self._item(one, type_name, element, kind) for one in item]
            else:
                value[name] = self._item(item, type_name, element, kind)

    def _item(self, item: Any, owner: str, element: str, kind: str) -> Any:
        if isinstance(item, dict):
            self.resource(item) if kind == "Resource" else self._object(item, kind)
        elif isinstance(item, str):
            if kind in _URIS or (owner == "Reference" and element == "reference"):
                return self._text(item)
            if kind == "xhtml":
                return _LINK.sub(self._link, item)
        return item

    def _text(self, item: str) -> str:
        target = self._resolve(item)
        self._changed = self._changed or target is not None
        return item if target is None else target

    def _link(self, found: re.Match[str]) -> str:
        quote, written = ('"', found[2]) if found[2] is not None else ("'", found[3])
        link = unescape(written)
        target = self._text(link)
        return found[0] if target == link else f"{found[1]}{quote}{escape(target)}{quote}"


def _known(value: Resource, type_name: str) -> Iterator[tuple[str, str, str]]:
    """(JSON name, element, type) of the members that the type has, and of `_names` (as Element)."""
    names = structures.json_members(type_name)
    for name in list(value):
        if name in names:
            element, kind = names[name]
            yield name, element.name, kind
        elif name.startswith("_") and name[1:] in names:
            yield name, name, "Element"


def conditional_references(tree: Resource) -> dict[str, tuple[str, str]]:
    """Conditional references in a resource: text -> (type, query string), for `Patient?identifier=...`."""
    found: dict[str, tuple[str, str]] = {}
    _collect(tree, found)
    return found


def _collect(value: Any, found: dict[str, tuple[str, str]]) -> None:
    if isinstance(value, dict):
        text = value.get("reference")
        condition = references.conditional(text) if isinstance(text, str) else None
        if condition is not None and isinstance(text, str):
            found[text] = condition
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found)
