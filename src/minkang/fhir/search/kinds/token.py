"""Kind `token`: codes and identifiers (http://hl7.org/fhir/R4/search.html#token).

Compared exactly, case included. `:not` and `:not-in` belong to the whole clause (no value matches) and are applied in
`match.py`. `:in`, `:not-in`, `:above` and `:below` name what must be looked up first (`search/resolving.py`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from minkang.fhir.names import fold
from minkang.fhir.problem import Fault, Incorrect
from minkang.fhir.search.escapes import split, unescape
from minkang.fhir.search.extraction import Elements
from minkang.fhir.search.parameters import SearchParameter
from minkang.fhir.terminology.codesets import CodeSet

MODIFIERS = frozenset({"missing", "not", "text", "of-type", "in", "not-in", "above", "below"})
NOT_YET = frozenset[str]()
LOOKED_UP = frozenset({"in", "not-in", "above", "below"})
CODED = frozenset({"Coding", "CodeableConcept", "code"})
"""Types of elements whose values come from code systems."""
NO_SYSTEM = ""
"""`|code`: the value must have no system. (None: any system will do.)"""
BOOLEAN_SYSTEM = "http://terminology.hl7.org/CodeSystem/special-values"


class Value(NamedTuple):
    """One code: `text` is what `:text` looks at (display, CodeableConcept.text, Identifier.type.text).

    `kinds`: system and code of each coding in an Identifier's type, for `:of-type`.
    """

    system: str | None
    code: str | None
    text: str | None = None
    kinds: tuple[tuple[str | None, str | None], ...] = ()


class Wanted(NamedTuple):
    """`system`: None any, "" none. `code` None: any code of the system. `bare`: the system is one that elements of
    type `code` imply, so a value without system matches too. For `:text` only `text` (folded) is set. `kind`: system
    and code of the type that an identifier must have (`:of-type`). `named`: the value set, or `system|code`, that is
    to be looked up; `codes`: what it was found to mean, where an element without a system may be of those `implied`."""

    system: str | None
    code: str | None
    bare: bool = False
    text: str | None = None
    kind: tuple[str, str] | None = None
    named: str | None = None
    codes: CodeSet | None = None
    implied: tuple[str, ...] = ()


def parse(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    if modifier == "text":
        return Wanted(None, None, text=beginning(text, parameter))
    if modifier == "of-type":
        return _of_type(text, parameter)
    if modifier in LOOKED_UP:
        return _looked_up(text, modifier, parameter)
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2:
        raise Incorrect(f"{parameter.code!r} takes [system]|[code]; write a | inside a code as \\|.")
    code = parts[-1]
    system = parts[0] if len(parts) == 2 else None
    if not code and not system:
        raise Incorrect(f"{parameter.code!r} takes [system]|[code]: both are empty.")
    if parameter.types == ("ContactPoint",):
        code = contact(code)
    bare = bool(system) and (system in parameter.systems or ("boolean" in parameter.types and system == BOOLEAN_SYSTEM))
    return Wanted(system, code or None, bare)


def beginning(text: str, parameter: SearchParameter) -> str:
    """What `:text` looks for, folded. Raises Incorrect for nothing but white space."""
    folded = fold(unescape(text))
    if not folded:
        raise Incorrect(f"{parameter.code}:text takes a text, got only white space.")
    return folded


def _of_type(text: str, parameter: SearchParameter) -> Wanted:
    """http://hl7.org/fhir/R4/search.html#token: the type's system, its code and the identifier's value, all three."""
    if "Identifier" not in parameter.types:
        raise Incorrect(f"{parameter.code!r} does not look at identifiers; :of-type is for those only.")
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise Incorrect(f"{parameter.code}:of-type takes [type's system]|[type's code]|[value], none of them empty.")
    return Wanted(None, parts[2], kind=(parts[0], parts[1]))


def _looked_up(text: str, modifier: str | None, parameter: SearchParameter) -> Wanted:
    """`url`, `url|version` or `ValueSet/id` for `:in`; `system|code` for `:below`."""
    if CODED.isdisjoint(parameter.types):
        raise Incorrect(f"{parameter.code}:{modifier}: only codes are in value sets and code systems.")
    name = unescape(text)
    if modifier in ("above", "below") and "|" not in name and len(parameter.systems) == 1:
        name = f"{parameter.systems[0]}|{name}"
    system, bar, code = name.rpartition("|")
    if modifier in ("above", "below") and not (system and bar and code):
        raise Incorrect(f"{parameter.code}:{modifier} takes system|code, not {name[:64]!r}.")
    if ":" not in name and not name.startswith("ValueSet/"):
        raise Incorrect(f"{parameter.code}:{modifier} takes a value set's url or ValueSet/id, not {name[:64]!r}.")
    return Wanted(None, None, named=name, implied=parameter.systems)


def values(elements: Elements) -> list[Value]:
    found: list[Value] = []
    for kind, value in elements:
        reader = _READERS.get(kind)
        if reader is not None:
            found += reader(value)
    return found


def matches(value: Value, wanted: Wanted, modifier: str | None) -> bool:
    if wanted.codes is not None or wanted.named is not None:
        return value.code is not None and _is_among(value.system, value.code, wanted)
    if wanted.text is not None:
        return value.text is not None and fold(value.text).startswith(wanted.text)
    if wanted.code is not None and value.code != wanted.code:
        return False
    if wanted.kind is not None:
        return wanted.kind in value.kinds
    if wanted.system is None:
        return True
    if wanted.system == NO_SYSTEM:
        return value.system is None and value.code is not None
    return value.system == wanted.system or (wanted.bare and value.system is None and value.code is not None)


def _is_among(system: str | None, code: str, wanted: Wanted) -> bool:
    codes = wanted.codes
    if codes is None:
        raise Fault(f"Nobody has looked up what {wanted.named} holds.")  # would find everything
    return (system, code) in codes if system is not None else any((one, code) in codes for one in wanted.implied)


def sort_key(values: list[Value], descending: bool) -> str | None:
    codes = [value.code or value.text or "" for value in values]
    return (max(codes) if descending else min(codes)) if codes else None


_LINE_NOISE = re.compile(r"[\s()\-./]+")


def contact(text: str) -> str:
    """A phone number or address without the separators people put in, lower case ((03) 5555-6473 is 0355556473).

    Separators go only from numbers, so that mail addresses and urls keep their dots.
    """
    bare = _LINE_NOISE.sub("", text)
    return bare if bare.lstrip("+").isdigit() else text.strip().lower()


def _coding(coding: dict[str, Any]) -> list[Value]:
    system, code, display = coding.get("system"), coding.get("code"), coding.get("display")
    return [Value(system, code, display)] if system or code or display else []


def _concept(concept: dict[str, Any]) -> list[Value]:
    found: list[Value] = []
    for coding in concept.get("coding") or ():
        found += _coding(coding)
    text = concept.get("text")
    if text:
        found.append(Value(None, None, text))
    return found


def _identifier(identifier: dict[str, Any]) -> list[Value]:
    system, value, type_ = identifier.get("system"), identifier.get("value"), identifier.get("type")
    if not system and not value:
        return []
    if not type_:
        return [Value(system, value)]
    kinds = tuple((coding.get("system"), coding.get("code")) for coding in type_.get("coding") or ())
    return [Value(system, value, type_.get("text"), kinds)]


def _contact(point: dict[str, Any]) -> list[Value]:
    value = point.get("value")
    return [Value(point.get("system"), contact(value))] if value else []


def _code(code: str) -> list[Value]:
    return [Value(None, code)]


_READERS = {
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Identifier": _identifier,
    "ContactPoint": _contact,
    "boolean": lambda value: [Value(None, "true" if value else "false")],
    **dict.fromkeys(("code", "string", "id", "uri", "canonical", "url", "oid", "uuid", "markdown"), _code),
}
