"""What the target of a Subscription is told: a history Bundle whose first entry is the status, in Parameters.

http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html; the names of the parameters are those of
http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-status-r4.html.
Resources are copied as they are stored, never parsed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from minkang.fhir.resource import instant

_PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
BUNDLE_PROFILE = _PROFILE + "backport-subscription-notification-r4"
STATUS_PROFILE = _PROFILE + "backport-subscription-status-r4"

_METHODS = {"created": ("POST", "201"), "updated": ("PUT", "200"), "deleted": ("DELETE", "204")}


@dataclass(frozen=True, slots=True)
class About:
    """The Subscription that is told of. `topic` is None in R4's own form; `status` is a SubscriptionStatus code;
    `events`: number of the last event; `trouble`: why it is in error, in words."""

    id: str
    topic: str | None
    status: str
    events: int
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """`did`: created, updated, deleted. `text` is the resource as it was stored, None where it is not told."""

    number: int
    type: str
    id: str
    did: str
    happened: datetime
    text: bytes | None = None


def notification(kind: str, about: About, events: Sequence[Event], content: str, base: str, now: datetime) -> bytes:
    """`kind`: handshake, heartbeat, event-notification or query-event; `content`: empty, id-only or full-resource;
    `base`: address of the FHIR door without a slash at the end."""
    entries = [_status_entry(kind, about, events, content, base)]
    if content != "empty":
        entries += [_entry(event, base) for event in events]
    head = {
        "resourceType": "Bundle",
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "history",
        "timestamp": instant(now),
    }
    return b'%b,"entry":[%b]}' % (orjson.dumps(head)[:-1], b",".join(entries))


def status(kind: str, about: About, base: str, events: Sequence[Event] = (), content: str = "empty") -> dict[str, Any]:
    """The Parameters resource that tells how a Subscription stands."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{about.id}"}}
    ]
    if about.topic is not None:
        parameters.append({"name": "topic", "valueCanonical": about.topic})
    parameters += [
        {"name": "status", "valueCode": about.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(about.events)},
    ]
    parameters += [_told(event, content, base) for event in events]
    if about.trouble is not None:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": about.trouble}})
    return {"resourceType": "Parameters", "meta": {"profile": [STATUS_PROFILE]}, "parameter": parameters}


def _told(event: Event, content: str, base: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.happened)},
    ]
    if content != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.type}/{event.id}"}})
    return {"name": "notification-event", "part": parts}


def _status_entry(kind: str, about: About, events: Sequence[Event], content: str, base: str) -> bytes:
    url = f"{base}/Subscription/{about.id}/$status"
    return orjson.dumps(
        {
            "fullUrl": f"urn:uuid:{uuid.uuid4()}",
            "resource": status(kind, about, base, events, content),
            "request": {"method": "GET", "url": url},
            "response": {"status": "200"},
        }
    )


def _entry(event: Event, base: str) -> bytes:
    name = f"{event.type}/{event.id}"
    method, code = _METHODS[event.did]
    rest = {
        "request": {"method": method, "url": event.type if method == "POST" else name},
        "response": {"status": code},
    }
    head = orjson.dumps({"fullUrl": f"{base}/{name}"})[:-1]
    body = b"" if event.text is None else b',"resource":' + event.text
    return b"%b%b,%b" % (head, body, orjson.dumps(rest)[1:])
