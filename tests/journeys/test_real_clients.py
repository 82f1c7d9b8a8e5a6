"""FHIR clients of others drive the served platform: fhirpy (Beda Software) and fhirclient (SMART Health IT).

Each does what an application does: create, read, search, change, look back, take away.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirabstractbase import FHIRValidationError
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.lib.serving import platform

SCORES = Path(__file__).parents[2] / "build" / "conformance"


@pytest.fixture(scope="module")
def fhir() -> Iterator[str]:
    """Address of the FHIR door of a platform started from nothing."""
    with platform() as running:
        running.start()
        yield f"{running.address}/fhir"


def score(client: str, steps: int, done: list[str]) -> None:
    """Writes down for docs/reference/conformance.md what went well."""
    SCORES.mkdir(parents=True, exist_ok=True)
    told = {"name": f"Real client: {client}", "cases": steps, "passed": len(done), "note": ", ".join(done)}
    (SCORES / f"client-{client}.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")


def test_fhirpy_does_every_step(fhir: str) -> None:
    done: list[str] = []
    try:
        keep_a_record(fhir, done)
        create_once_and_hear_faults(fhir, done)
        asyncio.run(send_a_transaction(fhir, done))
    finally:
        score("fhirpy", 17, done)
    assert len(done) == 17


def test_fhirclient_does_every_step(fhir: str) -> None:
    done: list[str] = []
    try:
        keep_a_record_with_fhirclient(fhir, done)
    finally:
        score("fhirclient", 7, done)
    assert len(done) == 7


def keep_a_record(fhir: str, done: list[str]) -> None:
    client = SyncFHIRClient(fhir)
    patient = client.resource("Patient", name=[{"text": "单芳"}], gender="female", birthDate="1958-04-11")
    patient.save()
    assert patient.id
    assert patient["meta"]["versionId"] == "1"
    done.append("create")

    assert client.reference("Patient", patient.id).to_resource()["name"][0]["text"] == "单芳"
    done.append("read")

    for spoken in ("单", "shan", "shanfang", "sf"):
        found = client.resources("Patient").search(name=spoken).fetch()
        assert [one.id for one in found] == [patient.id], spoken
    done.append("search by Chinese name and pinyin")

    patient["active"] = True
    patient.save()
    assert patient["meta"]["versionId"] == "2"
    done.append("update")

    patient.patch(birthDate="1958-04-12")
    assert client.reference("Patient", patient.id).to_resource()["birthDate"] == "1958-04-12"
    done.append("patch or save of some fields")

    for value in range(23):
        client.resource(
            "Observation",
            status="final",
            code={"coding": [{"system": "urn:oid:1.2.156", "code": "sbp"}]},
            subject=patient.to_reference(),
            effectiveDateTime=f"2026-01-{value + 1:02d}",
            valueQuantity={"value": 120 + value, "unit": "mmHg"},
        ).save()
    readings = client.resources("Observation").search(subject=patient.to_reference().reference).sort("-date").limit(10)
    assert [one["effectiveDateTime"] for one in readings.fetch()] == [f"2026-01-{day:02d}" for day in range(23, 13, -1)]
    done.append("sorted page")

    assert len(readings.fetch_all()) == 23
    done.append("all pages")

    assert client.resources("Observation").search(code="urn:oid:1.2.156|sbp").count() == 23
    done.append("count")

    with_patient = (
        client.resources("Observation").search(date="2026-01-05").include("Observation", "subject").fetch_raw()
    )
    assert sorted(entry.resource.resourceType for entry in with_patient.entry) == ["Observation", "Patient"]
    done.append("include")

    history = client.execute(f"Patient/{patient.id}/_history", method="GET")
    assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["3", "2", "1"]
    done.append("history")

    everything = client.execute(f"Patient/{patient.id}/$everything", method="GET")
    assert len(everything["entry"]) == 24
    done.append("$everything")

    assert client.resource("Patient", gender="female").is_valid()
    assert not client.resource("Patient", gender="woman").is_valid()
    done.append("$validate")


def create_once_and_hear_faults(fhir: str, done: list[str]) -> None:
    client = SyncFHIRClient(fhir)
    marked: dict[str, Any] = {"identifier": [{"system": "urn:oid:1.2.156.1", "value": "38-7"}]}
    query = client.resources("Patient").search(identifier="urn:oid:1.2.156.1|38-7")
    first, made = query.get_or_create(client.resource("Patient", **marked))
    again, made_again = query.get_or_create(client.resource("Patient", **marked))
    assert (made, made_again) == (True, False)
    assert first.id == again.id
    done.append("conditional create")

    changed, _ = query.update(client.resource("Patient", **marked, active=True))
    assert (changed.id, changed["active"]) == (first.id, True)
    done.append("conditional update")

    client.resource("Patient", **marked).save()
    with pytest.raises(MultipleResourcesFound):
        query.get()
    with pytest.raises(OperationOutcome, match="gender"):
        client.resource("Patient", gender="woman").save()
    done.append("hears faults")

    again.delete()
    with pytest.raises(ResourceNotFound):
        again.refresh()
    done.append("delete")


async def send_a_transaction(fhir: str, done: list[str]) -> None:
    client = AsyncFHIRClient(fhir)
    urn = "urn:uuid:0b1f6a6e-5a3f-4b0e-9a52-1d1a5d2a7c01"
    bundle = client.resource(
        "Bundle",
        type="transaction",
        entry=[
            {
                "fullUrl": urn,
                "resource": {"resourceType": "Patient", "name": [{"text": "仇英"}]},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {
                    "resourceType": "Condition",
                    "subject": {"reference": urn},
                    "code": {"coding": [{"system": "urn:oid:2.16.156", "code": "I10", "display": "原发性高血压"}]},
                },
                "request": {"method": "POST", "url": "Condition"},
            },
        ],
    )
    answer = await client.execute("", method="POST", data=bundle.serialize())
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created"] * 2
    patient = answer["entry"][0]["response"]["location"].split("/_history/")[0]
    conditions = await client.resources("Condition").search(subject=patient).fetch()
    assert [one["subject"]["reference"] for one in conditions] == [patient]
    assert len(await client.resources("Patient").search(name="qiu ying").fetch()) == 1
    done.append("transaction, asynchronous client")


def keep_a_record_with_fhirclient(fhir: str, done: list[str]) -> None:
    smart = FHIRClient(settings={"app_id": "tests", "api_base": fhir})
    server = smart.server
    assert server.capabilityStatement.fhirVersion == "4.0.1"
    done.append("metadata")

    made = Patient({"name": [{"text": "欧阳明"}], "gender": "male"}).create(server)
    patient = Patient.read(made["id"], server)
    assert patient.name[0].text == "欧阳明"
    done.append("create and read")

    patient.active = True
    patient.update(server)
    assert Patient.read(patient.id, server).meta.versionId == "2"
    done.append("update")

    history = Bundle.read_from(f"Patient/{patient.id}/_history", server)
    assert [entry.resource.meta.versionId for entry in history.entry] == ["2", "1"]
    done.append("history")

    reading = Observation(
        {
            "status": "final",
            "code": {"text": "血糖"},
            "subject": {"reference": f"Patient/{patient.id}"},
            "valueQuantity": {"value": 6.1, "unit": "mmol/L"},
        }
    )
    reading.create(server)
    search = Observation.where({"subject": f"Patient/{patient.id}", "value-quantity": "gt6"})
    found = list(search.perform_resources_iter(server))
    assert [Decimal(str(one.valueQuantity.value)) for one in found] == [Decimal("6.1")]
    assert found[0].subject.resolved(Patient).name[0].text == "欧阳明"
    done.append("search and resolved reference")

    assert len(list(Patient.where({"name": "ouyang"}).perform_resources_iter(server))) == 1
    done.append("search by pinyin")

    with pytest.raises(FHIRValidationError):
        Patient({"gender": 5})
    patient.delete()
    assert list(Patient.where({"name": "ouyang"}).perform_resources_iter(server)) == []
    done.append("delete")
