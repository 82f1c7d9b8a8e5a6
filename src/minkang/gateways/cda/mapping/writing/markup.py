"""XML as text, escaped where it must be; HL7 v3 datatypes from FHIR's. The inverse of `mapping/datatypes.py`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from minkang.fhir.resource import Exact
from minkang.gateways.cda.mapping.draft import KEPT, Tree
from minkang.gateways.cda.mapping.tables import systems, units

_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
HOME = "+08:00"
"""The zone in which documents write their times without saying so."""


def escaped(words: str) -> str:
    words = _FORBIDDEN.sub("", words)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tag(name: str, *inside: str, **attributes: Any) -> str:
    """An element; attributes that are empty are left out, `class_` is `class`."""
    told = "".join(
        f' {key.rstrip("_")}="{_quoted(str(value))}"' for key, value in attributes.items() if value not in (None, "")
    )
    content = "".join(inside)
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def _quoted(words: str) -> str:
    return escaped(words).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def words(name: str, content: str, **attributes: Any) -> str:
    """An element with text; nothing for no text."""
    return tag(name, escaped(content), **attributes) if content else ""


@cache
def _oids() -> dict[str, str]:
    """URI to OID; of several the first in the table."""
    found: dict[str, str] = {}
    for oid, uri in systems().items():
        found.setdefault(uri, oid)
    return found


def oid(uri: str) -> str:
    """Empty for a URI that has none."""
    if uri.startswith("urn:oid:"):
        return uri.removeprefix("urn:oid:").partition("#")[0]
    return _oids().get(uri, "")


def code(name: str, coding: Tree, *inside: str, **attributes: Any) -> str:
    system = coding.get("system", "")
    known = oid(system)
    return tag(
        name,
        *inside,
        code=coding.get("code"),
        codeSystem=known,
        codeSystemName=system if system and not known else None,
        displayName=coding.get("display"),
        **attributes,
    )


def concept(name: str, found: Tree | None, **attributes: Any) -> str:
    """CD: the first coding, the others as translations, words of their own as original text."""
    if not found:
        return ""
    codings = found.get("coding", [])
    text = found.get("text", "")
    shown = {one.get("display") for one in codings}
    inside = [words("originalText", text)] if text and text not in shown and codings else []
    inside += [code("translation", one) for one in codings[1:]]
    if not codings:
        return tag(name, displayName=text, **attributes)
    return code(name, codings[0], *inside, **attributes)


def moment(told: str | None) -> str:
    """A FHIR dateTime as YYYYMMDDhhmmss."""
    if not told:
        return ""
    zone = _ZONE.search(told)
    kept = zone[0] if zone else ""
    plain = told.removesuffix(kept) if kept else told
    digits = re.sub(r"[-:T]", "", plain)
    offset = "" if kept in ("", HOME) else "+0000" if kept == "Z" else kept.replace(":", "")
    return digits + (offset if "T" in told else "")


def time(name: str, told: str | None) -> str:
    return tag(name, value=moment(told)) if told else ""


def interval(name: str, period: Tree | None) -> str:
    if not period:
        return ""
    return tag(name, time("low", period.get("start")), time("high", period.get("end")))


def when(tree: Tree, name: str, *choices: str) -> str:
    """`effectiveTime` from the first of these elements that is there."""
    for one in choices:
        found = tree.get(one)
        if isinstance(found, str):
            return time(name, found)
        if found:
            return interval(name, found)
    return ""


def digits(number: Any) -> str:
    return number.text if isinstance(number, Exact) else str(number)


@cache
def _written_units() -> dict[str, str]:
    """UCUM to how Chinese documents write it, where one has no unit in words."""
    found: dict[str, str] = {}
    for shown, ucum in units().items():
        found.setdefault(ucum, shown)
    return found


def quantity(name: str, found: Tree | None, **attributes: Any) -> str:
    if not found or "value" not in found:
        return ""
    unit = found.get("unit") or _written_units().get(found.get("code", ""), found.get("code", ""))
    if found.get("system") == "urn:iso:std:iso:4217":
        return tag(name, value=digits(found["value"]), currency=unit, **attributes)
    return tag(name, value=digits(found["value"]), unit=unit, **attributes)


def value(tree: Tree) -> str:
    """`<value xsi:type=...>` of an Observation, a component or an extension."""
    for key, write in _VALUES.items():
        if key in tree:
            return write(tree[key])
    return tag("value", nullFlavor="UNK", **{"xsi:type": "ST"}) if "dataAbsentReason" in tree else ""


def _typed(type: str, **attributes: Any) -> str:
    return tag("value", **{"xsi:type": type}, **attributes)


def _quantity(found: Tree) -> str:
    money = found.get("system") == "urn:iso:std:iso:4217"
    return quantity("value", found, **{"xsi:type": "MO" if money else "PQ" if len(found) > 1 else "REAL"})


def _range(found: Tree) -> str:
    inside = quantity("low", found.get("low")), quantity("high", found.get("high"))
    return tag("value", *inside, **{"xsi:type": "IVL_PQ"})


def _ratio(found: Tree) -> str:
    inside = quantity("numerator", found.get("numerator")), quantity("denominator", found.get("denominator"))
    return tag("value", *inside, **{"xsi:type": "RTO_PQ_PQ"})


_VALUES = {
    "valueCodeableConcept": lambda found: concept("value", found, **{"xsi:type": "CD"}),
    "valueString": lambda found: words("value", found, **{"xsi:type": "ST"}),
    "valueQuantity": _quantity,
    "valueBoolean": lambda found: _typed("BL", value=str(found).lower()),
    "valueInteger": lambda found: _typed("INT", value=found),
    "valueDateTime": lambda found: _typed("TS", value=moment(found)),
    "valuePeriod": lambda found: tag(
        "value", time("low", found.get("start")), time("high", found.get("end")), **{"xsi:type": "IVL_TS"}
    ),
    "valueRange": _range,
    "valueRatio": _ratio,
}


def identifier(name: str, found: Tree | None) -> str:
    """II."""
    if not found or not found.get("value"):
        return ""
    system = found.get("system", "")
    if system == "urn:ietf:rfc:3986":
        return tag(name, root=found["value"].removeprefix("urn:oid:").removeprefix("urn:uuid:"))
    root = oid(system) or system.removeprefix("urn:uuid:")
    return tag(name, root=root, extension=found["value"])


def kept(tree: Tree, name: str) -> list[Any]:
    """What the extensions `cda-name` of a resource hold."""
    url = KEPT + name
    own = (one for one in tree.get("extension", ()) if one["url"] == url)
    return [held for one in own for key, held in one.items() if key != "url"]


def kept_value(tree: Tree, name: str) -> Tree:
    """The first of them as `{"value...": ...}`."""
    url = KEPT + name
    found = next((one for one in tree.get("extension", ()) if one["url"] == url), {})
    return {key: held for key, held in found.items() if key != "url"}
