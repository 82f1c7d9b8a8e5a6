"""What kind of thing an item is: ofType, as, type()."""

from __future__ import annotations

from minkang.fhir.path.context import Nodes, Run, single
from minkang.fhir.path.functions.registry import function
from minkang.fhir.path.model import is_exactly, known_type
from minkang.fhir.path.values import Node

type_named = known_type


def of_type(items: Nodes, type_name: str) -> Nodes:
    return [item for item in items if is_exactly(item, type_name)]


def as_type(items: Nodes, type_name: str) -> Nodes:
    """Raises Failed for several items."""
    item = single(items, "as")
    return items if item is not None and is_exactly(item, type_name) else []


@function("type")
def type_info(run: Run, items: Nodes) -> Nodes:
    return [Node("System.TypeInfo", _info(item.kind)) for item in items]


def _info(kind: str) -> dict[str, str]:
    space, _, name = kind.rpartition(".") if kind.startswith("System.") else ("FHIR", "", kind)
    return {"namespace": space, "name": name}
