"""What is said to a sender's IT person: sentences in data files, one a door, filled in with place and value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from minkang.platform.intake.reading import Finding

SEVERITIES = ("error", "warning", "information")

LONGEST = 200
"""Characters of a value that are quoted."""


class Rule(NamedTuple):
    """One sentence, and what to do. Texts may hold {place}, {value} and {expected}."""

    severity: str
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""
    clause: str = ""


class Told(NamedTuple):
    """A finding in words."""

    rule: str
    severity: str
    place: str
    value: str
    expected: str
    zh: str
    en: str
    do_zh: str
    do_en: str
    clause: str

    def json(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if value}


@cache
def rules_of(*packages: str) -> Mapping[str, Rule]:
    """The rules in the `findings.toml` of a door's package, intake's own beside them. Raises ValueError for a file that
    is wrong."""
    found: dict[str, Rule] = {}
    for one in (__package__ or "", *packages):
        file = resources.files(one).joinpath("findings.toml")
        for name, fields in tomllib.loads(file.read_text()).items():
            rule = Rule(**{key: text for key, text in fields.items() if key in Rule._fields})  # a door may add its own
            if rule.severity not in SEVERITIES:
                raise ValueError(f"{one}: {name} has the severity {rule.severity!r}")
            found[name] = rule
    return found


def told(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[Told, ...]:
    """In words, the worst first."""
    found = [_told(one, rules) for one in findings]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _told(one: Finding, rules: Mapping[str, Rule]) -> Told:
    rule = rules.get(one.rule)
    if rule is None:  # better said badly than not at all
        rule = Rule("warning", f"{one.rule}: {{value}}", f"{one.rule}: {{value}}")
    quoted = Finding(one.rule, *(text[:LONGEST] for text in one[1:]))
    words = [_filled(text, quoted) for text in (rule.zh, rule.en, rule.do_zh, rule.do_en)]
    return Told(
        one.rule,
        rule.severity,
        quoted.place,
        quoted.value,
        quoted.expected,
        words[0],
        words[1],
        words[2],
        words[3],
        rule.clause,
    )


def _filled(text: str, one: Finding) -> str:
    """By replacing, not by `format`: a value may hold braces."""
    for name in ("place", "value", "expected"):
        text = text.replace(f"{{{name}}}", f"\x00{name}\x00")
    for name in ("place", "value", "expected"):
        text = text.replace(f"\x00{name}\x00", getattr(one, name))
    return text
