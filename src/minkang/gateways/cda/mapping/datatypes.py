"""HL7 v3 datatypes to FHIR's: CD, II, PQ, TS and IVL_TS, AD, TEL, PN and what stands in an observation's value.

http://hl7.org/fhir/R4/comparison-cda.html. What cannot be is left out and told (`Draft.fault`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from minkang.fhir import hl7_times
from minkang.fhir.resource import Exact
from minkang.gateways.cda.mapping.draft import KEPT, Draft, Tree, present
from minkang.gateways.cda.mapping.tables import codes, system, systems, units
from minkang.gateways.cda.wire import Element

TYPE = "http://www.w3.org/2001/XMLSchema-instance type"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z", re.ASCII)
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def uri(root: str) -> str:
    """The URI of a code system by its OID; spaces that slipped into it go."""
    root = "".join(root.split())
    return systems().get(root) or f"urn:oid:{root}"


def coding(e: Element) -> Tree | None:
    """The coding that an element of type CD, CE or CV itself holds."""
    code = " ".join(e.get("code").split())
    if not code:
        return None
    root = e.get("codeSystem")
    found = present(
        system=uri(root) if root else None,
        version=e.get("codeSystemVersion"),
        code=code,
        display=e.get("displayName") or (e.text.strip() if not e.children else ""),
    )
    qualifiers = [_qualifier(one) for one in e.all("qualifier")]
    if any(qualifiers):
        found["extension"] = [one for one in qualifiers if one]
    return found


def _qualifier(e: Element) -> Tree | None:
    parts = [
        {"url": name, "valueCoding": found}
        for name in ("name", "value")
        if (part := e.first(name)) is not None and (found := coding(part))
    ]
    return {"url": f"{KEPT}qualifier", "extension": parts} if parts else None


def concept(draft: Draft, e: Element | None) -> Tree | None:
    """CodeableConcept with translations; the text is what its author wrote or what the sender calls it."""
    if e is None:
        return None
    codings = [found for one in (e, *e.all("translation")) if (found := coding(one))]
    original = e.first("originalText")
    text = draft.referred(original) if original is not None else ""
    named = e.down("qualifier", "name")
    text = text or (named.get("displayName") if named is not None and not named.get("code") else "")
    if not codings:
        text = text or e.get("displayName") or e.text.strip()
    return present(coding=codings, text=text) or None


def identifier(e: Element) -> Tree | None:
    """II: an OID as system with the extension as value; an OID or UUID alone is itself the value."""
    root, extension = "".join(e.get("root").split()), e.get("extension")
    if e.get("nullFlavor") or not (root or extension):
        return None
    named = uri(root) if root in systems() else f"urn:{'oid' if _is_oid(root) else 'uuid'}:{root}"
    if extension:
        return present(system=named if root else None, value=extension, assigner=_assigner(e))
    if root.startswith("2.16.156.10011.1"):  # the kind of a number, without a number
        return None
    return {"system": "urn:ietf:rfc:3986", "value": named}


def _is_oid(root: str) -> bool:
    return root[:1].isdigit() and "-" not in root


def _assigner(e: Element) -> Tree | None:
    name = e.get("assigningAuthorityName")
    return {"display": name} if name else None


def time(draft: Draft, e: Element | None, *, day: bool = False) -> str | None:
    """TS to a dateTime (or a date), told when it cannot be one."""
    raw = said(e) if e is not None else ""
    if not raw or e is None:
        return None
    raw = raw.replace("T", "", 1) if raw[8:9] == "T" else raw
    found = hl7_times.date_time(raw, draft.zone)
    if found is None:
        draft.fault("cda-bad-time", e, raw, "YYYYMMDDhhmmss")
        return None
    return found[:10] if day else found


def said(e: Element) -> str:
    """The value of a simple type: an attribute, or, as some senders write it, the text."""
    return e.get("value") or e.text.strip()


def period(draft: Draft, e: Element | None) -> Tree | None:
    """IVL_TS; a moment alone is no period."""
    if e is None:
        return None
    return present(start=time(draft, e.first("low")), end=time(draft, e.first("high"))) or None


def moment(draft: Draft, e: Element | None) -> str | None:
    """The one moment that best says when: the value, else the beginning, the middle, the end."""
    if e is None:
        return None
    found = time(draft, e)
    for name in ("low", "center", "high"):
        found = found or time(draft, e.first(name))
    return found


def when(draft: Draft, e: Element | None, *names: str) -> Tree:
    """`{names[0]: dateTime}` or `{names[1]: Period}`."""
    if e is None:
        return {}
    point, span = names
    value = time(draft, e) or (time(draft, e.first("center")) if e.first("low") is None else None)
    if value:
        return {point: value}
    found = period(draft, e)
    if found is None:
        return {}
    return {span: found} if "end" in found else {point: found["start"]}


def number(text: str) -> Any:
    """A decimal with the digits that were sent; None for what is none."""
    text = text.strip()
    if not _NUMBER.match(text):
        return None
    text = text.removeprefix("+")
    head, dot, rest = text.partition(".")
    sign = "-" if head.startswith("-") else ""
    return Exact(sign + (head.removeprefix("-").lstrip("0") or "0") + dot + rest)


def quantity(draft: Draft, e: Element | None) -> Tree | None:
    """PQ, REAL and MO. The unit is kept as written, with its UCUM code where we know it."""
    raw = said(e) if e is not None else ""
    if not raw or e is None:
        return None
    value = number(raw)
    if value is None:
        draft.fault("cda-bad-number", e, raw, "PQ")
        return None
    money = e.get("currency")
    if money:
        return {"value": value, "unit": money, "system": "urn:iso:std:iso:4217", "code": units().get(money, money)}
    return measured(value, e.get("unit"))


def measured(value: Any, unit: str) -> Tree:
    if not unit or unit == "1":
        return {"value": value}
    known = units().get(unit) or (unit if unit.isascii() and " " not in unit else None)
    return present(value=value, unit=unit, system="http://unitsofmeasure.org" if known else None, code=known)


def span(draft: Draft, e: Element) -> Tree | None:
    """IVL_PQ to a Range."""
    return present(low=quantity(draft, e.first("low")), high=quantity(draft, e.first("high"))) or None


def value(draft: Draft, e: Element) -> Tree:
    """`{"value...": ...}` for Observation.value[x] and components; a reason where the sender says that there is none;
    nothing when it is empty."""
    kind = e.attributes.get(TYPE, "").rpartition(":")[2] or "ST"
    reader = _VALUES.get(kind, _text)
    found = reader(draft, e)
    if not found and (flavor := e.get("nullFlavor")):
        reason = codes("absent", flavor) or "unknown"
        return {"dataAbsentReason": {"coding": [{"system": system("absent"), "code": reason}]}}
    return found


def _concept(draft: Draft, e: Element) -> Tree:
    return present(valueCodeableConcept=concept(draft, e))


def _quantity(draft: Draft, e: Element) -> Tree:
    found = quantity(draft, e)
    if found is None and said(e):
        return {"valueString": said(e) + e.get("unit")}
    return present(valueQuantity=found)


def _span(draft: Draft, e: Element) -> Tree:
    found = span(draft, e)
    return present(valueRange=found) if found else _quantity(draft, e)


def _ratio(draft: Draft, e: Element) -> Tree:
    parts = present(
        numerator=quantity(draft, e.first("numerator")), denominator=quantity(draft, e.first("denominator"))
    )
    return present(valueRatio=parts)


def _integer(draft: Draft, e: Element) -> Tree:
    raw = said(e)
    if not raw:
        return {}
    if not re.fullmatch(r"[+-]?\d{1,9}", raw, re.ASCII):
        draft.fault("cda-bad-number", e, raw, "INT")
        return {"valueString": raw}
    return {"valueInteger": int(raw)}


def _boolean(draft: Draft, e: Element) -> Tree:
    raw = said(e).lower()
    if not raw:
        return {}
    found = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}.get(raw)
    if found is None:
        draft.fault("cda-bad-boolean", e, raw, "true / false")
        return {"valueString": raw}
    return {"valueBoolean": found}


def _time(draft: Draft, e: Element) -> Tree:
    found = time(draft, e)
    if found is None and said(e):
        return {"valueString": said(e)}
    return present(valueDateTime=found)


def _period(draft: Draft, e: Element) -> Tree:
    found = period(draft, e)
    return {"valuePeriod": found} if found else _time(draft, e)


def _text(draft: Draft, e: Element) -> Tree:
    words = draft.referred(e) or e.get("value") or e.get("displayName")
    return present(valueString=words)


_VALUES = {
    **dict.fromkeys(("CD", "CE", "CV", "CO", "CS", "PQR"), _concept),
    **dict.fromkeys(("PQ", "REAL", "MO"), _quantity),
    "IVL_PQ": _span,
    "RTO": _ratio,
    "RTO_PQ_PQ": _ratio,
    "INT": _integer,
    "BL": _boolean,
    "TS": _time,
    "IVL_TS": _period,
}


def name(e: Element) -> Tree | None:
    """PN; a Chinese name is one word, and a name without parts is told as it stands."""
    family = [part for one in e.all("family") if (part := one.words().strip())]
    given = [part for one in e.all("given") if (part := one.words().strip())]
    whole = " ".join(e.words().split())
    if not whole or e.get("nullFlavor"):
        return None
    if not family and not given:
        return {"text": whole}
    between = "" if _HAN.search(whole) else " "
    prefix = [part for one in e.all("prefix") if (part := one.words().strip())]
    suffix = [part for one in e.all("suffix") if (part := one.words().strip())]
    text = between.join([*prefix, *given, *family, *suffix] if between else [*family, *given])
    return present(text=text, family=" ".join(family), given=given, prefix=prefix, suffix=suffix)


def address(e: Element) -> Tree | None:
    """AD with the parts of the Chinese schema: state, city, county, township, street and house number."""
    parts = {one.name: one.words().strip() for one in e.children if one.words().strip()}
    if not parts:
        whole = e.words().strip()
        return {"text": whole} if whole and not e.get("nullFlavor") else None
    line = [one.words().strip() for one in e.all("streetAddressLine") if one.words().strip()]
    line = line or ["".join(parts.get(part, "") for part in ("township", "streetName", "houseNumber"))]
    whole = "".join(parts.get(part, "") for part in _WHOLE)
    return present(
        use=codes("address-use", e.get("use").split(" ")[0]),
        text=whole if _HAN.search(whole) else None,
        line=[one for one in line if one],
        city=parts.get("city"),
        district=parts.get("county"),
        state=parts.get("state"),
        postalCode=parts.get("postalCode"),
        country=parts.get("country"),
        extension=[{"url": f"{KEPT}township", "valueString": parts["township"]}] if "township" in parts else None,
    )


_WHOLE = ("state", "city", "county", "township", "streetName", "houseNumber")


def telecom(e: Element) -> Tree | None:
    """TEL."""
    raw = e.get("value")
    if not raw:
        return None
    scheme, colon, rest = raw.partition(":")
    kind = {"tel": "phone", "mailto": "email", "fax": "fax", "http": "url", "https": "url"}.get(scheme.lower())
    kept = raw if kind == "url" or not colon or kind is None else rest
    return present(
        system=kind or ("phone" if not colon else "other"), value=kept, use=codes("telecom-use", e.get("use"))
    )


def absent(reason: str) -> Tree:
    """The extension that stands where an element must be and is not known."""
    return {"extension": [{"url": _ABSENT, "valueCode": reason}]}


def own(sender: str, name: str) -> str:
    """The URI of a code system that only the sender understands."""
    return f"urn:x-minkang:cda:{quote(sender)}:{quote(name or 'local')}"
