"""`ConceptMap/$translate`: http://hl7.org/fhir/R4/conceptmap-operation-translate.html."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from minkang.fhir.resource import Resource

_NOT_A_MATCH = frozenset({"unmatched", "disjoint"})
_BACK = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}


class Wanted(NamedTuple):
    """A code and the system it is to be brought to; empty texts stand for any. `back`: from target to source."""

    system: str
    code: str
    target: str = ""
    back: bool = False


def translate(maps: Sequence[Resource], wanted: Wanted) -> Resource:
    """Parameters with `result` and each match. A map's fallback counts where a code has no line of its own."""
    matches = [found for one in maps for found in (_back(one, wanted) if wanted.back else _forth(one, wanted))]
    good = any(match["part"][0]["valueCode"] not in _NOT_A_MATCH for match in matches)
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": good}]
    if not good:
        text = f"No map here leads from {wanted.system}#{wanted.code} to {wanted.target or 'anything'}."
        parts.append({"name": "message", "valueString": text[:500]})
    return {"resourceType": "Parameters", "parameter": parts + matches}


def _forth(map: Resource, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for group in map.get("group") or ():
        if group.get("source") != wanted.system or (wanted.target and group.get("target") != wanted.target):
            continue
        lines = [one for one in group.get("element") or () if one.get("code") == wanted.code]
        for target in (target for line in lines for target in line.get("target") or ()):
            yield _match(map, target.get("equivalence"), group.get("target"), target.get("code"), target.get("display"))
        if not lines and (fallback := group.get("unmapped")):
            if fallback.get("mode") == "provided":
                yield _match(map, "equivalent", group.get("target"), wanted.code, None)
            elif fallback.get("mode") == "fixed":
                yield _match(map, "inexact", group.get("target"), fallback.get("code"), fallback.get("display"))


def _back(map: Resource, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for group in map.get("group") or ():
        if group.get("target") != wanted.system or (wanted.target and group.get("source") != wanted.target):
            continue
        for line in group.get("element") or ():
            for target in line.get("target") or ():
                if target.get("code") == wanted.code:
                    said = str(target.get("equivalence"))
                    yield _match(map, _BACK.get(said, said), group.get("source"), line.get("code"), line.get("display"))


def _match(map: Resource, equivalence: Any, system: Any, code: Any, display: Any) -> dict[str, Any]:
    coding = {key: value for key, value in (("system", system), ("code", code), ("display", display)) if value}
    parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": equivalence or "relatedto"}]
    if code:
        parts.append({"name": "concept", "valueCoding": coding})
    version = map.get("version")
    source = f"{map.get('url')}|{version}" if version else map.get("url") or f"ConceptMap/{map.get('id')}"
    parts.append({"name": "source", "valueUri": source})
    return {"name": "match", "part": parts}
