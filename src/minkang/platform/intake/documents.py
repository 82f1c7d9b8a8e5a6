"""The original of a message and the document it is: Binary, DocumentReference, and the List of an edition's resources.

A document comes in editions (setId, versionNumber). The List of its set says which edition counts and what it brought;
whoever brings another edition changes that List under its version, so two at once cannot both believe to be the newest.
http://hl7.org/fhir/R4/documentreference.html
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from minkang.fhir.resource import Parsed, Resource, exact, from_exact
from minkang.platform.intake.reading import Cleared, Finding, Reading, Version, id_of

EDITION = "https://minkang.example/StructureDefinition/document-edition"
SETS = "https://minkang.example/document-set"
SHARED = frozenset({"Patient", "Encounter"})
"""Resources that many messages tell of: each adds what it knows, and none takes them away."""

KEPT = SHARED | {"Binary"}
"""What a newer edition does not take away: the words of an older one stay readable in its DocumentReference."""

RELATIONS = {"replace": "replaces", "append": "appends", "transform": "transforms"}
"""The words of CDA and HL7 v2 to those of http://hl7.org/fhir/R4/valueset-document-relationship-type.html."""

MESSAGE = {"system": "https://minkang.example/CodeSystem/intake", "code": "message"}
"""The tag of an original that is no document: kept for the log's sake (forgetting.py)."""

KINDS = "https://minkang.example/document-kind"


@dataclass(frozen=True, slots=True)
class Edition:
    """What counts of a set now. `number` -1: nothing came yet; `version`: of the List, for If-Match."""

    number: int = -1
    version: int | None = None
    document: str = ""
    resources: tuple[str, ...] = ()


@dataclass(slots=True)
class Settled:
    """What an arriving edition means: is it the one that counts, what goes, what is said."""

    counts: bool
    gone: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])


def settle(reading: Reading, version: Version, former: Edition, over: Edition | None = None) -> Settled:
    """Newer replaces, older is only kept as a document, an appendix takes nothing away. What a set brought that this
    edition takes the place of (`over`) goes with it."""
    told: list[Finding] = []
    replaced = over.resources if over is not None else ()
    if version.number < former.number:
        told.append(Finding("intake-older", value=str(version.number), expected=str(former.number)))
        counted = {*former.resources}
        gone = [one for one in replaced if one not in counted and one.split("/")[0] not in KEPT]
        return Settled(False, gone=gone, findings=told)
    if version.number == former.number:
        told.append(Finding("intake-same-edition", value=str(version.number)))
    new = {reference(one) for one in reading.resources}
    rest = [one for one in (*former.resources, *replaced) if one not in new and one.split("/")[0] not in KEPT]
    if version.relation == "append":
        return Settled(True, kept=rest, findings=told)
    return Settled(True, gone=rest, findings=told)


def told_anew(
    former: Resource,
    tree: Resource,
    empty: Sequence[Cleared],
    yields: Callable[[Resource], Collection[str]] | None = None,
) -> Resource:
    """A registration after another message: its elements replace but those that `yields` names, `empty` ones go."""
    left = yields(former) if yields is not None else ()
    found = former | {name: value for name, value in tree.items() if name not in left}
    for one in empty:
        if one.path[0] not in tree:  # what is said anew replaced what was there
            found = _emptied(found, one.path, one)
    return found


def _emptied(tree: Resource, path: tuple[str, ...], what: Cleared) -> Resource:
    name, rest = path[0], path[1:]
    value: Any = tree.get(name)
    if value is None:
        return tree
    left: Any = None
    if rest:
        left = _emptied(value, rest, what)
    elif what.where is not None:
        left = [one for one in value if not what.where(one)]
    kept = {key: one for key, one in tree.items() if key != name}
    return kept | {name: left} if left else kept


def reference(tree: Resource) -> str:
    return f"{tree['resourceType']}/{tree['id']}"


def original(id: str, content: bytes, media_type: str, document: str = "") -> Resource:
    """A Binary's own form is base64; sealed and compressed it takes hardly more room than the bytes. `document`: the
    DocumentReference (`Type/id`) whose words these are: they are read by whoever may read that, and kept as long."""
    found: Resource = {"resourceType": "Binary", "id": id, "meta": None if document else {"tag": [MESSAGE]}}
    found |= {"contentType": media_type, "securityContext": {"reference": document} if document else None}
    return {name: one for name, one in found.items() if one is not None} | {"data": b64encode(content).decode()}


def guarded(tree: Resource, document: str) -> Resource:
    """Words inside a message are the document's, as its whole original is (see `original`)."""
    if tree["resourceType"] != "Binary" or not document:
        return tree
    return tree | {"securityContext": {"reference": document}}


def list_id(sender: str, version: Version) -> str:
    return id_of(sender, "List", version.set)


def document_id(sender: str, version: Version, content: bytes) -> str:
    return id_of(sender, "DocumentReference", version.set, str(version.number), hashlib.sha256(content).hexdigest())


def document(
    id: str,
    reading: Reading,
    version: Version,
    binary: Resource,
    content: bytes,
    *,
    sender: str,
    received: str,
    counts: bool,
) -> Resource:
    """The DocumentReference; `counts`: it is the edition that counts."""
    relates: list[Resource] = []
    if version.relation and version.parent:
        relates = [{"code": RELATIONS[version.relation], "target": {"identifier": {"value": version.parent}}}]
    found: Resource = {
        "resourceType": "DocumentReference",
        "id": id,
        "masterIdentifier": {"system": SETS, "value": f"{version.set}#{version.number}"},
        "identifier": [{"system": SETS, "value": version.set}],
        "status": "current" if counts else "superseded",
        "type": {"coding": [{"system": KINDS, "code": reading.kind}]},
        "subject": {"reference": reading.patient} if reading.patient else None,
        "date": received,
        "custodian": {"reference": f"Organization/{sender}"} if sender else None,
        "relatesTo": relates,
        "content": [
            {
                "attachment": {
                    "contentType": binary["contentType"],
                    "url": reference(binary),
                    "size": len(content),
                    # SHA-1, because R4 says so; for comparison, not for trust
                    "hash": b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode(),
                }
            }
        ],
    }
    if "type" in reading.about:
        coded = reading.about["type"]
        found["type"] = coded | {"coding": [*found["type"]["coding"], *coded.get("coding", [])]}
    for name in ("content", "identifier"):
        found[name] = [*reading.about.get(name, []), *found[name]]
    found |= {name: value for name, value in reading.about.items() if name not in ("type", "content", "identifier")}
    return {name: value for name, value in found.items() if value not in (None, [])}


def listed(id: str, version: Version, document: str, resources: Sequence[str], patient: str) -> Resource:
    found: Resource = {
        "resourceType": "List",
        "id": id,
        "extension": [{"url": EDITION, "valueInteger": version.number}],
        "identifier": [{"system": SETS, "value": version.set}],
        "status": "current",
        "mode": "working",
        "subject": {"reference": patient} if patient else None,
        "entry": [{"item": {"reference": one}} for one in (document, *resources)],
    }
    return {name: value for name, value in found.items() if value is not None}


def edition_of(tree: Resource, version: int) -> Edition:
    """What a List says."""
    number = next(one["valueInteger"] for one in tree["extension"] if one["url"] == EDITION)
    entries = [one["item"]["reference"] for one in tree["entry"]]
    return Edition(number, version, entries[0], tuple(entries[1:]))


def content_of(binary: Resource) -> tuple[bytes, str]:
    """The bytes as they came, and their media type."""
    return b64decode(binary.get("data", "")), binary.get("contentType", "application/octet-stream")


def superseded(text: bytes) -> Parsed:
    """A DocumentReference that no longer counts."""
    tree = exact(text)
    tree["status"] = "superseded"
    return from_exact(tree)
