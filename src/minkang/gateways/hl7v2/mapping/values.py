"""OBX-5 by its type in OBX-2 to `value[x]` (HL7 v2.5.1 7.4.2.5)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from minkang.fhir import hl7_times as times
from minkang.fhir.resource import Exact
from minkang.gateways.hl7v2.mapping.draft import Draft, Element, present
from minkang.gateways.hl7v2.mapping.tables import code
from minkang.gateways.hl7v2.wire import Segment

_NUMBER = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([+-]?)(\d{1,18}(?:\.\d{1,18})?)\Z", re.ASCII)
_SIGNS = {"≤": "<=", "≥": ">="}
_TEXTS = {"ST", "TX", "FT", ""}


def value_of(draft: Draft, obx: Segment) -> Element:
    """`{"valueQuantity": ...}` and so on; `{"attachment": ...}` for ED; empty without a value. Nothing that stands
    there is lost: what does not fit its type is kept as text, with a finding."""
    if not obx.repeats(5):
        return {}
    kind = obx.text(2)
    read = _READERS.get(kind)
    found = read(draft, obx) if read else None
    if found:
        return found
    if read is None and kind not in _TEXTS:
        draft.fault("unknown-type", obx, 2, kind, "NM ST TX CE CWE SN TS DT TM ED")
    return {"valueString": "\n".join(obx.whole(one) for one in obx.repeats(5))}


def unit(draft: Draft, obx: Segment) -> Element:
    """OBX-6: code and system only when the sender says whose code it is."""
    value, words, name = (obx.text(6, part) for part in (1, 2, 3))
    uri = code("code-system", name) or (name if name.startswith(("http://", "https://", "urn:")) else None)
    return present(unit=words or value, system=uri, code=value if uri else None)


def quantity(text: str, units: Element, sign: str = "") -> Element | None:
    """Digits stay as they were written."""
    found = _NUMBER.match(text.strip())
    if not found:
        return None
    sign = sign or found[1] or ""
    digits = re.sub(r"^0+(?=\d)", "", found[3])
    value = Exact(("-" if found[2] == "-" else "") + digits)
    return present(comparator=_SIGNS.get(sign, sign), **units) | {"value": value}


def _number(draft: Draft, obx: Segment) -> Element | None:
    repeats = obx.repeats(5)
    found = quantity(obx.whole(repeats[0]), unit(draft, obx)) if len(repeats) == 1 else None
    if found is None:
        draft.fault("bad-number", obx, 5, obx.field(5), "NM")
    return {"valueQuantity": found} if found else None


def _structured(draft: Draft, obx: Segment) -> Element | None:
    """SN: `>^100`, `^100^-^200`, `^1^:^128`."""
    sign, first, between, second = (obx.text(5, part) for part in (1, 2, 3, 4))
    units = unit(draft, obx)
    low = quantity(first, units, sign if sign in ("<", ">", "<=", ">=") else "")
    high = quantity(second, units) if second else None
    if low is None or (second and high is None):
        draft.fault("bad-number", obx, 5, obx.field(5), "SN")
        return None
    if high is None:
        return None if between else {"valueQuantity": low}
    if between in (":", "/"):
        return {"valueRatio": {"numerator": low, "denominator": high}}
    return {"valueRange": {"low": low, "high": high}} if between == "-" and "comparator" not in low else None


def _coded(draft: Draft, obx: Segment) -> Element | None:
    """Several codes of one result are one concept in as many codings."""
    concepts = [found for one in obx.repeats(5) if (found := draft.concept(obx, 5, one))]
    codings = [coding for concept in concepts for coding in concept.get("coding", [])]
    words = "\n".join(concept["text"] for concept in concepts if "text" in concept)
    made = present(coding=codings, text=words)
    return {"valueCodeableConcept": made} if made else None


def _moment(draft: Draft, obx: Segment) -> Element | None:
    found = draft.time(obx, 5)
    return {"valueDateTime": found} if found else None


def _clock(draft: Draft, obx: Segment) -> Element | None:
    found = times.clock(obx.text(5))
    if found is None:
        draft.fault("bad-time", obx, 5, obx.text(5), "HHMMSS")
    return {"valueTime": found} if found else None


def _document(draft: Draft, obx: Segment) -> Element | None:
    """ED: source, type, subtype, encoding (table 0299), data."""
    kind, subtype, encoding, data = (obx.text(5, part) for part in (2, 3, 4, 5))
    if not data:
        return None
    if encoding.upper() == "BASE64":
        data = "".join(data.split())
        try:
            base64.b64decode(data, validate=True)
        except ValueError:
            draft.fault("bad-number", obx, 5, data[:40], "Base64")
            return None
    else:
        data = base64.b64encode(data.encode()).decode()
    kind = {"TEXT": "text", "IM": "image", "AP": "application", "": "application"}.get(kind.upper(), kind.lower())
    what = draft.concept(obx, 3) or {}
    return {"attachment": present(contentType=f"{kind}/{subtype.lower() or 'pdf'}", data=data, title=what.get("text"))}


_READERS: dict[str, Callable[[Draft, Segment], Element | None]] = {
    "NM": _number,
    "SN": _structured,
    "CE": _coded,
    "CWE": _coded,
    "CNE": _coded,
    "TS": _moment,
    "DTM": _moment,
    "DT": _moment,
    "TM": _clock,
    "ED": _document,
}
