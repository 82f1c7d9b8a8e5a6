"""A row while it is being understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from minkang.fhir.resource import Resource
from minkang.gateways.frontdb.mapping import values as reading
from minkang.gateways.frontdb.mapping.paths import put
from minkang.gateways.frontdb.wire import Column, Shape, Table, sets
from minkang.platform.intake.reading import Finding, id_of

NAMESPACE = "urn:x-minkang:frontdb:"
UCUM = "http://unitsofmeasure.org"


class Draft:
    """`values`: column to text, as `unpacked` gives them; `zone`: offset of times that name none."""

    def __init__(self, table: Table, values: Mapping[str, str], sender: str, zone: str) -> None:
        self.table, self.values, self.sender, self.zone = table, values, sender, zone
        self.resources: dict[str, Resource] = {}
        self.findings: list[Finding] = []
        self._key = tuple(values.get(one, "") for one in table.keys)
        self.patient = f"Patient/{self._id('Patient', self._named('patient_id'))}"
        visit = values.get("visit_no")
        self.visit = f"Encounter/{self._id('Encounter', 'visit', self._named('visit_no'))}" if visit else ""

    def checked(self) -> bool:
        """Whether everything stands there that must; what is too long is told."""
        for column in self.table.columns:
            value = self.values.get(column.name, "")
            if column.need and not value:
                self._fault("row-missing", column, "")
            if column.kind in ("text", "code") and len(value) > column.size[0]:
                self._fault("row-too-long", column, value, str(column.size[0]))
        return not any(one.rule == "row-missing" for one in self.findings)

    def person(self) -> None:
        """What the row says of its patient."""
        tree: Resource = {"resourceType": "Patient", "id": self.patient.partition("/")[2]}
        self._fill(tree, "patient")
        for one in tree.get("telecom", ()):
            one["system"] = "phone"
        self.resources[self.patient] = tree

    def resource(self, shape: Shape, without: Sequence[str] = ()) -> str:
        """`Type/id`; "" when none of the columns that it needs holds anything."""
        if shape.need and not any(self.values.get(one) for one in shape.need):
            return ""
        name = self._name(shape)
        tree: Resource = {"resourceType": shape.type, "id": name.partition("/")[2]}
        for path, value in shape.fixed.items():
            put(tree, path, value)
        self._fill(tree, shape.alias, without)
        if shape.subject:
            put(tree, shape.subject, {"reference": self.patient})
        if shape.visit and self.visit:
            put(tree, shape.visit, {"reference": self.visit})
        self.resources[name] = reading.whole(tree)
        return name

    def observations(self) -> None:
        """A column with a LOINC code is an Observation of its own."""
        for column in self.table.columns:
            if column.observe and (value := self.values.get(column.name)):
                number = reading.number(value)
                if number is None:
                    self._fault("row-bad-number", column, value)
                    continue
                name = self._observation(column)
                when = self._when()
                self.resources[name] = {
                    "resourceType": "Observation",
                    "id": name.partition("/")[2],
                    "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": column.observe}], "text": column.zh},
                    "subject": {"reference": self.patient},
                    **({"effectiveDateTime": when} if when else {}),
                    "valueQuantity": {"value": number, "unit": column.unit, "system": UCUM, "code": column.unit},
                }

    def linked(self) -> None:
        """Resources of a row that point to others of it."""
        for shape in self.table.shapes:
            tree = self.resources.get(self._name(shape))
            if tree is None:
                continue
            for path, alias in shape.links.items():
                other = next(self._name(one) for one in self.table.shapes if one.alias == alias)
                if other in self.resources:
                    put(tree, path, {"reference": other})
            found = [{"reference": one} for one in self.resources if one.startswith("Observation/")]
            if shape.results and found:
                tree["result"] = found

    def possible(self) -> list[str]:
        """All that a row of this table may become, but what other rows tell of as well."""
        shapes = [self._name(one) for one in self.table.shapes if one.named != "visit"]
        return shapes + [self._observation(one) for one in self.table.columns if one.observe]

    def emptied(self) -> list[tuple[str, ...]]:
        """Elements of the Patient that no column fills now."""
        empty = {str(one.path[0]) for one in self.table.columns if one.alias == "patient"}
        return [(one,) for one in sorted(empty - self.resources[self.patient].keys())]

    def forgotten(self, shape: Shape) -> list[tuple[str, ...]]:
        columns = [one for one in self.table.columns if one.name in shape.forget]
        return [tuple(str(step) for step in one.path) for one in columns]

    def _fill(self, tree: Resource, alias: str, without: Sequence[str] = ()) -> None:
        for column in self.table.columns:
            value = self.values.get(column.name, "")
            if column.alias != alias or not value or column.name in without:
                continue
            made = self._made(column, value)
            if made is not None:
                put(tree, column.path, made)

    def _made(self, column: Column, value: str) -> Any:
        if column.set:
            return self._coded(column, value)
        if column.to == "identifier":
            return {"system": column.system or self.own(column.name), "value": value}
        if column.to == "concept":
            return {"coding": [{"system": column.system or self.own(column.name), "code": " ".join(value.split())}]}
        if column.kind in ("date", "datetime"):
            return self._time(column, value)
        if column.kind in ("decimal", "integer"):
            number = reading.number(value)
            if number is None:
                self._fault("row-bad-number", column, value)
                return None
            money = {"value": number, "currency": "CNY"}
            if column.to == "extension":
                return [{"url": column.system, "valueMoney": money}]
            return money if column.to == "money" else {"value": number}
        return value

    def _coded(self, column: Column, value: str) -> Any:
        told = sets()[column.set]
        codes = told.get("map") or told["codes"]
        if value not in codes:
            self._fault("row-unknown-code", column, value, column.set)
            foreign = {"system": self.own(column.name), "code": " ".join(value.split())}
            return foreign if column.to == "coding" else None if "map" in told else {"coding": [foreign]}
        if column.to == "coding":
            return {"system": told["system"], "code": codes[value]}
        if "map" in told:
            return codes[value]
        return {"coding": [{"system": told["system"], "code": value, "display": codes[value]}]}

    def _time(self, column: Column, value: str) -> str | None:
        found = (reading.day if column.kind == "date" else reading.moment)(value, self.zone)
        if found is None:
            self._fault("row-bad-time", column, value, "YYYY-MM-DD HH:MM:SS")
        return found if column.path[-1] != "issued" or "T" in (found or "T") else None

    def _when(self) -> str | None:
        column = next(one for one in self.table.columns if one.kind in ("date", "datetime") and one.need)
        return (reading.day if column.kind == "date" else reading.moment)(self.values[column.name], self.zone)

    def _fault(self, rule: str, column: Column, value: str, expected: str = "") -> None:
        self.findings.append(Finding(rule, f"{self.table.name}.{column.name}（{column.zh}）", value[:200], expected))

    def own(self, column: str) -> str:
        """The URI of the institution's own numbers and codes of a column."""
        return f"{NAMESPACE}{quote(self.sender)}:{column}"

    def _named(self, column: str) -> str:
        return f"{self.own(column)}|{self.values.get(column, '')}"

    def _name(self, shape: Shape) -> str:
        if shape.named == "visit":
            return self.visit
        return f"{shape.type}/{self._id(shape.type, DRAWER, self.table.name, shape.alias, *self._key)}"

    def _observation(self, column: Column) -> str:
        return f"Observation/{self._id('Observation', DRAWER, self.table.name, column.name, *self._key)}"

    def _id(self, *parts: str) -> str:
        return id_of(self.sender, *parts)


DRAWER = "frontdb"
"""Keeps ids of rows apart from those of messages of the same sender."""
