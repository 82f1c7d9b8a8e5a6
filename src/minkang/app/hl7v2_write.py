"""`minkang hl7v2 write`: a message of what is in the record, printed or sent by MLLP."""

from __future__ import annotations

import socket
import ssl
import sys
from contextlib import ExitStack

from rich.console import Console

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.fhir.resource import Resource, exact
from minkang.fhir.search import grammar
from minkang.gateways.hl7v2.mapping.writing import KINDS, written
from minkang.gateways.hl7v2.wire import Frames, Unreadable, framed, parse
from minkang.kit import clock, ids
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING

WAIT = 30.0
"""Seconds for the other side to answer."""

MOST = 1_000
"""Resources beside one."""

LONGEST_ANSWER = 1 << 20


def run(settings: Settings, resource: str, *, event: str, to: str, receiver: str) -> int:
    """0, or 1 when the receiver answered anything but AA or CA."""
    type, _, id = resource.partition("/")
    if type not in KINDS or not id:
        raise Trouble(f"{resource!r} is none of {', '.join(f'{one}/ID' for one in KINDS)}.")
    application, _, facility = receiver.partition("^")
    receiving = (application, facility)
    made = in_store(
        settings,
        lambda store: message(store.repository(OPERATOR, EVERYTHING), type, id, event=event, receiver=receiving),
    )
    if not to:
        sys.stdout.write(made.decode().replace("\r", "\n"))
        return 0
    answer = sent(made, to)
    Console(highlight=False, markup=False, soft_wrap=True).print(answer.decode(errors="replace").replace("\r", "\n"))
    return 0 if accepted(answer) else 1


async def message(
    repository: Repository, type: str, id: str, *, event: str = "", receiver: tuple[str, str] = ("", "")
) -> bytes:
    """Raises the problems of the repository, and Incorrect for what belongs to nobody."""
    tree = exact((await repository.read(type, id)).content)
    beside = {f"{one['resourceType']}/{one['id']}": one for one in await _beside(repository, tree)}
    patient = tree
    if type != "Patient":
        actors = [one.get("actor", {}) for one in tree.get("participant", [])] if type == "Appointment" else []
        named = [one.get("reference", "") for one in (tree.get("subject", {}), *actors)]
        name = next((one for one in named if one.startswith("Patient/")), "")
        if not name:
            raise Trouble(f"{type}/{id} names no patient of the record.")
        patient = exact((await repository.read("Patient", name.partition("/")[2])).content)
    return written(
        tree, patient, beside, control=ids.random()[:20], now=clock.now(), event=event.upper(), receiver=receiver
    )


async def _beside(repository: Repository, tree: Resource) -> list[Resource]:
    """What a message tells together with a resource."""
    if tree["resourceType"] == "Encounter":
        criteria = [("encounter", f"Encounter/{tree['id']}"), ("_count", str(MOST))]
        page = await repository.search(grammar.parse("Condition", criteria, strict=True))
        subject = tree.get("subject", {}).get("reference", "")
        allergies = [("patient", subject), ("_count", str(MOST))]
        more = await repository.search(grammar.parse("AllergyIntolerance", allergies, strict=True)) if subject else None
        return [exact(hit.stored.content) for hit in (*page.hits, *(more.hits if more else ()))]
    references = [one.get("reference", "") for one in tree.get("result", [])[:MOST]]
    if tree["resourceType"] == "DiagnosticReport":
        references.append(tree.get("encounter", {}).get("reference", ""))
    names = [(one.split("/")[0], one.split("/")[1]) for one in references if one.count("/") == 1]
    found = await repository.read_many(names) if names else {}
    return [exact(one.content) for one in found.values()]


def sent(content: bytes, to: str, tls: ssl.SSLContext | None = None) -> bytes:
    """By MLLP, encrypted with `tls`; what was answered. Raises Trouble when nobody answers."""
    host, _, port = to.rpartition(":")
    if not host or not port.isdigit():
        raise Trouble(f"--to takes HOST:PORT, not {to!r}.")
    frames = Frames(LONGEST_ANSWER)
    try:
        with ExitStack() as ends:
            line = ends.enter_context(socket.create_connection((host.strip("[]"), int(port)), WAIT))
            if tls is not None:
                line = ends.enter_context(tls.wrap_socket(line, server_hostname=host.strip("[]")))
            line.sendall(framed(content))
            while data := line.recv(65536):
                for found in frames.feed(data):
                    if isinstance(found, bytes):
                        return found
    except OSError as error:
        raise Trouble(
            f"{to} did not answer: {error}. The message was perhaps received; sending again is harmless."
        ) from None
    raise Trouble(f"{to} closed the line without an answer; send again.")


def accepted(answer: bytes) -> bool:
    try:
        msa = parse(answer).first("MSA")
    except Unreadable:
        return False
    return msa is not None and msa.text(1) in ("AA", "CA")
