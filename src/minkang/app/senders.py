"""Whose request it is at the doors for messages: a sender's by its key, else the operator's. Wiring only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from minkang.fhir.problem import Forbidden
from minkang.platform.intake.findings import Rule
from minkang.platform.intake.gate import Gate
from minkang.platform.intake.senders import PREFIX, Senders
from minkang.platform.intake.taking import Intake, IntakeFor
from minkang.store.contract import Repository

DOORS = ("/cda", "/hl7v2", "/files")


def key_in(scope: MutableMapping[str, Any]) -> str:
    """A sender's key, empty where there is none."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, key = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    return key.strip() if scheme.lower() == "bearer" and key.strip().startswith(PREFIX) else ""


def is_senders(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request goes to a door for messages with a sender's key: the door itself looks whose it is."""
    path: str = scope["path"]
    return bool(key_in(scope)) and any(path == one or path.startswith(f"{one}/") for one in DOORS)


def intake_for(repository: Callable[[], Repository], gate: Gate | None = None) -> IntakeFor:
    gate = gate or Gate()

    async def found(scope: MutableMapping[str, Any], door: str, rules: Mapping[str, Rule]) -> Intake:
        key = key_in(scope)
        if not key:
            return Intake(repository(), rules, gate=gate)
        sender = await Senders(repository()).by_key(key)
        if door not in sender.doors:
            raise Forbidden(f"{sender.name} sends by {', '.join(sender.doors)}, not by {door}.")
        return Intake(repository(), rules, sender=sender.id, trial=not sender.live, gate=gate)

    return found
