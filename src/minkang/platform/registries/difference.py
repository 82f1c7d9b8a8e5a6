"""What a file would change: added, changed field by field, ended, unchanged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from minkang.fhir.resource import Resource
from minkang.platform.registries.resources import OWNED, TAG, ended, is_ended


class Field(NamedTuple):
    """One element that changes; empty where there is none before or after."""

    path: str
    before: str
    after: str


class Change(NamedTuple):
    """One resource: `did` is `added`, `changed` or `ended`; `tree` as it will be; `version` of what it takes the place
    of, 0 for nothing."""

    did: str
    tree: Resource
    version: int
    fields: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        told: Any = self.tree.get("name", "")
        text = told if isinstance(told, str) else str(told[0].get("text", ""))
        return f"{self.tree['resourceType']}/{self.tree['id']} {text}".strip()


@dataclass(slots=True)
class Difference:
    changes: list[Change] = field(default_factory=list[Change])
    unchanged: int = 0

    def count(self, did: str) -> int:
        return sum(one.did == did for one in self.changes)


class Known(NamedTuple):
    tree: Resource
    version: int


def difference(
    told: Mapping[str, Resource], known: Mapping[str, Known], held: set[str], day: str, kind: str, *, whole: bool
) -> Difference:
    """`told` and `known` are by `Type/id`. `held`: not to be taken for vanished. `whole`: the file tells everything,
    so that what is missing in it has ended on `day`."""
    found = Difference()
    for name, tree in told.items():
        before = known.get(name)
        if before is None:
            found.changes.append(Change("added", tree, 0))
            continue
        after = merged(before.tree, tree, kind)
        fields = tuple(compared(before.tree, after))
        if fields:
            found.changes.append(Change("changed", after, before.version, fields))
        else:
            found.unchanged += 1
    for name, before in known.items():
        if name in told or not _is_of(before.tree, kind):
            continue
        if not whole or name in held or is_ended(before.tree):
            found.unchanged += 1
            continue
        after = ended(before.tree, day)
        found.changes.append(Change("ended", after, before.version, tuple(compared(before.tree, after))))
    return found


def merged(before: Resource, told: Resource, kind: str) -> Resource:
    """What the registry speaks for as it is told now, all else as it was."""
    kept = {name: value for name, value in before.items() if name not in OWNED[told["resourceType"]]}
    meta = dict(before.get("meta", {}))
    if not _is_of(before, kind):
        meta["tag"] = [*meta.get("tag", ()), {"system": TAG, "code": kind}]
    return {**kept, **told, "meta": meta}


def compared(before: Resource, after: Resource) -> Iterator[Field]:
    """Leaf by leaf, `meta` only by its tags."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    for path in dict.fromkeys((*old, *new)):
        if old.get(path) != new.get(path):
            yield Field(path, old.get(path, ""), new.get(path, ""))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        for name, one in members.items():
            if path == "meta" and name != "tag":
                continue
            yield from _leaves(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        several = cast("list[Any]", value)
        for at, one in enumerate(several):
            yield from _leaves(one, f"{path}[{at}]")
    elif isinstance(value, bool):
        yield path, str(value).lower()
    else:
        yield path, f"{float(value):.10f}" if path.startswith("position.") else str(value)


def _is_of(tree: Resource, kind: str) -> bool:
    return {"system": TAG, "code": kind} in tree.get("meta", {}).get("tag", ())
