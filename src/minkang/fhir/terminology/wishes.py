"""Parameters of terminology operations, from an address (all texts) or a Parameters resource, read alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minkang.fhir.parameters import value_of
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Resource
from minkang.fhir.terminology.composing import Wishes
from minkang.fhir.terminology.editions import languages_of
from minkang.fhir.terminology.expanding import Asked

Parts = Sequence[Mapping[str, Any]]

_TOLD = (
    *("filter", "offset", "count", "displayLanguage", "activeOnly", "includeDesignations", "includeDefinition"),
    *("designation", "excludeNested", "excludeNotForUI", "property"),
    *("system-version", "force-system-version", "check-system-version"),
)
"""What the expansion repeats of what was asked."""


class Given:
    """The parameters of one call."""

    def __init__(self, parts: Parts):
        self._parts = parts

    def all(self, name: str) -> list[Any]:
        found = [part.get("resource", value_of(dict(part))) for part in self._parts if part.get("name") == name]
        return [value for value in found if value is not None]

    def text(self, *names: str) -> str | None:
        """The first of these that is there. Raises Incorrect for one that is no text."""
        for name in names:
            for value in self.all(name):
                if not isinstance(value, str | int):
                    raise Incorrect(f"The parameter {name} is a text.")
                return str(value)
        return None

    def needed(self, *names: str) -> str:
        found = self.text(*names)
        if not found:
            raise Incorrect(f"Send the parameter {' or '.join(names)}.")
        return found

    def is_true(self, name: str, otherwise: bool = False) -> bool:
        for value in self.all(name):
            if value in (True, "true"):
                return True
            if value in (False, "false"):
                return False
            raise Incorrect(f"The parameter {name} is true or false.")
        return otherwise

    def number(self, name: str) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise Incorrect(f"The parameter {name} is a whole number from 0.")
        return int(text)

    def tree(self, name: str) -> dict[str, Any] | None:
        """A resource, Coding or CodeableConcept."""
        for value in self.all(name):
            if not isinstance(value, dict):
                raise Incorrect(f"The parameter {name} is a structure: send it in Parameters by POST.")
            return value
        return None

    def languages(self) -> tuple[str, ...]:
        return languages_of(self.text("displayLanguage"))

    def wishes(self) -> Wishes:
        resources: tuple[Resource, ...] = tuple(one for one in self.all("tx-resource") if isinstance(one, dict))
        return Wishes(
            default=self._versions("system-version"),
            force=self._versions("force-system-version"),
            check=self._versions("check-system-version"),
            value_sets=self._versions("default-valueset-version"),
            supplements=tuple(str(one) for one in self.all("useSupplement")),
            given=resources,
        )

    def _versions(self, name: str) -> dict[str, str]:
        pairs = [str(value).partition("|") for value in self.all(name)]
        return {url: version for url, _, version in pairs if version}

    def asked(self) -> Asked:
        return Asked(
            filter=(self.text("filter") or "").strip()[:200] or None,
            offset=self.number("offset") or 0,
            count=self.number("count"),
            languages=self.languages(),
            active_only=self.is_true("activeOnly"),
            designations=self.is_true("includeDesignations"),
            definition=self.is_true("includeDefinition"),
            designated=tuple(str(one) for one in self.all("designation")),
            properties=tuple(str(one) for one in self.all("property")),
            only_for_users=self.is_true("excludeNotForUI"),
            told=tuple(_told(name, value) for name in _TOLD for value in self.all(name)),
        )


def _told(name: str, value: Any) -> Mapping[str, Any]:
    if name in ("offset", "count"):
        return {"name": name, "valueInteger": int(value)}
    if isinstance(value, bool) or value in ("true", "false"):
        return {"name": name, "valueBoolean": value in (True, "true")}
    kind = "Uri" if name.endswith("-version") else "Code" if name == "displayLanguage" else "String"
    return {"name": name, f"value{kind}": str(value)}
