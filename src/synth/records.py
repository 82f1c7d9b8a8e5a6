"""What a visit leaves behind: one encounter and the five resources that belong to it, as FHIR."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from synth.tables import table

Resource = dict[str, Any]

_VISITS: list[dict[str, Any]] = table("visits")["visits"]
_OBSERVATIONS: dict[str, dict[str, Any]] = table("visits")["observations"]
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_ICD10 = "http://hl7.org/fhir/sid/icd-10"
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"
_CLASSES = {"AMB": "门诊", "IMP": "住院"}
_CATEGORIES = {"vital-signs": "生命体征", "laboratory": "检验"}
_LOCAL = "urn:x-minkang:synth:"


class Setting(NamedTuple):
    """Where and when a visit is: references with the names people read, and its moment."""

    patient: str
    institution: Resource
    department: str
    doctor: Resource
    start: datetime


def visit_for(random: Random, age: int) -> Resource:
    """One kind of visit (a row of data/visits.toml) that somebody of this age has."""
    kinds = [kind for kind in _VISITS if kind["from"] <= age <= kind["to"]]
    return random.choices(kinds, [kind["weight"] for kind in kinds])[0]


def record(random: Random, kind: Resource, where: Setting) -> list[tuple[str, Resource]]:
    """(urn:uuid, resource) of the visit: Encounter first, six in all."""
    encounter_id = _urn(random)
    base = _Visit(random, kind, where, encounter_id, where.start.isoformat(timespec="seconds"))
    observations = [(_urn(random), _observation(base, name)) for name in kind["observations"]]
    rest: list[tuple[str, Resource]] = []
    if "report" in kind:
        rest.append((_urn(random), _report(base, [urn for urn, _ in observations])))
    rest.append((_urn(random), _immunization(base) if "vaccine" in kind else _prescription(base)))
    return [(encounter_id, _encounter(base)), (_urn(random), _condition(base)), *observations, *rest]


class _Visit(NamedTuple):
    random: Random
    kind: Resource
    where: Setting
    encounter: str
    at: str

    @property
    def subject(self) -> Resource:
        return {"reference": self.where.patient}

    @property
    def within(self) -> Resource:
        return {"reference": self.encounter}

    def number(self, series: str) -> list[Resource]:
        return [{"system": _LOCAL + series, "value": f"{self.where.start:%Y%m%d}{self.random.randrange(10**9):09d}"}]


def _urn(random: Random) -> str:
    return f"urn:uuid:{UUID(int=random.getrandbits(128), version=4)}"


def _clinical(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": _HL7 + system, "code": code, "display": display}]}


def _encounter(visit: _Visit) -> Resource:
    where, code = visit.where, visit.kind["class"]
    end = where.start + (timedelta(days=7) if code == "IMP" else timedelta(minutes=visit.random.randrange(8, 40)))
    return {
        "resourceType": "Encounter",
        "identifier": visit.number("encounter"),
        "status": "finished",
        "class": {"system": _HL7 + "v3-ActCode", "code": code, "display": _CLASSES[code]},
        "type": [{"text": f"{where.department}{_CLASSES[code]}"}],
        "serviceType": {"text": where.department},
        "subject": visit.subject,
        "participant": [{"type": [_coding("v3-ParticipationType", "ATND", "主治医师")], "individual": where.doctor}],
        "period": {"start": visit.at, "end": end.isoformat(timespec="seconds")},
        "reasonCode": [_clinical(_ICD10, visit.kind["icd10"], visit.kind["diagnosis"])],
        "serviceProvider": where.institution,
    }


def _condition(visit: _Visit) -> Resource:
    status = ("active", "进行中") if visit.kind.get("chronic") else ("resolved", "已缓解")
    return {
        "resourceType": "Condition",
        "identifier": visit.number("diagnosis"),
        "clinicalStatus": _coding("condition-clinical", *status),
        "verificationStatus": _coding("condition-ver-status", "confirmed", "确诊"),
        "category": [_coding("condition-category", "encounter-diagnosis", "就诊诊断")],
        "code": _clinical(_ICD10, visit.kind["icd10"], visit.kind["diagnosis"]),
        "subject": visit.subject,
        "encounter": visit.within,
        "onsetDateTime": visit.at[:10],
        "recordedDate": visit.at,
        "recorder": visit.where.doctor,
    }


def _observation(visit: _Visit, name: str) -> Resource:
    row = _OBSERVATIONS[name]
    made = {
        "resourceType": "Observation",
        "identifier": visit.number("observation"),
        "status": "final",
        "category": [_coding("observation-category", row["category"], _CATEGORIES[row["category"]])],
        "code": _clinical(_LOINC, row["code"], row["name"]),
        "subject": visit.subject,
        "encounter": visit.within,
        "effectiveDateTime": visit.at,
        "issued": visit.at,
        "performer": [visit.where.institution],
    }
    return made | (_pressure(visit.random) if name == "blood-pressure" else _measured(visit.random, row))


def _measured(random: Random, row: Resource) -> Resource:
    """A value of a table row with its usual range and H or L beside it."""
    value = max(round(random.gauss(row["mean"], row["spread"]), row["digits"]), round(row["mean"] / 4, 1))
    made: Resource = {"valueQuantity": _quantity(value if row["digits"] else int(value), row["unit"], row["ucum"])}
    if "high" not in row:
        return made
    low, high = row["low"], row["high"]
    flag = ("H", "偏高") if value > high else ("L", "偏低") if value < low else ("N", "正常")
    made["interpretation"] = [_coding("v3-ObservationInterpretation", *flag)]
    made["referenceRange"] = [
        {
            "low": {"value": low, "unit": row["unit"]},
            "high": {"value": high, "unit": row["unit"]},
            "text": f"{low}-{high} {row['unit']}",
        }
    ]
    return made


def _pressure(random: Random) -> Resource:
    systolic = int(random.gauss(142, 15))
    parts = [("8480-6", "收缩压", systolic), ("8462-4", "舒张压", min(int(random.gauss(86, 9)), systolic - 15))]
    return {
        "bodySite": {"text": "右上臂"},
        "component": [
            {"code": _clinical(_LOINC, code, name), "valueQuantity": _quantity(value, "mmHg", "mm[Hg]")}
            for code, name, value in parts
        ],
    }


def _quantity(value: float, unit: str, ucum: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": ucum}


def _report(visit: _Visit, results: list[str]) -> Resource:
    section = ("LAB", "检验") if "检验" in visit.kind["report"] else ("IMG", "检查")
    return {
        "resourceType": "DiagnosticReport",
        "identifier": visit.number("report"),
        "status": "final",
        "category": [_coding("v2-0074", *section)],
        "code": {"text": visit.kind["report"]},
        "subject": visit.subject,
        "encounter": visit.within,
        "effectiveDateTime": visit.at,
        "issued": visit.at,
        "performer": [visit.where.institution],
        "resultsInterpreter": [visit.where.doctor],
        "result": [{"reference": urn} for urn in results],
        "conclusion": f"符合{visit.kind['diagnosis']}表现,请结合临床。",
    }


def _prescription(visit: _Visit) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "identifier": visit.number("prescription"),
        "status": "active" if visit.kind.get("chronic") else "completed",
        "intent": "order",
        "medicationCodeableConcept": {"text": visit.random.choice(visit.kind["medicine"])},
        "subject": visit.subject,
        "encounter": visit.within,
        "authoredOn": visit.at,
        "requester": visit.where.doctor,
        "reasonCode": [_clinical(_ICD10, visit.kind["icd10"], visit.kind["diagnosis"])],
        "dosageInstruction": [{"text": visit.kind["dose"]}],
        "dispenseRequest": {
            "numberOfRepeatsAllowed": 0,
            "quantity": {"value": 2, "unit": "盒"},
            "performer": visit.where.institution,
        },
    }


def _immunization(visit: _Visit) -> Resource:
    return {
        "resourceType": "Immunization",
        "identifier": visit.number("immunization"),
        "status": "completed",
        "vaccineCode": {"text": visit.random.choice(visit.kind["vaccine"])},
        "patient": visit.subject,
        "encounter": visit.within,
        "occurrenceDateTime": visit.at,
        "primarySource": True,
        "lotNumber": f"YM{visit.random.randrange(10**7):07d}",
        "site": {"text": "左上臂三角肌"},
        "performer": [{"actor": visit.where.institution}],
    }
