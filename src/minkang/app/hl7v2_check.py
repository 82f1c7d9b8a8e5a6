"""`minkang hl7v2 check`: a file of messages, understood and judged without a platform."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from minkang.fhir.resource import from_exact
from minkang.fhir.validation import faults as faults_of
from minkang.gateways.hl7v2 import mapping
from minkang.gateways.hl7v2.mapping.tables import findings
from minkang.gateways.hl7v2.wire import Cut, Frames, Message, Unreadable, parse
from minkang.kit.trouble import Trouble
from minkang.platform.intake.reading import Reading

MAX_FILE = 256 << 20
MAX_MESSAGE = 64 << 20
_ZONE = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d\Z")


def check(file: Path, *, show: bool, zone: str) -> int:
    """Prints a line for each message and each finding. 0 when all would be accepted, else 1."""
    if not _ZONE.match(zone):
        raise Trouble(f"--zone takes an offset such as +08:00, not {zone!r}.")
    if not file.is_file():
        raise Trouble(f"{file} is no file.")
    if file.stat().st_size > MAX_FILE:
        raise Trouble(f"{file} is larger than {MAX_FILE >> 20} MiB: check it in parts.")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    bad = number = 0
    for number, found in enumerate(messages(file.read_bytes()), 1):
        bad += not _one(console, number, found, show, zone)
    if not number:
        raise Trouble(f"{file} holds no message: a message begins with MSH.")
    console.print(f"{number} messages, {number - bad} accepted, {bad} with errors")
    return 1 if bad else 0


def messages(content: bytes) -> Iterator[bytes | Cut]:
    """The messages of a file: MLLP blocks when there is one, else whatever begins with MSH."""
    if b"\x0b" in content[:64]:
        frames = Frames(MAX_MESSAGE)
        yield from frames.feed(content)
        yield from frames.end()
        return
    starts = [found.start() for found in re.finditer(rb"(?:\A|(?<=[\r\n]))(?=(?:\xef\xbb\xbf)?MSH)", content)]
    if content.strip() and (not starts or content[: starts[0]].strip()):
        starts.insert(0, 0)
    for start, end in zip(starts, [*starts[1:], len(content)], strict=False):
        yield content[start:end]


def _one(console: Console, number: int, found: bytes | Cut, show: bool, zone: str) -> bool:
    if isinstance(found, Cut):
        console.print(f"{number}: no whole message ({found.reason}, {found.size} bytes)")
        return False
    try:
        message = parse(found)
    except Unreadable as error:
        console.print(f"{number}: unreadable. {error.text}")
        return False
    reading = mapping.understood(message, "check", zone)
    return _tell(console, number, message, reading, show)


def _tell(console: Console, number: int, message: Message, reading: Reading, show: bool) -> bool:
    """Whether it would be accepted."""
    kinds = Counter(resource["resourceType"] for resource in reading.resources)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"
    outcome = mapping.outcome(reading)
    charset = message.decoded.charset
    console.print(f"{number}: {reading.kind} {reading.message} ({message.version}, {charset}): {outcome}; {told}")
    for one in reading.findings:
        words = findings()[one.rule]
        wanted = f" [{one.expected}]" if one.expected else ""
        console.print(f"   {words['severity']} {one.place} {one.value!r}{wanted}: {words['zh']}。{words['do_zh']}。")
        console.print(f"      {words['en']}. {words['do_en']}. ({words['clause']})")
    refused = [issue for resource in reading.resources for issue in faults_of(resource) if issue.severity == "error"]
    for issue in refused:
        console.print(f"   error {issue.expression}: {issue.text}")
    if show:
        for resource in reading.resources:
            console.print(from_exact(resource).text.decode())
    return outcome == "accepted" and not refused
