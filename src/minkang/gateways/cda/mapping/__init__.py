"""Clinical document to FHIR. Pure.

    bytes → wire → kind → header (patient, visit, people) → sections → entries → resources

Chinese shared documents (WS/T 500-2016, WS/T 483-2016) are read by their data elements (groups.py, elements.toml), all
others by their templates (statements.py, templates.toml). What has no row in the data becomes an Observation, a
Procedure ... by the name of its element, so nothing is dropped.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error
from datetime import datetime
from typing import Any

from minkang.gateways.cda.mapping import targets
from minkang.gateways.cda.mapping.composition import RELATION, body, composition, custodian, type_of
from minkang.gateways.cda.mapping.datatypes import concept, moment, value
from minkang.gateways.cda.mapping.draft import Draft, Tree
from minkang.gateways.cda.mapping.kinds import Kind, kind_of
from minkang.gateways.cda.mapping.patient import patient
from minkang.gateways.cda.mapping.people import relative
from minkang.gateways.cda.mapping.statements import BUILDERS
from minkang.gateways.cda.mapping.tables import numbers
from minkang.gateways.cda.mapping.targets.observations import report
from minkang.gateways.cda.mapping.visit import encounter
from minkang.gateways.cda.wire import Element, read
from minkang.platform.intake.reading import Reading, Version, id_of

__all__ = ["BUILDERS", "sender_of", "targets", "understood"]

DOOR = "cda"
REPORTS = {"C0006": "RAD", "C0007": "LAB"}
"""Documents that are a report as a whole, and its category (v2-0074)."""


def sender_of(document: Element) -> str:
    """Whose names these are when nobody else says: the custodian's Organization."""
    e = document.down("custodian", "assignedCustodian", "representedCustodianOrganization", "id")
    if e is None or not (e.get("root") or e.get("extension")):
        return id_of(DOOR, "Organization", "unknown")
    return id_of(DOOR, "Organization", e.get("root"), e.get("extension"))


def understood(content: bytes, sender: str = "", zone: str = "+08:00", document: Element | None = None) -> Reading:
    """Bytes of one document to what is to be written and what its sender should know. Raises Incorrect for what is no
    clinical document. `document`: the bytes, read already."""
    document = read(content) if document is None else document
    kind = kind_of(document)
    version = _version(document, content)
    draft = Draft(document, sender or sender_of(document), version.set, kind, zone)
    reading = Reading(_kind_name(document, kind), _own_id(document), version=version, findings=draft.findings)
    _check_header(draft, document, kind)
    if not patient(draft):
        return reading
    encounter(draft)
    for participant in document.all("participant"):
        relative(draft, participant)
    made = composition(draft)
    _whole(draft, document, kind, made)
    _facts(draft)
    reading.resources = list(draft.resources.values())
    reading.patient = draft.patient
    reading.about = _about(draft, document)
    reading.happened = _happened(draft, document)
    return reading


def _kind_name(document: Element, kind: Kind | None) -> str:
    if kind is not None:
        return kind.code
    code = document.first("code")
    return (code.get("code") if code is not None else "") or "CDA"


def _own_id(document: Element) -> str:
    e = document.first("id")
    return (e.get("extension") or e.get("root")) if e is not None else ""


def _version(document: Element, content: bytes) -> Version:
    """Which edition of which document. One without setId is a set of its own; without any id, its bytes are."""
    set_, own, number = document.first("setId"), document.first("id"), document.first("versionNumber")
    named = next((one for one in (set_, own) if one is not None and (one.get("extension") or _alone(one))), None)
    name = f"{named.get('root')}|{named.get('extension')}" if named is not None else hashlib.sha256(content).hexdigest()
    raw = number.get("value") if number is not None else ""
    relation, parent = "", ""
    for e in document.all("relatedDocument"):
        id = e.down("parentDocument", "id")
        if e.get("typeCode") in RELATION and id is not None and (id.get("extension") or id.get("root")):
            relation, parent = RELATION[e.get("typeCode")], id.get("extension") or id.get("root")
    return Version(name, int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 9 else 1, relation, parent)


def _alone(e: Element) -> bool:
    """Whether a root names something by itself: a UUID or an OID that is no mere kind of number."""
    root = e.get("root")
    return bool(root) and root not in numbers() and not root.startswith("2.16.156.10011.1")


def _check_header(draft: Draft, document: Element, kind: Kind | None) -> None:
    code = document.first("code")
    if kind is None and (code is None or not code.get("code")):
        draft.fault("cda-unknown-document", document, place="ClinicalDocument/code")
    elif kind is None and code is not None and code.get("codeSystem") != "2.16.840.1.113883.6.1":
        draft.fault("cda-unknown-document", code, code.get("code"), "WS/T 500-2016, WS/T 483-2016, LOINC")
    id = document.first("id")
    if id is None or not (id.get("extension") or _alone(id)):
        draft.fault("cda-no-id", document, place="ClinicalDocument/id")
    number = document.first("versionNumber")
    raw = number.get("value") if number is not None else ""
    if raw and not (raw.isascii() and raw.isdigit()):
        draft.fault("cda-bad-number", number, raw, "INT")
    if custodian(draft, document) is None:
        draft.fault("cda-no-custodian", document, place="ClinicalDocument/custodian")


def _whole(draft: Draft, document: Element, kind: Kind | None, made: list[str]) -> None:
    """What the document is as a whole: a report with its results, or a file in an envelope."""
    tree = draft.resources[draft.composition]
    inside = body(document)
    if inside is not None:
        reference = _envelope(draft, *inside)
        if reference:
            tree["section"] = [{"title": tree["title"], "entry": [{"reference": reference}]}]
    if kind is not None and kind.code in REPORTS and made:
        role = document.down("recordTarget", "patientRole")
        ids = [one for one in (role.all("id") if role is not None else ()) if _is_report(one)]
        own = [{"system": f"urn:oid:{one.get('root')}", "value": one.get("extension")} for one in ids]
        found = report(draft, REPORTS[kind.code], own, kind.title, made, tree.get("date"))
        tree.setdefault("section", []).append({"title": kind.title, "entry": [{"reference": found}]})


def _is_report(e: Element) -> bool:
    return numbers().get(e.get("root"), {}).get("whose") in ("report", "order") and bool(e.get("extension"))


def _envelope(draft: Draft, media_type: str, content: bytes) -> str:
    """A PDF or picture that a document carries, to a Binary of its own."""
    try:
        found = b64decode(content, validate=True)
    except (Error, ValueError):
        draft.fault("cda-bad-body", draft.document, place="component/nonXMLBody/text")
        return ""
    if not found:
        return ""
    id = id_of(draft.sender, "Binary", draft.set, hashlib.sha256(found).hexdigest())
    own = {"resourceType": "Binary", "id": id, "contentType": media_type, "data": b64encode(found).decode()}
    draft.resources[f"Binary/{id}"] = own
    return f"Binary/{id}"


def _facts(draft: Draft) -> None:
    """What entries say of the visit and the person as a whole."""
    for (kind, name), e in draft.facts.items():
        found = e.first("value")
        if found is None:
            continue
        if kind == "Patient" and (told := value(draft, found).get("valueDateTime")):
            draft.resources[draft.patient].setdefault("deceasedDateTime", told)
        if kind == "Encounter" and draft.encounter:
            _of_visit(draft, draft.resources[draft.encounter], name, found)


def _of_visit(draft: Draft, tree: Tree, name: str, e: Element) -> None:
    if name == "disposition" and (coded := concept(draft, e)):
        tree.setdefault("hospitalization", {}).setdefault("dischargeDisposition", coded)
        return
    told = value(draft, e).get("valueDateTime")
    if told and name in ("start", "end"):
        tree.setdefault("period", {}).setdefault(name, told)
    if tree.get("period") and "end" in tree["period"]:
        tree["status"] = "finished"


def _about(draft: Draft, document: Element) -> dict[str, Any]:
    """What the DocumentReference says beyond what any document has."""
    tree = draft.resources[draft.composition]
    related: dict[str, Any] = {"related": [{"reference": draft.composition}]}
    if draft.encounter:
        related["encounter"] = [{"reference": draft.encounter}]
    authors = [one for one in tree.get("author", []) if one.get("type") in ("Practitioner", "Organization", "Device")]
    found: dict[str, Any] = {"description": tree["title"], "context": related, "author": authors}
    coded = type_of(draft, document)
    if coded:
        found["type"] = coded
    return {name: one for name, one in found.items() if one}


def _happened(draft: Draft, document: Element) -> datetime | None:
    told = moment(draft, document.first("effectiveTime"))
    try:
        return datetime.fromisoformat(told) if told and "T" in told else None
    except ValueError:
        return None
