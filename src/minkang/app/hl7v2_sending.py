"""HL7 v2 that goes out by itself: to the receivers of a file, when the record changes.

    [[receiver]]
    name = "lis"
    address = "10.0.0.5:2575"
    receiver = "LIS^H2"                   # application and facility (MSH-5, MSH-6)
    criteria = ["DiagnosticReport?status=final", "Encounter?class=IMP"]
    without = ["hl7v2:SENDER-ID"]         # not what came from there
    tls = true
    ca = "/etc/minkang/ca.pem"            # who may have signed its certificate; without it the machine's own list
    certificate = "/etc/minkang/us.pem"   # ours, with its key, where the receiver asks for it

A message that was not accepted (AE, AR) is a failed job, and the next one is sent; while nobody answers it is tried
again for ever, and those behind it wait, so the order is kept.
"""

from __future__ import annotations

import asyncio
import ssl
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

from minkang.app.exporting import OPERATOR
from minkang.app.hl7v2_write import accepted, message, sent
from minkang.fhir.problem import Gone, NotFound, Problem
from minkang.fhir.subscriptions.wish import criterion
from minkang.gateways.hl7v2.mapping.writing import KINDS
from minkang.kit.trouble import BadSetting, Trouble
from minkang.platform.workflow.jobs import GivenUp, Job, Later, Retry, Work
from minkang.platform.workflow.routing import Route
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store

NAME = "hl7v2-send"
AGAIN = timedelta(seconds=10)
"""Until somebody who did not answer is tried again."""

_WORDS = ("name", "address", "receiver", "ca", "certificate")
_LISTS = ("criteria", "without")


class Receiver(NamedTuple):
    """`tls`: None for a line that is not encrypted."""

    route: Route
    address: str
    receiver: tuple[str, str]
    tls: ssl.SSLContext | None


def receivers(file: Path | None) -> list[Receiver]:
    """None of them without a file. Raises BadSetting with what is wrong in it."""
    if file is None:
        return []
    try:
        told: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{file} cannot be read: {error}.") from None
    found = [_receiver(file, one) for one in told.get("receiver", [])]
    names = [one.route.name for one in found]
    if not found or len({*names}) < len(names):
        raise BadSetting(f"{file} must have [[receiver]]s with names of their own.")
    return found


def _receiver(file: Path, told: Mapping[str, Any]) -> Receiver:
    where = f"{file}, receiver {told.get('name', '?')}"
    for name, value in told.items():
        wanted = list if name in _LISTS else bool if name == "tls" else str
        if name not in (*_WORDS, *_LISTS, "tls") or not isinstance(value, wanted):
            raise BadSetting(f"{where}: {name} means nothing here, or is of the wrong kind.")
    if missing := [name for name in ("name", "address", "criteria") if not told.get(name)]:
        raise BadSetting(f"{where}: {', '.join(missing)} must be said.")
    try:
        queries = tuple(criterion(str(one)) for one in told["criteria"])
    except Problem as problem:
        raise BadSetting(f"{where}: {problem}") from None
    if others := {str(one.type) for one in queries} - {*KINDS}:
        raise BadSetting(f"{where}: there are no messages of {', '.join(sorted(others))}, only of {', '.join(KINDS)}.")
    application, _, facility = str(told.get("receiver", "")).partition("^")
    without = frozenset(map(str, cast("list[object]", told.get("without", []))))
    return Receiver(
        Route(str(told["name"]), queries, without), str(told["address"]), (application, facility), _tls(where, told)
    )


def _tls(where: str, told: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not told.get("tls"):
        return None
    try:
        found = ssl.create_default_context(cafile=told.get("ca"))
        if "certificate" in told:
            found.load_cert_chain(told["certificate"])
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(f"{where}: the certificates cannot be read: {error}.") from None
    return found


def job(store: Store, receivers: list[Receiver]) -> Job:
    """Sends one resource to one receiver, as it is now."""
    known = {one.route.name: one for one in receivers}

    async def send(work: Work) -> Mapping[str, Any]:
        to = known.get(work.args["route"])
        if to is None:
            raise GivenUp(f"There is no receiver {work.args['route']} any more.")
        repository = store.repository(OPERATOR, EVERYTHING)
        type, id = work.args["type"], work.args["id"]
        try:
            if (await repository.read(type, id)).version != work.args["version"]:
                return {"sent": "no: changed since, and sent as it is now"}
            made = await message(repository, type, id, receiver=to.receiver)
        except (NotFound, Gone):
            return {"sent": "no: deleted since"}
        except Trouble as trouble:
            raise GivenUp(str(trouble)) from None
        try:
            answer = await asyncio.to_thread(sent, made, to.address, to.tls)
        except Trouble:
            raise Later(AGAIN) from None
        if not accepted(answer):
            raise GivenUp(f"{to.route.name} did not accept it: {answer[:500].decode(errors='replace')}")
        return {"sent": to.route.name}

    return Job(NAME, send, queue="hl7v2", retry=Retry(most=None, first=AGAIN))
