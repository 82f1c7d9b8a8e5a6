"""Which interaction a method and a path mean: one table, the names of http://hl7.org/fhir/R4/http.html.

Paths are told apart by counting segments, not by patterns: a point read must not pay for a hundred routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from minkang.fhir.compartments import compartments
from minkang.fhir.definitions.structures import resource_types
from minkang.fhir.problem import NotAllowed, NotFound
from minkang.fhir.terminology.operations import OPERATIONS as TERMINOLOGY
from minkang.gateways.rest.interactions.capabilities import capabilities
from minkang.gateways.rest.interactions.create import create
from minkang.gateways.rest.interactions.delete import delete, delete_where
from minkang.gateways.rest.interactions.history import history
from minkang.gateways.rest.interactions.patch import patch, patch_where
from minkang.gateways.rest.interactions.read import read
from minkang.gateways.rest.interactions.search import search, search_by_post
from minkang.gateways.rest.interactions.transaction import process
from minkang.gateways.rest.interactions.update import update, update_where
from minkang.gateways.rest.interactions.vread import vread
from minkang.gateways.rest.operations.everything import everything
from minkang.gateways.rest.operations.meta import meta, meta_add, meta_delete
from minkang.gateways.rest.operations.subscriptions import binding_token, subscription_events, subscription_status
from minkang.gateways.rest.operations.terminology import terminology
from minkang.gateways.rest.operations.validate import validate
from minkang.gateways.rest.request import Request, check_id
from minkang.gateways.rest.response import Response
from minkang.platform.subscriptions.desk import SubscriptionDesk
from minkang.store.contract import Repository

Handler = Callable[[Request, Repository], Awaitable[Response]]


class Interaction(NamedTuple):
    """What is to be done: its name in the standard and the function that does it."""

    name: str
    handler: Handler


Methods = dict[str, Interaction]

_SEARCH_SYSTEM = Interaction("search-system", search)
_SEARCH_TYPE = Interaction("search-type", search)
_SEARCH_COMPARTMENT = Interaction("search-compartment", search)

TABLE: dict[str, Methods] = {
    "": {"GET": _SEARCH_SYSTEM, "POST": Interaction("transaction", process)},
    "metadata": {"GET": Interaction("capabilities", capabilities)},
    "_search": {"POST": Interaction("search-system", search_by_post)},
    "_history": {"GET": Interaction("history-system", history)},
    "type": {
        "GET": _SEARCH_TYPE,
        "POST": Interaction("create", create),
        "PUT": Interaction("conditional-update", update_where),
        "PATCH": Interaction("conditional-patch", patch_where),
        "DELETE": Interaction("conditional-delete", delete_where),
    },
    "type/_search": {"POST": Interaction("search-type", search_by_post)},
    "type/_history": {"GET": Interaction("history-type", history)},
    "type/id": {
        "GET": Interaction("read", read),
        "PUT": Interaction("update", update),
        "PATCH": Interaction("patch", patch),
        "DELETE": Interaction("delete", delete),
    },
    "type/id/_history": {"GET": Interaction("history-instance", history)},
    "type/id/_history/version": {"GET": Interaction("vread", vread)},
    "compartment/id/type": {"GET": _SEARCH_COMPARTMENT},
    "compartment/id/type/_search": {"POST": Interaction("search-compartment", search_by_post)},
}

_VALIDATE = Interaction("$validate", validate)
_META = Interaction("$meta", meta)
_STATUS = Interaction("$status", subscription_status)
_EVENTS = Interaction("$events", subscription_events)
_BINDING = Interaction("$get-ws-binding-token", binding_token)

OPERATIONS: dict[tuple[str, str], Methods] = {
    ("type", "$validate"): {"POST": _VALIDATE},
    ("type/id", "$validate"): {"GET": _VALIDATE, "POST": _VALIDATE},
    ("type/id", "$meta"): {"GET": _META, "POST": _META},
    ("type/id", "$meta-add"): {"POST": Interaction("$meta-add", meta_add)},
    ("type/id", "$meta-delete"): {"POST": Interaction("$meta-delete", meta_delete)},
    ("Patient/id", "$everything"): {
        "GET": Interaction("$everything", everything),
        "POST": Interaction("$everything", everything),
    },
    **{
        (level, name): dict.fromkeys(("GET", "POST"), Interaction(f"{type}-{name}", terminology))
        for type, name in TERMINOLOGY
        for level in (type, f"{type}/id")
    },
    ("Subscription", "$status"): {"GET": _STATUS, "POST": _STATUS},
    ("Subscription", "$get-ws-binding-token"): {"GET": _BINDING, "POST": _BINDING},
    ("Subscription/id", "$get-ws-binding-token"): {"GET": _BINDING, "POST": _BINDING},
    ("Subscription/id", "$status"): {"GET": _STATUS, "POST": _STATUS},
    ("Subscription/id", "$events"): {"GET": _EVENTS, "POST": _EVENTS},
}
"""By level and name; a level that names a type is tried before `type`."""

PUBLIC = frozenset({"capabilities"})
"""Interactions that tell nothing of any record and ask no repository."""

NAMES = frozenset(i.name for methods in (*TABLE.values(), *OPERATIONS.values()) for i in methods.values())


def find(request: Request) -> Interaction:
    """The interaction asked for, with type, id, version, operation and compartment put into the request."""
    segments = request.segments()
    match len(segments):
        case 0:
            methods = TABLE[""]
        case 1:
            methods = _one(request, segments[0])
        case 2:
            methods = _two(request, *segments)
        case 3:
            methods = _three(request, *segments)
        case 4:
            methods = _four(request, *segments)
        case _:
            raise NotFound("There is nothing at this address.")
    method = "GET" if request.method == "HEAD" else request.method
    found = methods.get(method)
    if found is None:
        raise NotAllowed(", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods)))
    return found


def _one(request: Request, first: str) -> Methods:
    if first[:1] in ("_", "$", "m"):
        if first in ("metadata", "_search", "_history"):
            return TABLE[first]
        if first.startswith("$"):
            return _operation(request, "", first)
    request.type = _known(first)
    return TABLE["type"]


def _two(request: Request, first: str, second: str) -> Methods:
    request.type = _known(first)
    mark = second[:1]
    if mark == "_" and second in ("_search", "_history"):
        return TABLE["type/" + second]
    if mark == "$":
        return _operation(request, "type", second)
    request.id = check_id(second)
    return TABLE["type/id"]


def _three(request: Request, first: str, second: str, third: str) -> Methods:
    request.type = _known(first)
    request.id = check_id(second)
    if third == "_history":
        return TABLE["type/id/_history"]
    if third.startswith("$"):
        return _operation(request, "type/id", third)
    return _compartment(request, third, "compartment/id/type")


def _four(request: Request, first: str, second: str, third: str, fourth: str) -> Methods:
    request.type = _known(first)
    request.id = check_id(second)
    if third == "_history":
        request.version = fourth
        return TABLE["type/id/_history/version"]
    if fourth == "_search":
        return _compartment(request, third, "compartment/id/type/_search")
    raise NotFound("There is nothing at this address.")


def _compartment(request: Request, third: str, row: str) -> Methods:
    if request.type not in compartments():
        raise NotFound(f"{request.type} has no compartment; {', '.join(sorted(compartments()))} have.")
    request.compartment = (request.type, request.id)
    request.type = "" if third == "*" else _known(third)
    request.id = ""
    return TABLE[row]


def _operation(request: Request, level: str, name: str) -> Methods:
    found = OPERATIONS.get((level.replace("type", request.type, 1), name)) or OPERATIONS.get((level, name))
    if found is None:
        raise NotFound(f"There is no operation {name[:64]} here.")
    request.operation = name
    return found


def _known(type_name: str) -> str:
    if type_name not in resource_types():
        raise NotFound(f"There is no resource type {type_name[:64]!r} in FHIR R4.")
    return type_name


class Router:
    """The table as the entries of a Bundle use it; see `request.Routes`."""

    def __init__(self, subscriptions: Callable[[], SubscriptionDesk] | None = None):
        self._subscriptions = subscriptions

    @property
    def subscriptions(self) -> SubscriptionDesk | None:
        return None if self._subscriptions is None else self._subscriptions()

    def resolve(self, request: Request) -> str:
        return find(request).name

    async def perform(self, request: Request, repository: Repository) -> Response:
        return await find(request).handler(request, repository)
