"""What a door understood of one message: the shape that every mapping returns and that intake takes in. Pure."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from minkang.fhir.resource import Resource


class Finding(NamedTuple):
    """Something the sender's IT person should know. `rule` names a sentence of the door's `findings.toml` (severity,
    Chinese and English words, what to do, clause); `place` is where in the sender's own terms (an XPath, `PID-5`,
    `row 7, column 身份证号`); `value` is what stood there and `expected` what the rule or its dictionary wants."""

    rule: str
    place: str = ""
    value: str = ""
    expected: str = ""


class Version(NamedTuple):
    """Which edition of a document this is: `set` its setId, `number` its versionNumber, `relation` one of `""`,
    `replace`, `append`, `transform`, and `parent` the id of the document that it relates to. `over`: the setId of
    another set that it takes the place of, where a replacement has a name of its own (HL7 v2 TXA-12, TXA-13)."""

    set: str
    number: int = 1
    relation: str = ""
    parent: str = ""
    over: str = ""


class Cleared(NamedTuple):
    """What a sender wants forgotten (`""` in HL7 v2) of a resource that many messages tell of: `reference` is its
    `Type/id`, `path` the names of the elements from the outside in, `where` which members of a list (all of them
    without it)."""

    reference: str
    path: tuple[str, ...]
    where: Callable[[Any], bool] | None = None


@dataclass(slots=True)
class Reading:
    """One message, understood.

    `kind`: what it is (`C0005`, `ORU^R01`, `residents`). `message`: the sender's own id of it, empty when it has none.
    `resources`: FHIR resources with their final ids (`id_of`), referring to each other as `Type/id`; writing them
    again changes nothing. `patient`: `Patient/id` of whom it speaks, empty for nobody. `gone`: `Type/id` of what the
    message cancels, `cleared`: what it empties; `yields`: by `Type/id`, of a registration as it is here the
    elements that this message knows less of. `version`: set for documents, whose new editions supersede what the old
    ones brought; `about`: elements of the DocumentReference beyond what any document has (its type, authors, visit).
    """

    kind: str
    message: str = ""
    resources: list[Resource] = field(default_factory=list[Resource])
    patient: str = ""
    gone: list[str] = field(default_factory=list[str])
    cleared: list[Cleared] = field(default_factory=list[Cleared])
    yields: dict[str, Callable[[Resource], Collection[str]]] = field(
        default_factory=dict[str, Callable[[Resource], Collection[str]]]
    )
    version: Version | None = None
    happened: datetime | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    about: Resource = field(default_factory=dict[str, Any])


def id_of(sender: str, *parts: str) -> str:
    """The id of what a sender calls by these names: always the same, so that sending again is harmless. 27 characters
    that R4 allows in ids (https://hl7.org/fhir/R4/datatypes.html#id), of 130 bits of SHA-256."""
    digest = hashlib.sha256("\x1f".join((sender, *parts)).encode()).digest()
    return "m" + b32encode(digest[:17]).decode().lower()[:26]
