"""Acknowledgements: MSH, MSA and ERR (HL7 v2.5.1 2.9 and 2.15).

Original mode answers AA, AE, AR; enhanced mode, when MSH-15 or MSH-16 is valued, answers CA, CE, CR as soon as the
message is safely kept.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from minkang.gateways.hl7v2.wire.message import Delimiters, Message, escaped

_ORIGINAL = {"accepted": "AA", "error": "AE", "rejected": "AR"}
_ENHANCED = {"accepted": "CA", "error": "CE", "rejected": "CR"}
_WANTED = {"NE": (), "ER": ("error", "rejected"), "SU": ("accepted",)}  # table 0155; AL and nothing: always


class Fault(NamedTuple):
    """One ERR segment. `place`: `PID-5` or `OBX[3]-5`; `code`: HL7 table 0357; `severity`: E, W or I (table 0516)."""

    code: str
    text: str
    place: str = ""
    severity: str = "E"


def answer(
    message: Message | None, outcome: str, now: datetime, control: str, faults: list[Fault] | None = None
) -> bytes | None:
    """The ACK of a message: `outcome` is `accepted`, `error` (kept, and somebody must look) or `rejected` (not kept).

    In the sender's own character set and separators, with its version. None when MSH-15 says that no such answer is
    wanted. `message` is None for what could not be read. `control` is our own number, MSH-10 of the answer.
    """
    if message is None:
        head = ["MSH", "^~\\&", "MINKANG", "", "", "", f"{now:%Y%m%d%H%M%S%z}", "", "ACK", control, "P", "2.5.1"]
        lines = ["|".join(head), f"MSA|{_ORIGINAL[outcome]}|"]
        lines += [_err("2.5.1", fault, Delimiters()) for fault in faults or ()]
        return ("\r".join(lines) + "\r").encode()
    header, cut = message.header, message.delimiters
    enhanced = bool(header.text(15) or header.text(16))
    if enhanced and outcome not in _WANTED.get(header.text(15), (outcome,)):
        return None
    code = (_ENHANCED if enhanced else _ORIGINAL)[outcome]
    lines = [_header(message, now, control), cut.field.join(("MSA", code, header.field(10)))]
    lines += [_err(message.version, fault, cut) for fault in faults or ()]
    return ("\r".join(lines) + "\r").encode(message.decoded.charset, "replace")


def _header(message: Message, now: datetime, control: str) -> str:
    header, cut = message.header, message.delimiters
    marks = cut.component + cut.repetition + cut.escape + cut.sub
    event = header.text(9, 2)
    kind = cut.component.join(["ACK", event, "ACK"]) if event and message.version >= "2.4" else "ACK"
    parties = [header.field(number) for number in (5, 6, 3, 4)]
    rest = [f"{now:%Y%m%d%H%M%S%z}", "", kind, control, header.field(11), header.field(12)]
    fields = ["MSH", marks, *parties, *rest]
    if header.field(18):
        fields += [""] * 5 + [header.field(18)]
    return cut.field.join(fields)


def _err(version: str, fault: Fault, cut: Delimiters) -> str:
    """ERR as of 2.5 has fields of its own; before, all stands in the components of ERR-1 (ELD: segment, its number,
    field, error)."""
    segment, number, field = _place(fault.place)
    text = escaped(fault.text, cut)
    if version < "2.5":
        return cut.field.join(("ERR", cut.component.join((segment, number, field, cut.sub.join((fault.code, text))))))
    place = cut.component.join((segment, number, field)) if segment else ""
    return cut.field.join(("ERR", "", place, fault.code, fault.severity, "", "", "", text))


def _place(place: str) -> tuple[str, str, str]:
    found = re.match(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?", place)
    return (found[1], found[2] or "1", found[3] or "") if found else ("", "", "")
