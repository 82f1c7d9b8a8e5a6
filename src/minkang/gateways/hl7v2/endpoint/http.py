"""POST /hl7v2: one message in, its acknowledgement out (HAPI's "HL7 over HTTP" and many integration engines do so)."""

from __future__ import annotations

from minkang.fhir.problem import Busy, NotAllowed, Problem, TooLarge
from minkang.gateways.hl7v2.endpoint.taking import MEDIA_TYPE, taken
from minkang.kit.http import BodyTooLarge, Header, Receive, Scope, joined_headers, read_body
from minkang.platform.intake.taking import Intake


async def post(scope: Scope, receive: Receive, intake: Intake, limit: int) -> tuple[int, list[Header], bytes]:
    """Status, headers and body. 200 when the message is taken or waits in quarantine: the ACK tells which, and
    Location where the receipt is; 429 or 503 when nothing could be kept. Raises NotAllowed, TooLarge."""
    if scope["method"] != "POST":
        raise NotAllowed("POST")
    headers = joined_headers(scope["headers"])
    try:
        content = await read_body(receive, limit, headers.get(b"content-length"))
    except BodyTooLarge:
        raise TooLarge(f"The message is longer than {limit} bytes.") from None
    found = await taken(intake, content.strip(b"\x0b\x1c\r\n") + b"\r" if content else b"")
    told = [(b"content-type", MEDIA_TYPE.encode())]
    if found.receipt is None:
        busy = found.busy or Busy()
        return busy.status, [*told, (b"retry-after", str(busy.retry_after).encode())], found.answer or b""
    told.append((b"location", f"/fhir/Task/{found.receipt.id}".encode()))
    return 200, told, found.answer or b""


def refused(problem: Problem) -> tuple[int, list[Header], bytes]:
    return problem.status, [(b"content-type", b"text/plain; charset=utf-8")], f"{problem.text}\n".encode()
