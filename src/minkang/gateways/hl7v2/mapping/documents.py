"""MDM: TXA and OBX to a document with its editions (HL7 v2.5.1 chapter 9)."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.mapping.results import visit
from minkang.gateways.hl7v2.mapping.tables import code
from minkang.gateways.hl7v2.mapping.values import value_of
from minkang.gateways.hl7v2.wire import Segment
from minkang.platform.intake.reading import Reading, Version

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_RELATIONS = {"T05": "append", "T06": "append", "T09": "replace", "T10": "replace"}
"""An addendum or a replacement is a document with a number of its own that names the one before in TXA-13."""

CANCELLED = "T11"


def document(draft: Draft, txa: Segment, event: str, reading: Reading) -> None:
    """The words of a document become a Binary each, named by its DocumentReference, which intake makes."""
    number = draft.number(txa, 12)
    if number is None:
        draft.fault("missing", txa, 12, expected="EI")
        return
    relation = _RELATIONS.get(event, "")
    parent = draft.number(txa, 13)
    if relation and parent is None:
        draft.fault("missing", txa, 13, expected="EI")
        return
    own, before = _named(number), _named(parent) if parent else ""
    # An addendum belongs to the set of what it adds to, or what that brought would be replaced by nobody.
    belongs, over = (before, "") if relation == "append" else (own, before if relation == "replace" else "")
    reading.version = Version(belongs, _order(draft, txa), relation, before if relation else "", over)
    kind = draft.concept(txa, 2)
    status = "entered-in-error" if event == CANCELLED or txa.text(19) == "CA" else None
    reading.about = present(
        status=status,
        identifier=[number],
        docStatus=code("document-status", txa.text(17)),
        type=_kind(draft, txa, kind),
        date=_instant(draft.time(txa, 6)) or _instant(draft.time(txa, 4)),
        author=draft.person(txa, 9) or draft.person(txa, 5),
        authenticator=(draft.person(txa, 22) or [None])[0],
        description=txa.text(25),
        securityLabel=_secrecy(draft, txa),
        context=_context(draft, txa),
        content=[] if event == CANCELLED else _contents(draft, txa, own),
    )


def _named(number: Element) -> str:
    return f"{number['system']}|{number['value']}"


def _order(draft: Draft, txa: Segment) -> int:
    """When it was said, in seconds since 2000: an edition sent later is the newer one, whatever order they come in.
    MSH-7, else TXA-8 or TXA-6; 0 when nothing tells."""
    for segment, field in ((draft.message.header, 7), (txa, 8), (txa, 6)):
        moment = _instant(draft.time(segment, field))
        if moment:
            seconds = int((datetime.fromisoformat(moment) - _EPOCH).total_seconds())
            return min(max(seconds, 0), 2**31 - 1)
    return 0


def _kind(draft: Draft, txa: Segment, concept: Element | None) -> Element | None:
    """Table 0270, else LOINC or whatever system the sender names."""
    value = txa.text(2)
    if not value or concept is None:
        return concept
    if not txa.text(2, 3):
        concept["coding"][0]["system"] = "http://terminology.hl7.org/CodeSystem/v2-0270"
    return concept


def _secrecy(draft: Draft, txa: Segment) -> list[Element] | None:
    """Table 0272 to http://terminology.hl7.org/CodeSystem/v3-Confidentiality."""
    found = draft.coded("confidentiality", txa, 18)
    scheme = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    return [{"coding": [{"system": scheme, "code": found}]}] if found else None


def _context(draft: Draft, txa: Segment) -> Element:
    seen = visit(draft)
    return present(
        encounter=[seen] if seen else None,
        period=present(start=draft.time(txa, 4)),
        related=[{"identifier": one} for one in (draft.number(txa, 14), draft.number(txa, 15)) if one],
    )


def _contents(draft: Draft, txa: Segment, own: str) -> list[Element]:
    """The text of all OBX as one, then each attachment of ED."""
    words: list[str] = []
    found: list[Element] = []
    title = txa.text(16) or txa.text(2, 2)
    for obx in draft.message.all("OBX"):
        value = value_of(draft, obx)
        if "attachment" in value:
            one = value["attachment"]
            content = base64.b64decode(one.get("data", ""))
            found.append(_kept(draft, own, one.get("contentType", ""), content, title or one.get("title", "")))
        elif obx.field(5):
            words.append("\n".join(obx.whole(one) for one in obx.repeats(5)))
    if words:
        found.insert(0, _kept(draft, own, "text/plain; charset=utf-8", "\n".join(words).encode(), title))
    return found


def _kept(draft: Draft, own: str, media_type: str, content: bytes, title: str) -> Element:
    digest = hashlib.sha1(content, usedforsecurity=False).digest()  # R4 asks for SHA-1: for comparison, not for trust
    made = draft.add(
        "Binary",
        ("document", own, hashlib.sha256(content).hexdigest()),
        contentType=media_type or "application/octet-stream",
        data=base64.b64encode(content).decode(),
    )
    attachment = present(
        contentType=media_type, url=made, size=len(content), hash=base64.b64encode(digest).decode(), title=title
    )
    return {"attachment": attachment}


def _instant(moment: str | None) -> str | None:
    return moment if moment and "T" in moment else None
