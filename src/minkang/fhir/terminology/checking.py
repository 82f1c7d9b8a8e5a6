"""`$validate-code` of value sets and code systems.

http://hl7.org/fhir/R4/valueset-operation-validate-code.html, codesystem-operation-validate-code.html; the issues are
coded as HL7's terminology ecosystem does (http://hl7.org/fhir/tools/CodeSystem/tx-issue-type).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minkang.fhir.problem import NotFound
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.asking import Asking
from minkang.fhir.terminology.composing import AbsentVersion, Member, Members, Work, members
from minkang.fhir.terminology.editions import Edition, is_version
from minkang.fhir.terminology.expanding import display_of

ISSUES = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be checked and how strictly."""

    codings: Sequence[Mapping[str, Any]]
    path: str = ""
    """FHIRPath of the codings: `Coding`, `CodeableConcept.coding[n]` or nothing for a plain code."""
    infer: bool = False
    abstract: bool = True
    active_only: bool = False
    lenient: bool = False
    languages: tuple[str, ...] = ()
    membership_only: bool = False


@dataclass(slots=True)
class Verdict:
    """The answer about one coding, or all of them."""

    member: Member | None = None
    is_in: bool = False
    is_wrong: bool = False
    system: str | None = None
    code: str | None = None
    unknown: str | None = None
    version: str | None = None
    part: Edition | None = None
    """The code system that is here in part only and does not have the code."""
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def tell(self, severity: str, code: str, kind: str, text: str, place: str | None = None) -> None:
        issue: dict[str, Any] = {"severity": severity, "code": code}
        issue["details"] = {"coding": [{"system": ISSUES, "code": kind}], "text": text}
        if place:
            issue["expression"] = [place]
        self.issues.append(issue)
        self.is_wrong = self.is_wrong or severity == "error"


def in_value_set(work: Work, resource: Resource, demand: Demand) -> Asking[Resource]:
    """Parameters with the verdict of a value set."""
    for name in work.wishes.supplements:
        yield from work.supplement(name)
    named = f"{resource.get('url')}|{resource.get('version')}" if resource.get("version") else str(resource.get("url"))
    work.is_strict = False
    held: Members = {}
    missing: str | None = None
    for coding in demand.codings:
        if coding.get("system") and coding.get("version"):
            work.preferred[coding["system"]] = str(coding["version"])
    try:
        held = yield from members(work, resource)
    except NotFound as problem:
        missing = problem.text
    verdicts: list[Verdict] = []
    for place, coding in enumerate(demand.codings):
        path = demand.path.replace("[n]", f"[{place}]")
        verdict = yield from _coding(work, held, named, coding, demand, path)
        if not verdict.is_in and verdict.part is not None and _is_whole(resource, verdict.part):
            verdict.is_in = True  # it may well be in the part of the system that is not here
            verdict.issues = [one for one in verdict.issues if one["severity"] == "warning"]
        _check_version(work, verdict, path)
        verdicts.append(verdict)
    if missing is not None and verdicts:
        verdicts[0].tell("warning", "not-found", "vs-invalid", f"Unable to check the value set: {missing}")
    return _answer(verdicts, demand)


def _is_whole(resource: Resource, edition: Edition) -> bool:
    """Whether the value set includes all of a code system and nothing is taken away."""
    compose = resource.get("compose") or {}
    parts = [one for one in compose.get("include") or () if one.get("system") == edition.url]
    return not compose.get("exclude") and any(not one.get("concept") and not one.get("filter") for one in parts)


def _check_version(work: Work, verdict: Verdict, path: str) -> None:
    member = verdict.member
    check = work.wishes.check.get(member.system) if member is not None else None
    if member is not None and check and member.edition is not None and not is_version(member.version, check):
        text = f"Version {member.version} of {member.system} is not allowed: it must be {check}."
        verdict.tell("error", "exception", "version-error", text, _at(path, "version"))


def in_code_system(work: Work, edition: Edition, demand: Demand) -> Resource:
    """Parameters with the verdict of a code system."""
    verdicts = [Verdict(system=edition.url, code=str(coding.get("code"))) for coding in demand.codings]
    for verdict, coding in zip(verdicts, demand.codings, strict=True):
        own = edition.own(str(coding.get("code")))
        if own is None:
            _unknown(verdict, edition, demand.path)
            verdict.is_in = verdict.part is not None
            continue
        verdict.member, verdict.is_in = Member(edition.url, own, edition), True
        _known(verdict, coding, demand, demand.path)
    return _answer(verdicts, demand)


def _coding(
    work: Work, held: Members, named: str, coding: Mapping[str, Any], demand: Demand, path: str
) -> Asking[Verdict]:
    system, code = coding.get("system"), str(coding.get("code") or "")
    verdict = Verdict(system=system, code=code)
    if not system:
        system = _inferred(verdict, held, code, named, demand, path)
        if system is None:
            return verdict
    edition = yield from _edition(work, verdict, system, str(coding.get("version") or ""), path)
    own = edition.own(code) if edition is not None else code
    wanted = str(coding.get("version") or "")
    same = [one for one in held.values() if one.system == system and one.code == (own or code)]
    version = edition.version if edition is not None and wanted else None
    found = [one for one in same if version is None or one.edition is None or one.version == version]
    if wanted and edition is not None and not is_version(edition.version, wanted):
        text = f"The code system {system} is used in version {edition.version}, not {wanted}."
        verdict.tell("error", "invalid", "vs-invalid", text, _at(path, "version"))
    both = edition is not None and any(one.edition is edition for one in held.values())
    if same and not found and not both:
        text = f"The code system {system} is version {same[0].version} in the value set, not {wanted}."
        verdict.tell("error", "invalid", "vs-invalid", text, _at(path, "version"))
        found = same
    verdict.is_in = bool(found)
    verdict.member = _likeliest(found, coding.get("display"))
    if not found:
        text = f"The code {system}#{code} is not in the value set {named}."
        verdict.tell("error", "code-invalid", "not-in-vs", text, _at(path, "code"))
        if own is None and edition is not None:
            _unknown(verdict, edition, path)
        elif own is not None and edition is not None:
            verdict.member = Member(system, own, edition)
    if verdict.member is not None:
        _known(verdict, coding, demand, path)
    return verdict


def _likeliest(found: Sequence[Member], display: Any) -> Member | None:
    """Of several versions the one that has the display; else the last."""
    for one in found:
        if one.edition is not None and one.is_known and display in one.edition.displays(one.code):
            return one
    return found[-1] if found else None


def _edition(work: Work, verdict: Verdict, system: str, version: str, path: str) -> Asking[Edition | None]:
    """The code system of a coding; what stands in the way becomes an issue."""
    try:
        edition = yield from work.edition(system, version)
    except AbsentVersion as problem:
        verdict.unknown = f"{system}|{version}"
        verdict.tell("error", "not-found", "not-found", problem.text, _at(path, "system"))
        return None
    if edition is None:
        verdict.unknown = system
        text = f"The code system {system} is not stored here, so the code cannot be checked."
        verdict.tell("error", "not-found", "not-found", text, _at(path, "system"))
    return edition


def _inferred(verdict: Verdict, held: Members, code: str, named: str, demand: Demand, path: str) -> str | None:
    systems = sorted({one.system for one in held.values() if one.code == code})
    if demand.infer and len(systems) == 1:
        verdict.system = systems[0]
        return systems[0]
    text = f"The code #{code} is not in the value set {named}."
    verdict.tell("error", "code-invalid", "not-in-vs", text, _at(path, "code"))
    if demand.infer:
        text = f"The system of {code} cannot be told from the value set: {', '.join(systems) or 'none'} has it."
        verdict.tell("error", "not-found", "cannot-infer", text, _at(path, "code"))
    else:
        text = "A coding without a system cannot be checked."
        verdict.tell("warning", "invalid", "invalid-data", text, path or None)
    return None


def _unknown(verdict: Verdict, edition: Edition, path: str) -> None:
    is_whole = edition.resource.get("content") == "complete"
    text = f"The code system {edition.url} version {edition.version} has no code {verdict.code!r}."
    if not is_whole:
        text += " It is here in part only."
    verdict.member, verdict.version = None, edition.version
    verdict.part = None if is_whole else edition
    verdict.tell("error" if is_whole else "warning", "code-invalid", "invalid-code", text, _at(path, "code"))


def _known(verdict: Verdict, coding: Mapping[str, Any], demand: Demand, path: str) -> None:
    """What else there is to say about a code that is there: its status, its display."""
    member = verdict.member
    if member is None or member.edition is None or not member.is_known:
        return
    if member.code != coding.get("code"):
        text = f"The code {coding.get('code')!r} differs from {member.code!r} by case."
        verdict.tell("information", "business-rule", "code-rule", text, _at(path, "code"))
    if member.is_abstract and not demand.abstract:
        verdict.is_in = False
        text = f"The code {member.system}#{member.code} is abstract, and not allowed here."
        verdict.tell("error", "business-rule", "code-rule", text, _at(path, "code"))
    if member.is_inactive:
        if demand.active_only:
            verdict.is_in = False
            text = f"The code {member.code} is not active."
            verdict.tell("error", "business-rule", "code-rule", text, _at(path, "code"))
        text = f"The code {member.code!r} is no more in use; its use should be reviewed."
        verdict.tell("warning", "business-rule", "code-comment", text, _at(path, "code"))
    wanted = coding.get("display")
    if wanted and not demand.membership_only:
        _display(verdict, member, member.edition, str(wanted), demand, path)


def _display(verdict: Verdict, member: Member, edition: Edition, wanted: str, demand: Demand, path: str) -> None:
    texts = [*edition.displays(member.code, demand.languages), *([member.display] if member.display else [])]
    texts += [str(one.get("value")) for one in member.designations]
    if any(_folded(wanted) == _folded(text) for text in texts):
        return
    right = display_of(member, demand.languages)
    text = f"Wrong display {wanted[:200]!r} for {member.system}#{member.code}; it is {right!r}."
    verdict.tell("warning" if demand.lenient else "error", "invalid", "invalid-display", text, _at(path, "display"))


def _folded(text: str) -> str:
    return text.casefold()


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _answer(verdicts: list[Verdict], demand: Demand) -> Resource:
    """One answer for all codings: good when one of them is in and none is wrong."""
    issues = [issue for one in verdicts for issue in one.issues]
    if any(one.is_in for one in verdicts):  # of several codings one in the value set suffices
        for issue in issues:
            if issue["details"]["coding"][0]["code"] == "not-in-vs":
                issue["severity"] = "information"
                issue["details"]["coding"][0]["code"] = "this-code-not-in-vs"
    errors = [issue for issue in issues if issue["severity"] == "error"]
    good = any(one.is_in for one in verdicts) and not errors
    chosen = next((one for one in verdicts if one.is_in), next((one for one in verdicts if one.member), verdicts[0]))
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": good}]
    member, system, code = chosen.member, chosen.system, chosen.code
    if "CodeableConcept" in demand.path and not chosen.is_in:
        member, system, code, chosen.version = None, None, None, None  # none of its codings answers for it
    for name, kind, value in (
        ("code", "Code", code),
        ("system", "Uri", system),
        ("version", "String", member.version if member else chosen.version),
        ("display", "String", display_of(member, demand.languages) if member and member.edition else None),
        ("x-unknown-system", "Canonical", next((one.unknown for one in verdicts if one.unknown), None)),
        ("message", "String", "; ".join(issue["details"]["text"] for issue in errors) or None),
    ):
        if value:
            parts.append({"name": name, f"value{kind}": value})
    if member is not None and member.is_inactive:
        parts.append({"name": "inactive", "valueBoolean": True})
    if member is not None and member.code != chosen.code:
        parts.append({"name": "normalized-code", "valueCode": member.code})
    if issues:
        parts.append({"name": "issues", "resource": {"resourceType": "OperationOutcome", "issue": issues}})
    return {"resourceType": "Parameters", "parameter": parts}
