"""Out and in again: what the record says is read from the message as it was."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from minkang.app.cli import app
from minkang.app.exporting import OPERATOR
from minkang.app.hl7v2_write import accepted
from minkang.app.prepare import key_file
from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Exact, from_exact
from minkang.fhir.validation import faults
from minkang.gateways.hl7v2.endpoint.mllp import Lines
from minkang.gateways.hl7v2.endpoint.taking import taken
from minkang.gateways.hl7v2.mapping import read
from minkang.gateways.hl7v2.mapping.writing import written
from minkang.kit.folders import DataFolder
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.reading import Reading
from minkang.platform.intake.taking import Intake
from minkang.store import keys
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.gateways.hl7v2.examples import ADMISSION, RESULTS, message
from tests.gateways.hl7v2.test_mapping import SCHEDULE

HL7 = "http://terminology.hl7.org/CodeSystem/"
NOW = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
SIU = message(*SCHEDULE, kind="SIU^S12")
RULES = rules_of("minkang.gateways.hl7v2")
SYSTEMS = [
    "http://loinc.org",
    "http://snomed.info/sct",
    "urn:oid:1.2.156.38.9",
    "https://his.example/codes",
    "urn:x:y^z|&",
]

words = (
    st.text(st.sampled_from(list("张abc |^~&\\#+1.")), min_size=1, max_size=8)
    .map(lambda one: " ".join(one.split()))
    .filter(bool)
)
coding = st.builds(
    lambda system, code, display: {"system": system, "code": code, "display": display},
    st.sampled_from(SYSTEMS),
    words,
    words,
)
concept = st.builds(
    lambda codings, text: {"coding": codings, "text": text}, st.lists(coding, min_size=1, max_size=3), words
)
many = st.builds(lambda codings: {"coding": codings}, st.lists(coding, min_size=1, max_size=7))
digits = st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?", fullmatch=True).map(Exact)
quantity = st.builds(
    lambda value, unit: {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    digits,
    st.sampled_from(["mmol/L", "10*9/L", "%"]),
)
value = st.one_of(
    quantity.map(lambda one: {"valueQuantity": one}),
    st.tuples(quantity, st.sampled_from(["<", ">", "<=", ">="])).map(
        lambda two: {"valueQuantity": two[0] | {"comparator": two[1]}}
    ),
    many.map(lambda one: {"valueCodeableConcept": one}),
    words.map(lambda one: {"valueString": one}),
    st.just({"valueDateTime": "2026-01-05T09:30:00+08:00"}),
    st.just({"valueTime": "09:30:00"}),
)
identifier = st.builds(lambda system, value: {"system": system, "value": value}, st.sampled_from(SYSTEMS), words)
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {
            "system": "urn:oid:2.16.156.10011.1.3",
            "value": "380101198001020029",
            "type": {"coding": [{"system": f"{HL7}v2-0203", "code": "NI"}]},
        }
    ],
    "name": [{"text": "张丽", "family": "张", "given": ["丽"]}],
    "gender": "female",
    "birthDate": "1980-01-02",
    "telecom": [{"system": "phone", "value": "13800000000", "use": "mobile"}],
    "address": [{"line": ["一路"], "city": "海城", "district": "北区"}],
}  # fmt: skip


def again(tree: dict[str, Any], *beside: dict[str, Any], patient: dict[str, Any] = PATIENT, event: str = "") -> Reading:
    named = {f"{one['resourceType']}/{one['id']}": one for one in beside}
    made = written(tree, patient, named, control="M1", now=NOW, event=event)
    hl7.parse(made.decode())  # others can cut it, too
    reading = read(made, "out")
    for one in reading.resources:
        assert [found.text for found in faults(from_exact(one).tree) if found.severity == "error"] == []
    return reading


def of(reading: Reading, type: str) -> list[dict[str, Any]]:
    return [one for one in reading.resources if one["resourceType"] == type]


def codes(tree: Any) -> list[tuple[str, ...]]:
    """Every coding: system, code, display."""
    if isinstance(tree, list):
        return [one for part in tree for one in codes(part)]
    if not isinstance(tree, dict):
        return []
    own = (
        [(tree.get("system", ""), tree["code"], tree.get("display", ""))]
        if "code" in tree and isinstance(tree["code"], str) and "value" not in tree
        else []
    )
    return own + [one for part in tree.values() for one in codes(part)]


@settings(max_examples=120, deadline=None)
@given(
    concept,
    st.lists(st.tuples(concept, value, st.sampled_from(["H", "LL", "POS"]), concept), min_size=1, max_size=4),
    identifier,
    words,
)
def test_a_report_keeps_every_coded_value_number_and_word(what: Any, drawn: list[Any], number: Any, conclusion: str):
    results = [
        {"resourceType": "Observation", "id": f"o{at}", "status": "final", "code": code, **found, "method": method,
         "interpretation": [{"coding": [{"system": f"{HL7}v3-ObservationInterpretation", "code": flag}]}],
         "effectiveDateTime": "2026-01-05T09:30:00+08:00"}
        for at, (code, found, flag, method) in enumerate(drawn)
    ]  # fmt: skip
    report = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": what, "identifier": [number],
        "conclusion": conclusion, "result": [{"reference": f"Observation/o{at}"} for at in range(len(results))],
    }  # fmt: skip
    reading = again(report, *results)
    assert reading.findings == []
    (made,) = of(reading, "DiagnosticReport")
    assert (made["code"], made["identifier"][0], made["conclusion"]) == (what, number, conclusion)
    assert made["status"] == "final"
    for before, after in zip(results, of(reading, "Observation"), strict=True):
        for element in (
            "code",
            "status",
            "method",
            "interpretation",
            "effectiveDateTime",
            *(name for name in before if name.startswith("value")),
        ):
            if element == "valueCodeableConcept":
                assert codes(after[element]) == codes(before[element])
            else:
                assert after[element] == before[element], element
            if element == "valueQuantity":
                assert after[element]["value"].text == before[element]["value"].text


@settings(max_examples=80, deadline=None)
@given(
    concept,
    concept,
    concept,
    concept,
    identifier,
    st.sampled_from(["planned", "in-progress", "finished", "cancelled"]),
    st.sampled_from(["IMP", "AMB", "EMER", "HH"]),
)
def test_a_visit_keeps_its_codes_its_state_and_its_times(
    kind: Any, service: Any, left: Any, diagnosis: Any, number: Any, status: str, patient_class: str
):
    places = {"finished": "completed", "planned": "planned"}
    visit = {
        "resourceType": "Encounter", "id": "e1", "status": status, "identifier": [number], "type": [kind],
        "class": {"system": f"{HL7}v3-ActCode", "code": patient_class},
        "serviceType": service, "hospitalization": {"dischargeDisposition": left},
        "period": {"start": "2026-01-05T08:10:00+08:00", "end": "2026-01-06T08:10:00+08:00"},
        "participant": [{
            "type": [{"coding": [{"system": f"{HL7}v3-ParticipationType", "code": "ATND"}]}],
            "individual": {
                "type": "Practitioner", "identifier": {"system": "urn:oid:1.2.3", "value": "7"}, "display": "王医",
            },
        }],
        "location": [{"location": {"display": "内科 3 床"}, "status": places.get(status, "active")}],
    }  # fmt: skip
    condition = {"resourceType": "Condition", "id": "c1", "code": diagnosis, "subject": {"reference": "Patient/p1"}}
    (made,), (found,) = (of(reading := again(visit, condition), type) for type in ("Encounter", "Condition"))
    assert reading.findings == []
    assert found["code"] == diagnosis
    for element in visit.keys() - {"resourceType", "id"}:
        assert made[element] == visit[element], element


@settings(max_examples=60, deadline=None)
@given(concept, concept, concept, identifier, st.sampled_from(["booked", "cancelled", "noshow", "entered-in-error"]))
def test_an_appointment_keeps_its_codes_and_its_times(service: Any, kind: Any, reason: Any, number: Any, status: str):
    booked = {
        "resourceType": "Appointment", "id": "a1", "status": status, "identifier": [number], "serviceType": [service],
        "appointmentType": kind, "reasonCode": [reason], "minutesDuration": 20,
        "start": "2026-01-05T08:10:00+08:00", "end": "2026-01-05T08:30:00+08:00",
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"},
                        {"actor": {"type": "Practitioner", "display": "王医"}, "status": "accepted"}],
    }  # fmt: skip
    (made,) = of(again(booked), "Appointment")
    for element in booked.keys() - {"resourceType", "id", "participant"}:
        assert made[element] == booked[element], element
    assert [one["actor"].get("display") for one in made["participant"]] == [None, "王医"]


def test_a_patient_is_told_as_it_is_registered():
    reading = again(PATIENT)
    assert reading.kind == "ADT^A31"
    (made,) = of(reading, "Patient")
    for element in PATIENT.keys() - {"resourceType", "id"}:
        assert made[element] == PATIENT[element], element


@pytest.mark.parametrize("sent", [ADMISSION, RESULTS, SIU])
def test_what_was_read_and_written_is_read_the_same_again(sent: str):
    first = read(sent.encode(), "out")
    tree = next(one for type in ("DiagnosticReport", "Appointment", "Encounter") for one in of(first, type))
    beside = [
        one for one in first.resources if one["resourceType"] in ("Observation", "Condition", "AllergyIntolerance")
    ]
    second = again(tree, *beside, patient=of(first, "Patient")[0])
    for type in (
        "Patient",
        "Encounter",
        "Condition",
        "AllergyIntolerance",
        "DiagnosticReport",
        "Observation",
        "Appointment",
    ):
        before = [] if type == "Encounter" and tree["resourceType"] != type else of(first, type)
        assert sorted(codes(of(second, type))) == sorted(codes(before)), type


def test_a_panel_is_told_part_by_part():
    part = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "valueQuantity": {"value": Exact("120"), "unit": "mmHg"},
    }
    pressure = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"text": "血压"},
        "component": [part, part | {"code": {"text": "舒张压"}}],
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": {"text": "体检"},
        "result": [{"reference": "Observation/o1"}],
    }
    assert [one["code"] for one in of(again(report, pressure), "Observation")] == [part["code"], {"text": "舒张压"}]


def test_there_is_no_message_for_other_types():
    with pytest.raises(Incorrect, match="Patient, Encounter"):
        written({"resourceType": "Device", "id": "d"}, PATIENT, {}, control="1", now=NOW)


@pytest.fixture
def receiver() -> Iterator[tuple[str, Any]]:
    """A platform of somebody else's, in a thread of its own."""
    repository = MemoryStore().repository(Actor("Device/other"), EVERYTHING)
    loop = asyncio.new_event_loop()
    lines = Lines(lambda: Intake(repository, RULES), 100_000)
    port = loop.run_until_complete(lines.listen("127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"127.0.0.1:{port}", repository
    asyncio.run_coroutine_threadsafe(lines.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


def test_a_message_goes_from_the_record_to_another_system(
    fresh_database_url: str, tmp_path: Path, receiver: tuple[str, Any]
):
    address, _ = receiver
    file = key_file(DataFolder(tmp_path))
    file.parent.mkdir(mode=0o700, parents=True)
    ours = keys.load_or_create(file)

    async def fill() -> list[str]:
        store = await Store.open(fresh_database_url, ours, connections=2)
        intake = Intake(store.repository(OPERATOR, EVERYTHING), RULES)
        receipts = [(await taken(intake, one.encode(), sender="h1")).receipt for one in (ADMISSION, RESULTS, SIU)]
        await store.close()
        return [name for one in receipts if one is not None for name in one.resources]

    names = asyncio.run(fill())
    for type, kind in (
        ("Patient", "ADT^A31"),
        ("Encounter", "ADT^A01"),
        ("DiagnosticReport", "ORU^R01"),
        ("Appointment", "SIU^S"),
    ):
        name = next(one for one in names if one.startswith(f"{type}/"))
        command = ["hl7v2", "write", name, "--data", str(tmp_path), "--database-url", fresh_database_url]
        assert kind in CliRunner().invoke(app, command, catch_exceptions=False).output
        done = CliRunner().invoke(app, [*command, "--to", address, "--receiver", "LIS^H2"], catch_exceptions=False)
        assert (done.exit_code, "MSA|AA|" in done.output) == (0, True), done.output


@pytest.mark.parametrize(
    ("answer", "good"), [(b"MSH|^~\\&|\rMSA|CA|1\r", True), (b"MSH|^~\\&|\rMSA|AE|1\r", False), (b"no", False)]
)
def test_an_answer_is_understood(answer: bytes, good: bool):
    assert accepted(answer) is good
