"""The city as messages: FHIR transaction bundles, one per visit, in the order a platform would receive them.

Nineteen resources a resident: the Patient and three visits of six. Every message carries its own number in
`Bundle.identifier`, so that sending it twice can be noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

from synth.people import CITY, Resident, patient, residents
from synth.records import Resource, Setting, record, visit_for
from synth.tables import table

SOURCE = "urn:x-minkang:synth"
VISITS = 3
PER_RESIDENT = 1 + VISITS * 6
_CHINA = timezone(timedelta(hours=8))
_INSTITUTIONS: list[dict[str, Any]] = table("city")["institutions"]
_DOCTORS: list[str] = CITY["practitioners"]["names"]


def registers() -> Resource:
    """The institutions and the doctors that the records name: one bundle, to be sent first."""
    organizations = [_organization(each) for each in _INSTITUTIONS]
    practitioners = [_practitioner(number, name) for number, name in enumerate(_DOCTORS)]
    return _bundle("registers", [_put(resource) for resource in organizations + practitioners])


def bundles(
    count: int, seed: int, *, today: date = date(2026, 11, 1), first: int = 0, visits: int = VISITS
) -> Iterator[Resource]:
    """A transaction bundle for each visit of `count` residents: 7 resources, then 6. No visit is later than `today`."""
    for resident in residents(count, seed, today=today, first=first):
        random = Random(f"record:{seed}:{resident.number}")
        for number, start in enumerate(_moments(random, resident, today, visits)):
            entries = [_put(patient(resident))] if number == 0 else []
            entries += [_post(urn, each) for urn, each in _visit(random, resident, start)]
            yield _bundle(f"{resident.id}-{number}", entries)


def _visit(random: Random, resident: Resident, start: datetime) -> list[tuple[str, Resource]]:
    institution = random.choice(_INSTITUTIONS)
    doctor = random.randrange(len(_DOCTORS))
    where = Setting(
        patient=f"Patient/{resident.id}",
        institution={"reference": f"Organization/{institution['id']}", "display": institution["name"]},
        department=random.choice(institution["departments"]),
        doctor={"reference": f"Practitioner/{_doctor_id(doctor)}", "display": _DOCTORS[doctor]},
        start=start,
    )
    return record(random, visit_for(random, (start.date() - resident.born).days // 365), where)


def _moments(random: Random, resident: Resident, today: date, visits: int) -> list[datetime]:
    """When the visits were: within three years, after birth, in working hours, oldest first."""
    days = min((today - resident.born).days, 3 * 365)
    ago = sorted((random.randrange(days + 1) for _ in range(visits)), reverse=True)
    return [
        datetime.combine(today - timedelta(days=each), time(random.randrange(8, 17), random.randrange(60)), _CHINA)
        for each in ago
    ]


def _bundle(number: str, entries: list[Resource]) -> Resource:
    return {
        "resourceType": "Bundle",
        "identifier": {"system": SOURCE, "value": number},
        "type": "transaction",
        "entry": entries,
    }


def _put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": f"{SOURCE}/{url}", "resource": resource, "request": {"method": "PUT", "url": url}}


def _post(urn: str, resource: Resource) -> Resource:
    return {"fullUrl": urn, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def _organization(row: dict[str, Any]) -> Resource:
    return {
        "resourceType": "Organization",
        "id": row["id"],
        "identifier": [{"system": f"{SOURCE}:institution", "value": row["id"]}],
        "active": True,
        "type": [{"text": "医疗卫生机构"}],
        "name": row["name"],
        "address": [{"city": CITY["name"], "postalCode": f"{row['county']}", "country": "CN"}],
    }


def _doctor_id(number: int) -> str:
    return f"yunzhou-doctor-{number + 1}"


def _practitioner(number: int, name: str) -> Resource:
    family = name[:2] if name.startswith("欧阳") else name[:1]
    return {
        "resourceType": "Practitioner",
        "id": _doctor_id(number),
        "identifier": [{"system": f"{SOURCE}:doctor", "value": f"{number + 1:04d}"}],
        "active": True,
        "name": [{"use": "official", "text": name, "family": family, "given": [name[len(family) :]]}],
        "gender": "female" if number % 2 == 0 else "male",
    }
