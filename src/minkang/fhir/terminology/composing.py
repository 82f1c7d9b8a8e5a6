"""The members of a value set in order, with displays, as `$expand` and `$validate-code` need them.

`valuesets.py` answers the same question for searches, which want sets of codes and nothing else.
http://hl7.org/fhir/R4/valueset.html#compositions. Bounded in members and in resources that it may ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minkang.fhir.problem import Incorrect, NotFound, TooCostly, Unprocessable
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.asking import Asking, Need, is_needed
from minkang.fhir.terminology.editions import Edition, is_version
from minkang.fhir.terminology.filters import filtered
from minkang.fhir.terminology.valuesets import MOST_NEEDS, newest

MOST_MEMBERS = 100_000
"""Members of one value set in hand at once."""

_SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Versions by canonical url that the caller chose: `force` always, `default` else, `check` must be."""

    default: Mapping[str, str] = field(default_factory=dict[str, str])
    force: Mapping[str, str] = field(default_factory=dict[str, str])
    check: Mapping[str, str] = field(default_factory=dict[str, str])
    value_sets: Mapping[str, str] = field(default_factory=dict[str, str])
    supplements: tuple[str, ...] = ()
    given: tuple[Resource, ...] = ()


class AbsentVersion(NotFound):
    """There is no such version of the code system here."""


class OtherVersion(Unprocessable):
    """The version is not the one that the caller insists on."""

    code = "exception"


@dataclass(frozen=True, slots=True)
class Member:
    """One code of a value set; `edition` is None where its code system is not here."""

    system: str
    code: str
    edition: Edition | None
    display: str | None = None
    designations: tuple[Mapping[str, Any], ...] = ()

    @property
    def version(self) -> str | None:
        return self.edition.version if self.edition is not None else None

    @property
    def key(self) -> tuple[str, str | None, str]:
        return self.system, self.version, self.code

    @property
    def is_known(self) -> bool:
        return self.edition is not None and self.code in self.edition.concepts.by_code

    @property
    def is_inactive(self) -> bool:
        return self.edition is not None and self.is_known and self.edition.is_inactive(self.code)

    @property
    def is_abstract(self) -> bool:
        return self.edition is not None and self.is_known and self.edition.is_abstract(self.code)


Members = dict[tuple[str, str | None, str], Member]


@dataclass(slots=True)
class Work:
    """One operation under way: wishes, what was asked (nothing is twice), what was used."""

    wishes: Wishes = field(default_factory=Wishes)
    used: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])
    answered: dict[Need, list[Resource]] = field(default_factory=dict[Need, list[Resource]])
    editions: dict[tuple[str, str], Edition | None] = field(default_factory=dict[tuple[str, str], Edition | None])
    inside: list[str] = field(default_factory=list[str])
    supplements: list[Resource] = field(default_factory=list[Resource])
    contained: list[Resource] = field(default_factory=list[Resource])
    preferred: dict[str, str] = field(default_factory=dict[str, str])
    """Versions to take where a value set leaves a choice (`1.x`): those of the codings that are checked."""
    is_strict: bool = True
    """Whether another version than the one that must be ends the work; a validation tells of it instead."""

    def ask(self, need: Need) -> Asking[list[Resource]]:
        if need not in self.answered:
            if len(self.answered) == MOST_NEEDS:
                raise TooCostly(f"The value set is made of more than {MOST_NEEDS} others and code systems.")
            given = [one for one in self.wishes.given if is_needed(need, one)]
            self.answered[need] = given or list((yield need))
        return self.answered[need]

    def supplement(self, name: str) -> Asking[None]:
        """Take a supplement in. Raises Unprocessable for one that is not here."""
        url, _, version = name.partition("|")
        found = yield from self.ask(Need("CodeSystem", url=url))
        resource = newest([one for one in found if one.get("content") == "supplement"], version)
        if resource is None:
            raise Unprocessable(f"The supplement {name[:200]} is not stored here.")
        if resource not in self.supplements:
            self.supplements.append(resource)
            self.editions.clear()

    def edition(self, system: str, version: str = "") -> Asking[Edition | None]:
        """The code system to be used; None where none is here. Raises AbsentVersion, OtherVersion."""
        wanted = self.wishes.force.get(system) or version or self.wishes.default.get(system, "")
        wanted = wanted or self.wishes.check.get(system, "")
        if (system, wanted) not in self.editions:
            self.editions[system, wanted] = yield from self._edition(system, wanted)
        edition = self.editions[system, wanted]
        check = self.wishes.check.get(system)
        if self.is_strict and edition is not None and check and not is_version(edition.version, check):
            raise OtherVersion(f"{system[:200]} is used in version {edition.version}, not {check[:64]}.")
        if edition is not None:
            self.note("used-codesystem", edition.resource)
        return edition

    def _edition(self, system: str, wanted: str) -> Asking[Edition | None]:
        found = yield from self.ask(Need("CodeSystem", url=system))
        here = [one for one in found if one.get("content") in ("complete", "fragment", "example")]
        meant = [one for one in here if not wanted or is_version(one.get("version"), wanted)]
        if here and not meant:
            have = ", ".join(sorted(str(one.get("version")) for one in here)[:20])
            raise AbsentVersion(f"{system[:200]} is not stored here in version {wanted[:64]}; there is {have}.")
        liked = self.preferred.get(system)
        if liked and wanted[-1:] in ("x", "*"):
            meant = [one for one in meant if one.get("version") == liked] or meant
        resource = newest(meant, "")
        if resource is None:
            return None
        mine = [one for one in self.supplements if str(one.get("supplements", "")).partition("|")[0] == system]
        return Edition(resource, mine)

    def note(self, kind: str, resource: Resource) -> None:
        version = resource.get("version")
        self.used[kind, f"{resource.get('url')}|{version}" if version else str(resource.get("url"))] = None


def value_set(work: Work, name: str, version: str = "") -> Asking[Resource]:
    """The ValueSet of this canonical. Raises NotFound."""
    if name.startswith("#"):
        found = [one for one in work.contained if one.get("id") == name[1:] and one.get("resourceType") == "ValueSet"]
        if not found:
            raise NotFound(f"The value set contains none with the id {name[1:65]}.")
        return found[0]
    url, _, own = name.partition("|")
    wanted = own or version or work.wishes.value_sets.get(url, "")
    found = yield from work.ask(Need("ValueSet", url=url))
    resource = newest([one for one in found if not wanted or is_version(one.get("version"), wanted)], "")
    if resource is None:
        raise NotFound(f"The ValueSet {name[:200]}{'|' + wanted if wanted and not own else ''} is not stored here.")
    return resource


def members(work: Work, resource: Resource) -> Asking[Members]:
    """All members in order. Raises NotFound for code systems and value sets that are not here."""
    for extension in resource.get("extension") or ():
        if extension.get("url") == _SUPPLEMENT:
            yield from work.supplement(str(extension.get("valueCanonical")))
    work.contained += resource.get("contained") or ()
    name = f"{resource.get('url') or resource.get('id')}|{resource.get('version')}"
    if name in work.inside:
        raise Unprocessable(f"The value set {name[:200]} includes itself.")
    work.inside.append(name)
    found: Members = {}
    compose = resource.get("compose")
    if compose is None:
        found = _listed(resource)
    for part in (compose or {}).get("include") or ():
        found |= {key: one for key, one in (yield from _part(work, part)).items() if key not in found}
        if len(found) > MOST_MEMBERS:
            raise TooCostly(f"The value set {name[:200]} has more than {MOST_MEMBERS} members.")
    for part in (compose or {}).get("exclude") or ():
        gone = yield from _part(work, part)
        if part.get("version"):
            found = {key: one for key, one in found.items() if key not in gone}
        else:  # no version is meant, so none of them stays
            pairs = {(system, code) for system, _, code in gone}
            found = {key: one for key, one in found.items() if (one.system, one.code) not in pairs}
    if (compose or {}).get("inactive") is False:
        found = {key: one for key, one in found.items() if not one.is_inactive}
    work.inside.pop()
    return found


def _part(work: Work, part: Mapping[str, Any]) -> Asking[Members]:
    """One include or exclude: what meets all it says."""
    found: Members | None = None
    if part.get("system"):
        found = yield from _of_system(work, part)
    for name in part.get("valueSet") or ():
        other = yield from value_set(work, name)
        theirs = yield from members(work, other)
        work.note("used-valueset", other)
        pairs = {(one.system, one.code) for one in theirs.values()}
        found = theirs if found is None else {k: one for k, one in found.items() if (one.system, one.code) in pairs}
    if found is None:
        raise Unprocessable("Every include and exclude of a value set has a system or a valueSet.")
    return found


def _of_system(work: Work, part: Mapping[str, Any]) -> Asking[Members]:
    system: str = part["system"]
    edition = yield from work.edition(system, str(part.get("version") or ""))
    if part.get("concept"):
        return {one.key: one for one in _enumerated(system, edition, part["concept"])}
    if edition is None:
        raise NotFound(f"The code system {system[:200]} is not stored here with its concepts.")
    codes = list(edition.concepts.by_code)
    for filter in part.get("filter") or ():
        if not filter.get("value"):
            raise Unprocessable(f"A filter of {system[:200]} has no value.")
        renamed = {**filter, "property": edition.property_code(str(filter.get("property")))}
        held = filtered(edition.concepts, renamed)
        codes = [code for code in codes if code in held]
    return {one.key: one for one in (Member(system, code, edition) for code in codes)}


def _enumerated(system: str, edition: Edition | None, concepts: Sequence[Mapping[str, Any]]) -> Iterator[Member]:
    for concept in concepts:
        code = str(concept.get("code") or "")
        own = edition.own(code) if edition is not None else code
        if own is not None and code:
            yield Member(system, own, edition, concept.get("display"), tuple(concept.get("designation") or ()))


def _listed(resource: Resource) -> Members:
    """The stored expansion of a value set without a definition."""
    waiting = list(reversed((resource.get("expansion") or {}).get("contains") or ()))
    if not waiting:
        raise Incorrect(f"The value set {resource.get('url')} has neither a compose nor an expansion.")
    found: Members = {}
    while waiting:
        one = waiting.pop()
        if one.get("system") and one.get("code") and not one.get("abstract"):
            member = Member(one["system"], one["code"], None, one.get("display"), tuple(one.get("designation") or ()))
            found.setdefault(member.key, member)
        waiting += reversed(one.get("contains") or ())
    return found
