"""FHIR's own functions, and the utility functions (http://hl7.org/fhir/R4/fhirpath.html#functions).

What needs terminology or other resources is refused with a reason: `memberOf`, `subsumes`, `subsumedBy`.
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.path.context import Failed, Nodes, Program, Run
from minkang.fhir.path.functions.registry import argument, function
from minkang.fhir.path.model import is_kind, known_type, root
from minkang.fhir.path.moments import Moment
from minkang.fhir.path.values import Node, boolean, system

_PROFILES = "http://hl7.org/fhir/StructureDefinition/"


@function("extension", 1)
def extension(run: Run, items: Nodes, url: Program) -> Nodes:
    wanted = argument(run, url)
    found: Nodes = []
    for item in items:
        holder = item.value if isinstance(item.value, dict) else item.extra
        extensions = (holder or {}).get("extension") or ()
        found += [
            Node("Extension", one, None, holder, "extension", place)
            for place, one in enumerate(extensions)
            if isinstance(one, dict) and one.get("url") == wanted
        ]
    return found


@function("hasValue")
def has_value(run: Run, items: Nodes) -> Nodes:
    return boolean(len(items) == 1 and items[0].value is not None and not isinstance(items[0].value, dict))


@function("getValue")
def get_value(run: Run, items: Nodes) -> Nodes:
    return items if has_value(run, items)[0].value else []


@function("trace", 1, 2)
def trace(run: Run, items: Nodes, name: Program, projection: Program | None = None) -> Nodes:
    """Nothing is written: what a resource holds belongs in no log."""
    return items


@function("now")
def now(run: Run, items: Nodes) -> Nodes:
    return system(Moment.read(run.now.isoformat(timespec="milliseconds"), "DateTime"))


@function("today")
def today(run: Run, items: Nodes) -> Nodes:
    return system(Moment.read(run.now.date().isoformat(), "Date"))


@function("timeOfDay")
def time_of_day(run: Run, items: Nodes) -> Nodes:
    return system(Moment.read(run.now.time().isoformat(timespec="milliseconds"), "Time"))


@function("defineVariable", 1, 2)
def define_variable(run: Run, items: Nodes, name: Program, expression: Program | None = None) -> Nodes:
    called = argument(run, name)
    if not isinstance(called, str) or called in run.variables or called in ("resource", "context", "rootResource"):
        raise Failed("it takes a name that is not taken yet")
    run.variables = {**run.variables, called: items if expression is None else expression(run, run.this)}
    return items


@function("conformsTo", 1)
def conforms_to(run: Run, items: Nodes, profile: Program) -> Nodes:
    """Only for the profiles that are types themselves."""
    wanted = argument(run, profile)
    if not items or wanted is None:
        return []
    name = known_type(wanted.removeprefix(_PROFILES)) if isinstance(wanted, str) else None
    if name is None or not wanted.startswith(_PROFILES):
        raise Failed("that profile is not known here")
    return boolean(len(items) == 1 and is_kind(items[0], name))


@function("htmlChecks")
def html_checks(run: Run, items: Nodes) -> Nodes:
    """Narrative is checked when it comes in (fhir/validation/narrative.py)."""
    return boolean(True)


@function("resolve")
def resolve(run: Run, items: Nodes) -> Nodes:
    """Contained resources whole; of others only what the reference tells: type and id. Nothing is read."""
    return [found for item in items if (found := _resolved(run, _literal(item))) is not None]


def _literal(item: Node) -> str:
    literal = item.value.get("reference") if isinstance(item.value, dict) else item.value
    return literal if isinstance(literal, str) else ""


def _resolved(run: Run, literal: str) -> Node | None:
    resource: Any = run.root[0].value if run.root else None
    if literal.startswith("#"):
        contained = resource.get("contained") or () if isinstance(resource, dict) else ()
        return next((root(one) for one in contained if isinstance(one, dict) and one.get("id") == literal[1:]), None)
    parts = literal.partition("/_history/")[0].split("/")
    if len(parts) < 2 or parts[-2] not in resource_types():
        return None
    return Node(parts[-2], {"resourceType": parts[-2], "id": parts[-1]})
