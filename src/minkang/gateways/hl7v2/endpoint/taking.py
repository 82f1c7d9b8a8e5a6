"""From the bytes of one message to its acknowledgement, which is given when what became of it is durable."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from minkang.fhir.problem import Busy
from minkang.gateways.hl7v2.endpoint.order import Order, names_of
from minkang.gateways.hl7v2.mapping import understood
from minkang.gateways.hl7v2.mapping.tables import findings
from minkang.gateways.hl7v2.wire import Fault, Message, Unreadable, answer, parse
from minkang.kit import clock, ids
from minkang.platform.intake.findings import Told
from minkang.platform.intake.reading import Reading, id_of
from minkang.platform.intake.receipt import Receipt
from minkang.platform.intake.taking import Intake, apart
from minkang.platform.intake.taking import Message as Sent

DOOR = "hl7v2"
MEDIA_TYPE = "x-application/hl7-v2+er7"
"""What IANA and HL7 call the pipes and hats."""

_OTHER_FAULT = "207"
"""Table 0357: application internal error, for what has no code of its own."""


ORDER = Order()
"""Of this process: lines of other workers are not waited for."""


class Taken(NamedTuple):
    """`receipt` None: nothing could be kept for `busy`, send again. `answer` None: the sender wants none (MSH-15)."""

    receipt: Receipt | None
    answer: bytes | None
    busy: Busy | None = None


async def taken(intake: Intake, content: bytes, *, sender: str = "", name: str = "", zone: str = "+08:00") -> Taken:
    """Never raises for what was sent. `sender`: the Organization's id where the line or the token tells it; else it
    follows from MSH-3 and MSH-4."""
    message: Message | None = None
    with suppress(Unreadable):  # intake meets the same error, and keeps the bytes with the reason
        message = await apart(len(content), parse, content)
    who = sender or intake.sender or (_sender(message) if message is not None else "")

    def read(_: Sent) -> Reading:
        return understood(message if message is not None else parse(content), who, zone)

    try:
        async with ORDER.turn(names_of(message, who) if message is not None else []):
            receipt = await intake.take(Sent(DOOR, content, MEDIA_TYPE, who, name), read)
    except Busy as busy:
        return Taken(None, _answer(message, "rejected", [Fault(_OTHER_FAULT, busy.text)]), busy)
    outcome = "accepted" if receipt.is_taken else "rejected" if receipt.outcome == "rejected" else "error"
    return Taken(receipt, _answer(message, outcome, [_fault(one) for one in receipt.findings]))


def _sender(message: Message) -> str:
    header = message.header
    return id_of(DOOR, "Organization", header.text(3), header.text(4))


def _answer(message: Message | None, outcome: str, faults: list[Fault]) -> bytes | None:
    return answer(message, outcome, clock.now(), ids.random(), faults)


def _fault(one: Told) -> Fault:
    """Words in both languages: who reads an ERR segment may read either."""
    code = findings().get(one.rule, {}).get("code", _OTHER_FAULT)
    found = f"[{one.value}]" if one.value else ""
    text = " ".join(part for part in (found, one.zh, one.do_zh, one.en, one.do_en) if part)
    return Fault(code, text, one.place, one.severity[0].upper())
