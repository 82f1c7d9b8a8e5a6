"""One row of a data set to FHIR, with what is wrong with it told by column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from minkang.fhir.resident_id import resident_id
from minkang.fhir.resource import Exact
from minkang.gateways.files.mapping.columns import Column, columns_of
from minkang.platform.intake.reading import Finding, Reading, id_of

DOOR = "files"
ELEMENTS = "urn:oid:2.16.156.10011.2.2.1"
RESIDENT = "urn:oid:2.16.156.10011.1.3"

_DATE = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[ T].*)?\Z", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?\Z", re.ASCII)
_CATEGORIES = {"8480-6", "8462-4", "29463-7", "8302-2", "8867-4"}
"""LOINC codes of vital signs; other numbers come from a laboratory."""

Element = dict[str, Any]


def understood(dataset: str, cells: Mapping[str, str], sender: str) -> Reading:
    """`cells`: key of a column to its text. The findings name columns by their headings."""
    row = _Row(dataset, cells, sender)
    row.read()
    return row.reading


class _Row:
    def __init__(self, dataset: str, cells: Mapping[str, str], sender: str) -> None:
        self._sender = sender
        self._cells = {key: text.strip() for key, text in cells.items() if text.strip()}
        self._columns = {one.key: one for one in columns_of(dataset)}
        self.reading = Reading(dataset)
        self._when = ""
        self._doctor: Element | None = None

    def read(self) -> None:
        for column in self._columns.values():
            if column.required and not self._cells.get(column.key):
                self._fault("files-missing", column)
        told = {
            column.becomes + (f" {column.key}" if column.becomes in ("observation", "identifier") else ""): value
            for column in self._columns.values()
            if (text := self._cells.get(column.key, "")) and (value := self._value(column, text)) is not None
        }
        numbers = {
            one.system: told[f"identifier {one.key}"]
            for one in self._columns.values()
            if f"identifier {one.key}" in told
        }
        if not numbers:
            self.reading.findings.append(Finding("files-no-number"))
            return
        self._when = told.get("date", "")
        if self._when:
            self.reading.happened = datetime.fromisoformat(f"{self._when}T00:00:00+08:00")
        self._doctor = {"display": told["performer"]} if "performer" in told else None
        self._patient(numbers, told)
        self._content(told)

    def _fault(self, rule: str, column: Column, value: str = "", expected: str = "") -> None:
        self.reading.findings.append(Finding(rule, column.names[0], value, expected))

    def _value(self, column: Column, text: str) -> Any:
        """As its type wants it; None and a finding when it cannot be."""
        match column.type:
            case "date":
                return self._date(column, text)
            case "number":
                return self._number(column, text)
            case "code":
                found = column.codes.get(text.strip())
                if found is None:
                    self._fault("files-unknown-code", column, text, "、".join(column.codes))
                return found
            case "id-number":
                found_id = resident_id(text)
                if found_id is None:
                    self._fault("files-bad-id-number", column, f"{text[:3]}…{text[-3:]}")
                return found_id.number if found_id else None
            case _:
                return text.strip()

    def _date(self, column: Column, text: str) -> str | None:
        found = _DATE.match(text.strip())
        try:
            return date(*map(int, found.groups())).isoformat() if found else self._no_date(column, text)
        except ValueError:
            return self._no_date(column, text)

    def _no_date(self, column: Column, text: str) -> None:
        self._fault("files-bad-date", column, text, "2026-11-25")

    def _number(self, column: Column, text: str) -> Exact | None:
        plain = text.strip().removesuffix(column.unit).strip()
        if not _NUMBER.match(plain):
            self._fault("files-bad-number", column, text, column.unit)
            return None
        value = Exact(plain)
        if (column.low is not None and value < column.low) or (column.high is not None and value > column.high):
            self._fault("files-doubtful", column, text, f"{column.low:g}–{column.high:g} {column.unit}")
        return value

    def _add(self, kind: str, *names: str, **elements: Any) -> None:
        id = id_of(self._sender, kind, self.reading.patient, self.reading.kind, self._when, *names)
        tree = {"resourceType": kind, "id": id, **{k: v for k, v in elements.items() if v not in (None, "", [])}}
        self.reading.resources.append(tree)

    def _patient(self, numbers: Mapping[str, str], told: Mapping[str, Any]) -> None:
        system, number = next(iter(numbers.items()))
        id = id_of(self._sender, "Patient", f"{system}|{number}")
        self.reading.patient = f"Patient/{id}"
        gender, birth = told.get("gender"), told.get("birthDate")
        card = resident_id(numbers.get(RESIDENT, ""))
        if card is not None:
            self._compare(card.gender, card.birth.isoformat(), gender, birth)
            gender, birth = gender or card.gender, birth or card.birth.isoformat()
        tree: Element = {
            "resourceType": "Patient",
            "id": id,
            "identifier": [{"system": where, "value": value} for where, value in numbers.items()],
            "name": [{"text": told["name"]}] if "name" in told else None,
            "gender": gender,
            "birthDate": birth,
            "telecom": [{"system": "phone", "value": told["phone"]}] if "phone" in told else None,
            "address": [{"text": told["address"]}] if "address" in told else None,
        }
        self.reading.resources.append({name: value for name, value in tree.items() if value is not None})

    def _compare(self, gender: str, birth: str, told_gender: str | None, told_birth: str | None) -> None:
        if told_gender in ("male", "female") and told_gender != gender:
            self.reading.findings.append(Finding("files-sex-differs", "性别", told_gender, gender))
        if told_birth and told_birth != birth:
            self.reading.findings.append(Finding("files-birth-differs", "出生日期", told_birth, birth))

    def _content(self, told: Mapping[str, Any]) -> None:
        subject = {"reference": self.reading.patient}
        for column in self._columns.values():
            value = told.get(f"observation {column.key}")
            if value is not None:
                self._observation(column, _measured(column, value))
        pressure = [one for name in ("systolic", "diastolic") if (one := self._component(name, told))]
        if pressure:
            self._panel(pressure)
        if "allergy" in told:
            denied = told["allergy"].startswith(("无", "否认"))
            self._add(
                "AllergyIntolerance",
                "allergy",
                code={"text": told["allergy"]},
                verificationStatus=_coded("allergyintolerance-verification", "refuted" if denied else "unconfirmed"),
                clinicalStatus=_coded("allergyintolerance-clinical", "inactive" if denied else "active"),
                patient=subject,
            )
        if "condition" in told and not told["condition"].startswith(("无", "否认")):
            self._condition({"text": told["condition"]}, "problem-list-item")
        if "diagnosis" in told:
            code = told.get("diagnosis-code")
            coding = [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}] if code else None
            self._condition({**({"coding": coding} if coding else {}), "text": told["diagnosis"]}, "problem-list-item")
        if "medication" in told:
            self._add(
                "MedicationStatement",
                "medication",
                status="active",
                medicationCodeableConcept={"text": told["medication"]},
                subject=subject,
                effectiveDateTime=self._when,
            )

    def _condition(self, code: Element, category: str) -> None:
        self._add(
            "Condition",
            "condition",
            code["text"],
            clinicalStatus=_coded("condition-clinical", "active"),
            category=[_coded("condition-category", category)],
            code=code,
            subject={"reference": self.reading.patient},
            recordedDate=self._when,
        )

    def _observation(self, column: Column, value: Element) -> None:
        self._add(
            "Observation",
            column.key,
            status="final",
            category=_category(column),
            code=_code(column),
            subject={"reference": self.reading.patient},
            effectiveDateTime=self._when,
            performer=[self._doctor] if self._doctor else None,
            **value,
        )

    def _component(self, name: str, told: Mapping[str, Any]) -> Element | None:
        column = self._columns.get(name)
        return {"code": _code(column), **_measured(column, told[name])} if column and name in told else None

    def _panel(self, parts: list[Element]) -> None:
        code = {"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure panel"}
        self._add(
            "Observation",
            "blood-pressure",
            status="final",
            category=[_coded("observation-category", "vital-signs")],
            code={"coding": [code], "text": "血压"},
            subject={"reference": self.reading.patient},
            effectiveDateTime=self._when,
            performer=[self._doctor] if self._doctor else None,
            component=parts,
        )


def _coded(system: str, code: str) -> Element:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _category(column: Column) -> list[Element] | None:
    if column.type != "number":
        return None
    vital = column.loinc is not None and column.loinc[0] in _CATEGORIES
    return [_coded("observation-category", "vital-signs" if vital else "laboratory")]


def _code(column: Column) -> Element:
    codings = (
        [{"system": "http://loinc.org", "code": column.loinc[0], "display": column.loinc[1]}] if column.loinc else []
    )
    codings.append({"system": ELEMENTS, "code": column.element, "display": column.names[0]})
    return {"coding": codings}


def _measured(column: Column, value: Any) -> Element:
    match column.type:
        case "number":
            quantity = {"value": value, "unit": column.unit, "system": "http://unitsofmeasure.org", "code": column.unit}
            return {"valueQuantity": quantity}
        case "date":
            return {"valueDateTime": value}
        case "code":
            return {"valueCodeableConcept": {"text": value}}
        case _:
            return {"valueString": value}
