"""The doors whose messages can be read once more, by the name that stands in a receipt. Wiring only."""

from __future__ import annotations

from collections.abc import Mapping

from minkang.gateways.cda.mapping import understood
from minkang.gateways.files.endpoint import replayed
from minkang.gateways.frontdb import mapping as frontdb
from minkang.gateways.hl7v2 import mapping as hl7v2
from minkang.platform.intake.desk import Door
from minkang.platform.intake.reading import Reading
from minkang.platform.intake.taking import Message


def _hl7v2(message: Message) -> Reading:
    return hl7v2.read(message.content, message.sender)


def _cda(message: Message) -> Reading:
    return understood(message.content, message.sender)


def _frontdb(message: Message) -> Reading:
    return frontdb.read(message.content, message.sender)


DOORS: Mapping[str, Door] = {
    "cda": Door(_cda, "minkang.gateways.cda"),
    "frontdb": Door(_frontdb, "minkang.gateways.frontdb"),
    "files": Door(replayed, "minkang.gateways.files"),
    "hl7v2": Door(_hl7v2, "minkang.gateways.hl7v2"),
}
