"""Messages to FHIR: golden pairs by kind, states of visits and results, corrections, and what is missing or wrong."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir.resource import from_exact
from minkang.fhir.validation import faults as faults_of
from minkang.gateways.hl7v2.mapping import EVENTS, faults, outcome, read
from minkang.gateways.hl7v2.mapping.tables import findings
from minkang.gateways.hl7v2.wire import Unreadable
from minkang.platform.intake.reading import Reading
from tests.gateways.hl7v2.examples import ADMISSION, PID, PV1, PV1_UNNAMED, RESULTS, message, segment


def understood(text: str) -> Reading:
    reading = read(text.encode(), "h1")
    for resource in reading.resources:
        tree = from_exact(resource).tree
        assert [issue.text for issue in faults_of(tree) if issue.severity == "error"] == []
    assert {found.rule for found in reading.findings} <= set(findings())
    return reading


def of(reading: Reading, kind: str) -> list[dict[str, Any]]:
    return [one for one in reading.resources if one["resourceType"] == kind]


def test_an_admission_brings_patient_visit_diagnosis_allergy_relative_and_insurance():
    reading = understood(ADMISSION)
    assert (reading.kind, reading.message, reading.findings) == ("ADT^A01", "C1", [])
    assert reading.happened is not None
    assert reading.happened.isoformat() == "2026-01-05T08:30:00+08:00"
    (patient,) = of(reading, "Patient")
    assert reading.patient == f"Patient/{patient['id']}"
    assert [(one["system"], one["value"]) for one in patient["identifier"]] == [
        ("urn:oid:1.2.156.38.1", "12345"),
        ("urn:oid:2.16.156.10011.1.3", "380101199001011239"),
    ]
    assert patient["name"] == [{"text": "张三", "family": "张", "given": ["三"]}]
    assert (patient["gender"], patient["birthDate"]) == ("male", "1990-01-01")
    assert patient["telecom"] == [{"system": "phone", "value": "13800000000", "use": "mobile"}]
    (visit,) = of(reading, "Encounter")
    (condition,) = of(reading, "Condition")
    assert (visit["status"], visit["class"]["code"]) == ("in-progress", "IMP")
    assert visit["period"] == {"start": "2026-01-05T08:10:00+08:00"}
    assert visit["location"] == [{"location": {"display": "北院 12 3 2"}, "status": "active"}]
    assert [one["individual"]["display"] for one in visit["participant"]] == ["王医", "李"]
    assert visit["diagnosis"] == [{"condition": {"reference": f"Condition/{condition['id']}"}}]
    assert condition["code"]["coding"] == [
        {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10", "display": "原发性高血压"}
    ]
    (allergy,) = of(reading, "AllergyIntolerance")
    assert allergy["reaction"] == [{"manifestation": [{"text": "皮疹"}, {"text": "呼吸困难"}], "severity": "severe"}]
    assert of(reading, "RelatedPerson")[0]["name"][0]["text"] == "张父"
    assert of(reading, "Coverage")[0]["payor"][0]["display"] == "海城医保局"


def test_own_segments_are_kept_word_for_word():
    (kept,) = of(understood(ADMISSION), "Basic")
    assert [one["valueString"] for one in kept["extension"]] == ["ZPI|1|工号^二级|自定义"]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("A01", "in-progress"),
        ("A02", "in-progress"),
        ("A03", "finished"),
        ("A04", "in-progress"),
        ("A05", "planned"),
        ("A06", "in-progress"),
        ("A07", "in-progress"),
        ("A08", "in-progress"),
        ("A11", "cancelled"),
        ("A12", "in-progress"),
        ("A13", "in-progress"),
    ],
)
def test_each_event_of_one_visit_tells_its_state(event: str, status: str):
    (visit,) = of(understood(message(PID, PV1, kind=f"ADT^{event}")), "Encounter")
    assert visit["status"] == status
    assert visit["id"] == of(understood(ADMISSION), "Encounter")[0]["id"]


@pytest.mark.parametrize(("event", "end"), [("A03", "2026-01-09T10:00:00+08:00"), ("A13", None)])
def test_a_cancelled_discharge_has_no_end(event: str, end: str | None):
    (visit,) = of(understood(message(PID, PV1 + "|202601091000", kind=f"ADT^{event}")), "Encounter")
    assert visit["period"].get("end") == end


@pytest.mark.parametrize("event", ["A28", "A31"])
def test_events_of_the_person_write_no_visit(event: str):
    assert of(understood(message(PID, PV1, kind=f"ADT^{event}")), "Encounter") == []


def test_merged_registrations_name_each_other():
    reading = understood(message(PID, "MRG|777^^^H1&1.2.156.38.1&ISO^MR", kind="ADT^A40"))
    kept, old = of(reading, "Patient")
    assert old["active"] is False
    assert old["link"] == [{"other": {"reference": f"Patient/{kept['id']}"}, "type": "replaced-by"}]
    assert kept["link"] == [{"other": {"reference": f"Patient/{old['id']}"}, "type": "replaces"}]
    assert old["id"] == of(understood(message(PID.replace("12345", "777"))), "Patient")[0]["id"]


def values(reading: Reading) -> dict[str, Any]:
    def value(one: dict[str, Any]) -> Any:
        return next((one[name] for name in one if name.startswith("value")), None)

    return {one["code"]["coding"][0]["code"]: value(one) for one in of(reading, "Observation")}


def test_results_keep_every_type_of_value():
    reading = understood(RESULTS)
    found = values(reading)
    assert found["6690-2"] | {"value": "6.10"} == {
        "value": "6.10",
        "unit": "10*9/L",
        "system": "http://unitsofmeasure.org",
        "code": "10*9/L",
    }
    assert str(found["6690-2"]["value"]) == "6.10"
    assert (found["HBV"]["comparator"], str(found["HBV"]["value"]), found["HBV"]["unit"]) == ("<", "20", "IU/mL")
    assert [str(found["ANA"][part]["value"]) for part in ("numerator", "denominator")] == ["1", "128"]
    assert [one["code"] for one in found["ABO"]["coding"]] == ["A", "P"]
    assert found["COL"] == "黄&清"
    assert found["HCG"] == "阴性"
    assert found["DONE"] == "2026-01-05"
    assert [(one.rule, one.place, one.value) for one in reading.findings] == [("bad-number", "OBX[6]-5", "阴性")]
    assert outcome(reading) == "accepted"


def test_a_report_holds_its_results_order_times_and_documents():
    reading = understood(RESULTS)
    (report,) = of(reading, "DiagnosticReport")
    assert (report["status"], report["conclusion"]) == ("final", "空腹")
    assert report["basedOn"][0]["identifier"]["value"] == "P1"
    assert report["encounter"]["identifier"]["value"] == "V77"
    assert report["issued"] == "2026-01-05T10:00:00+08:00"
    assert len(report["result"]) == 7
    assert report["presentedForm"] == [{"contentType": "application/pdf", "data": "JVBERi0=", "title": "报告"}]
    first = of(reading, "Observation")[0]
    assert first["interpretation"][0]["coding"][0]["code"] == "H"
    assert first["referenceRange"] == [{"text": "3.5-9.5"}]
    assert first["note"] == [{"text": "复查\n一次"}]
    assert [one["status"] for one in of(reading, "Observation")][-3:] == ["corrected", "preliminary", "final"]


def test_a_correction_writes_the_result_that_it_corrects():
    again = understood(RESULTS.replace("||6.10|", "||6.20|").replace("|H|||F|", "|H|||C|").replace("|C1|", "|C2|"))
    before = understood(RESULTS)
    assert [one["id"] for one in again.resources] == [one["id"] for one in before.resources]
    assert of(again, "Observation")[0]["status"] == "corrected"


def test_like_results_of_one_report_are_told_apart():
    obx = "OBX|1|ST|CUL^培养^L|%s|%s||||||F"
    reading = understood(
        message(PID, "OBR|1||F9^LIS|CUL^培养^L", obx % ("1", "a"), obx % ("1", "b"), obx % ("2", "c"), kind="ORU^R01")
    )
    assert len({one["id"] for one in of(reading, "Observation")}) == 3


@pytest.mark.parametrize(
    ("kind", "control", "status"),
    [("ORM^O01", "NW", "active"), ("OML^O21", "CA", "revoked"), ("ORM^O01", "HD", "on-hold")],
)
def test_an_order_and_its_state(kind: str, control: str, status: str):
    orc = f"ORC|{control}|P1^HIS||||||20260105|20260105083000|||d7^王^医"
    reading = understood(message(PID, PV1, orc, "OBR|1|P1^HIS||BC^血常规^L", kind=kind))
    (order,) = of(reading, "ServiceRequest")
    assert (order["status"], order["intent"]) == (status, "order")
    assert order["authoredOn"] == "2026-01-05T08:30:00+08:00"
    assert order["requester"]["display"] == "王医"


SCHEDULE = (
    "SCH|P5^HIS|F5^HIS|||||CHK^复查^L|NORMAL|30|min|^^^20260110090000^20260110093000",
    PID,
    "AIS|1||CARD^心内科^L|20260110090000",
    "AIP|1||d7^王^医|ATT^接诊^L",
    "AIL|1||3诊室^^^北院",
)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("S12", "booked"),
        ("S13", "booked"),
        ("S14", "booked"),
        ("S15", "cancelled"),
        ("S17", "entered-in-error"),
        ("S26", "noshow"),
    ],
)
def test_every_event_of_an_appointment_writes_the_same_one(event: str, status: str):
    (made,) = of(understood(message(*SCHEDULE, kind=f"SIU^{event}")), "Appointment")
    assert made["status"] == status
    assert made["id"] == of(understood(message(*SCHEDULE, kind="SIU^S12")), "Appointment")[0]["id"]
    assert (made["start"], made["end"]) == ("2026-01-10T09:00:00+08:00", "2026-01-10T09:30:00+08:00")
    assert [one["actor"].get("display") for one in made["participant"]] == [None, "王医", "北院 3诊室"]
    assert made["serviceType"][0]["text"] == "心内科"


def test_an_appointment_without_an_end_ends_after_its_minutes():
    (made,) = of(understood(message(SCHEDULE[0].rsplit("|", 1)[0], *SCHEDULE[1:], kind="SIU^S12")), "Appointment")
    assert (made["end"], made["minutesDuration"]) == ("2026-01-10T09:30:00+08:00", 30)


def test_an_appointment_of_which_only_the_day_is_known_says_so():
    (made,) = of(understood(message("SCH|P5^HIS||||||||||^^^20260110", PID, kind="SIU^S12")), "Appointment")
    assert "start" not in made
    assert made["requestedPeriod"] == [{"start": "2026-01-10"}]


def test_an_appointment_at_the_end_of_time_has_no_end_made_up():
    sch = "SCH|P5^HIS||||||||30|min|^^^99991231235959"
    (made,) = of(understood(message(sch, PID, kind="SIU^S12")), "Appointment")
    assert made["requestedPeriod"] == [{"start": "9999-12-31T23:59:59+08:00"}]


@pytest.mark.parametrize(
    ("completion", "action", "status"),
    [("CP", "A", "completed"), ("RE", "A", "not-done"), ("NA", "A", "not-done"), ("CP", "D", "entered-in-error")],
)
def test_a_vaccination(completion: str, action: str, status: str):
    fields = {
        1: "0",
        2: "1",
        3: "20260105",
        5: "0303^乙肝疫苗^L",
        6: "0.50",
        7: "mL^mL^UCUM",
        10: "d7^王^医",
        15: "L77",
    }
    fields |= {16: "20270101", 17: "M1^某厂^L", 20: completion, 21: action}
    reading = understood(
        message(PID, "ORC|RE||V9^CDC", segment("RXA", fields), "RXR|IM^肌注^L|LA^左臂^L", kind="VXU^V04")
    )
    (made,) = of(reading, "Immunization")
    assert (made["status"], made["occurrenceDateTime"], made["lotNumber"]) == (status, "2026-01-05", "L77")
    assert (str(made["doseQuantity"]["value"]), made["doseQuantity"]["code"]) == ("0.50", "mL")
    assert (made["vaccineCode"]["coding"][0]["code"], made["site"]["text"], made["route"]["text"]) == (
        "0303",
        "左臂",
        "肌注",
    )
    assert (made["expirationDate"], made["manufacturer"]) == ("2027-01-01", {"display": "某厂"})


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        (message(PID, kind="ADT^A99"), "unknown-kind", "MSH-9"),
        (message(PV1), "missing-segment", "PID"),
        (message("PID|1||||张^三"), "missing", "PID-3"),
        (message(PID, PID, kind="ORU^R01"), "missing-segment", "PID[2]"),
        (message(PID, kind="ORU^R01"), "missing-segment", "OBR"),
        (message(PID, kind="SIU^S12"), "missing-segment", "SCH"),
        (message(PID, "SCH|", kind="SIU^S12"), "missing", "SCH-1"),
        (message(PID, "RXA|0|1|20260105", kind="VXU^V04"), "missing", "RXA-5"),
        (message(PID, kind="ADT^A40"), "missing-segment", "MRG"),
        (message(PID, PV1_UNNAMED), "missing", "PV1-19"),
        (message(PID.replace("|M|", "|Q|")), "unknown-code", "PID-8"),
        (message(PID.replace("19900101|", "19901340|")), "bad-time", "PID-7"),
        (message(PID, version="3.0"), "unknown-version", "MSH-12"),
        (message(PID, "OBR|1||F^L|A^B^L", "OBX|1|QQ|A^B^L||x||||||F", kind="ORU^R01"), "unknown-type", "OBX-2"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_words(text: str, rule: str, place: str):
    reading = understood(text)
    assert (rule, place) in [(one.rule, one.place) for one in reading.findings]
    told = faults(reading.findings)
    assert all(one.code.isdecimal() and one.text and one.severity in "EWI" for one in told)
    errors = any(findings()[one.rule]["severity"] == "error" for one in reading.findings)
    assert outcome(reading) == ("error" if errors else "accepted")


def test_full_width_digits_are_no_numbers_and_no_times():
    obx = ("OBX|1|NM|A^B^L||６.１||||||F", "OBX|2|TS|C^D^L||２０２６||||||F")
    assert values(understood(message(PID, "OBR|1||F^L|A^B^L", *obx, kind="ORU^R01"))) == {"A": "６.１", "C": "２０２６"}


def test_thousands_of_faults_are_told_once_each_and_not_without_end():
    obx = [f"OBX|{number}|NM|A{number}^B^L||x||||||F||||||" for number in range(3000)]
    reading = read(message(PID, "OBR|1||F^L|A^B^L|||nonsense", *obx, kind="ORU^R01").encode(), "h1")
    assert len(reading.findings) == len(set(reading.findings)) == 51
    assert [one.place for one in reading.findings if one.rule == "bad-time"] == ["OBR-7"]
    assert len(of(reading, "Observation")) == 3000


def test_the_same_message_gives_the_same_resources():
    assert understood(RESULTS).resources == understood(RESULTS).resources


def test_the_findings_have_all_words():
    for rule, words in findings().items():
        assert {"severity", "code", "zh", "en", "do_zh", "do_en", "clause"} == set(words), rule


KINDS = [f"{kind}^{event}" for kind, events in EVENTS.items() for event in events]
FIELD = st.text(st.sampled_from(list('|^~&\\01239AFNMX .张\x00\x07\t"')), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "PID",
                    "PV1",
                    "OBR",
                    "OBX",
                    "ORC",
                    "NTE",
                    "NK1",
                    "AL1",
                    "DG1",
                    "IN1",
                    "MRG",
                    "SCH",
                    "AIS",
                    "AIP",
                    "RXA",
                    "RXR",
                    "TXA",
                    "FT1",
                    "PR1",
                    "ZZZ",
                ]
            ),
            FIELD,
            FIELD,
        ),
        max_size=8,
    ),
)
def test_whatever_stands_in_the_segments_comes_out_valid_or_as_a_finding(kind: str, drawn: list[tuple[str, str, str]]):
    made = [f"{name}|1|{one}|7^8^9|{two}|{one}|{two}|{two}|{one}" for name, one, two in drawn]
    with contextlib.suppress(Unreadable):
        understood(message(PID, *made, kind=kind))
