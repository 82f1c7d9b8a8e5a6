"""MDM and DFT: texts of documents and their editions, charges, diagnoses and procedures."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from minkang.fhir.search.grammar import parse
from minkang.gateways.hl7v2.endpoint.taking import taken
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.gateways.hl7v2.examples import PID, PV1, message, segment
from tests.gateways.hl7v2.test_mapping import of, understood
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

RULES = rules_of("minkang.gateways.hl7v2")


def an_mdm(event: str, number: str, words: str = "主诉：头痛三天", parent: str = "", at: str = "20260105090000") -> str:
    txa = segment(
        "TXA",
        {
            1: "1",
            2: "DS^出院小结",
            4: "20260105080000+0800",
            6: "20260105083000+0800",
            9: "d7^王^医",
            12: f"{number}^EMR",
            13: f"{parent}^EMR" if parent else "",
            17: "LA",
            18: "R",
            19: "AV",
        },
    )
    obx = f"OBX|1|TX|18842-5^Discharge summary^LN||{words}||||||F"
    made = message(PID, PV1, txa, obx, kind=f"MDM^{event}")
    return made.replace("20260105083000|", f"{at}|", 1).replace("|C1|", f"|{event}{number}{at}|", 1)


def test_a_document_has_its_text_its_author_and_its_place_in_a_set():
    reading = understood(
        an_mdm("T02", "D1", "主诉：头痛~体温 36.5").replace(
            "\rOBX|1", "\rOBX|2|ED|PDF||EMR^AP^PDF^Base64^JVBERi0=\rOBX|1"
        )
    )
    text, pdf = (one["attachment"] for one in reading.about["content"])
    words = {f"Binary/{one['id']}": base64.b64decode(one["data"]).decode() for one in of(reading, "Binary")}
    assert words[text["url"]] == "主诉：头痛\n体温 36.5"
    assert (pdf["contentType"], words[pdf["url"]]) == ("application/pdf", "%PDF-")
    assert reading.about["type"]["coding"][0]["system"] == "http://terminology.hl7.org/CodeSystem/v2-0270"
    assert reading.about["author"][0]["display"] == "王医"
    assert reading.about["docStatus"] == "final"
    assert reading.about["securityLabel"][0]["coding"][0]["code"] == "R"
    assert reading.about["date"] == "2026-01-05T08:30:00+08:00"
    assert reading.version is not None
    assert reading.version.relation == ""


@pytest.mark.parametrize(("event", "relation"), [("T06", "append"), ("T10", "replace")])
def test_an_addendum_belongs_to_what_it_adds_to_and_a_replacement_takes_its_place(event: str, relation: str):
    first, second = (understood(one).version for one in (an_mdm("T02", "D1"), an_mdm(event, "D2", parent="D1")))
    assert first is not None
    assert second is not None
    assert second.relation == relation
    assert (second.set == first.set) is (relation == "append")
    assert second.over == (first.set if relation == "replace" else "")


@pytest.mark.parametrize(("number", "parent", "place"), [("", "", "TXA-12"), ("D2", "", "TXA-13")])
def test_a_document_without_a_number_or_a_parent_is_told(number: str, parent: str, place: str):
    text = an_mdm("T10", number, parent=parent).replace("|^EMR|", "||")
    assert [(one.rule, one.place) for one in understood(text).findings] == [("missing", place)]


async def documents(repository: Repository) -> dict[str, dict[str, Any]]:
    page = await repository.search(parse("DocumentReference", [("_count", "50")], strict=True))
    found = [orjson.loads(hit.stored.content) for hit in page.hits]
    return {f"{one['identifier'][0]['value']} {one['status']}": one for one in found}


@pytest.mark.anyio
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
async def test_of_a_document_replaced_twice_the_last_one_counts_whatever_comes_first(
    repository_for: RepositoryFor, order: tuple[int, ...]
):
    repository = repository_for(Actor("Device/test"), EVERYTHING)
    sent = [
        an_mdm("T02", "D1", "一", at="20260105090000"),
        an_mdm("T10", "D2", "二", parent="D1", at="20260105100000"),
        an_mdm("T10", "D3", "三", parent="D2", at="20260105110000"),
    ]
    for one in order:
        found = await taken(Intake(repository, RULES), sent[one].encode(), sender="h1")
        assert found.receipt is not None
        assert found.receipt.is_taken
    there = await documents(repository)
    assert sorted(there) == ["D1 superseded", "D2 superseded", "D3 current"]
    assert there["D3 current"]["relatesTo"][0]["code"] == "replaces"


@pytest.mark.anyio
async def test_an_edit_replaces_an_addendum_adds_and_a_cancellation_says_so(repository_for: RepositoryFor):
    repository = repository_for(Actor("Device/test"), EVERYTHING)
    for event, number, parent, hour in (
        ("T02", "D1", "", "09"),
        ("T08", "D1", "", "10"),
        ("T06", "D2", "D1", "11"),
        ("T11", "D1", "", "12"),
    ):
        text = an_mdm(event, number, f"{event} 的文字", parent, f"20260105{hour}0000")
        await taken(Intake(repository, RULES), text.encode(), sender="h1")
        if event == "T06":
            assert sorted(await documents(repository)) == ["D1 current", "D1 superseded", "D2 current"]
    there = await documents(repository)
    assert "D1 entered-in-error" in there
    old = there["D1 superseded"]["content"][0]["attachment"]["url"].removeprefix("Binary/")
    assert (
        base64.b64decode(orjson.loads((await repository.read("Binary", old)).content)["data"])
        .decode()
        .endswith("的文字")
    )


CHARGES = message(
    segment("PID", {1: "1", 3: "12345^^^H1", 5: "张^三", 18: "A9^^^H1^AN"}),
    PV1,
    segment(
        "FT1",
        {
            1: "1",
            2: "TX1",
            4: "20260105",
            6: "CG",
            7: "250302001^葡萄糖测定^L",
            10: "2",
            11: "17.00&CNY",
            12: "8.50",
            13: "LAB^检验科",
            20: "d7^王^医",
            23: "F1^LIS",
        },
    ),
    segment("FT1", {1: "2", 2: "TX2", 6: "CD", 7: "250302001", 11: "17.00"}),
    segment("FT1", {1: "3", 2: "TX3", 6: "PY", 7: "CASH", 11: "17.00"}),
    "DG1|1||I10^原发性高血压^I10|||F",
    segment("PR1", {1: "1", 3: "45.2300^结肠镜检查^I9C", 5: "202601051000", 11: "d9^赵^医"}),
    kind="DFT^P03",
)


def test_charges_go_to_the_account_and_credits_are_below_zero():
    reading = understood(CHARGES)
    charge, credit = of(reading, "ChargeItem")
    (account,) = of(reading, "Account")
    assert charge["account"] == [{"reference": f"Account/{account['id']}"}]
    assert (str(charge["priceOverride"]["value"]), charge["priceOverride"]["currency"]) == ("17.00", "CNY")
    assert str(charge["quantity"]["value"]) == "2"
    assert {"text": "FT1-12: 8.50"} in charge["note"]
    assert str(credit["priceOverride"]["value"]) == "-17.00"
    assert [one.rule for one in reading.findings] == ["no-charge"]
    assert account["identifier"][0]["value"] == "A9"


def test_diagnoses_and_procedures_of_charges_name_the_visit_and_do_not_write_it():
    reading = understood(CHARGES)
    assert of(reading, "Encounter") == []
    (condition,), (procedure,) = of(reading, "Condition"), of(reading, "Procedure")
    assert condition["encounter"]["identifier"]["value"] == procedure["encounter"]["identifier"]["value"] == "V77"
    assert procedure["performer"][0]["function"]["coding"][0]["code"] == "SUR"
    admitted = message(PID, PV1, "DG1|1||I10^原发性高血压^I10|||F")
    alike = understood(admitted.replace("12345^^^H1&1.2.156.38.1&ISO^MR", "12345^^^H1"))
    assert of(alike, "Condition")[0]["id"] == condition["id"]


@pytest.mark.anyio
async def test_two_quotes_remove_what_was_said_before(repository_for: RepositoryFor):
    repository = repository_for(Actor("Device/test"), EVERYTHING)
    gone = segment("PID", {1: "1", 3: "12345^^^H1", 7: '""', 8: '""', 11: '""', 13: '""'})
    said = segment(
        "PID", {1: "1", 3: "12345^^^H1", 5: "张^三", 7: "19900101", 8: "M", 11: "一路", 13: "111", 14: "222"}
    )
    seen = {1: "1", 2: "I", 19: "V1^^^H1", 44: "202601050810"}
    first = message(said, segment("PV1", seen | {7: "d7^王", 8: "d8^李", 45: "202601060810"}), kind="ADT^A03")
    second = message(gone, segment("PV1", {1: "1", 2: "I", 7: '""', 19: "V1^^^H1", 45: '""'}), kind="ADT^A13")
    for text in (first, second):
        found = await taken(Intake(repository, RULES), text.encode(), sender="h1")
        assert found.receipt is not None
        assert found.receipt.is_taken
    trees = {
        type: orjson.loads((await repository.search(parse(type, [], strict=True))).hits[0].stored.content)
        for type in ("Patient", "Encounter")
    }
    patient, visit = trees["Patient"], trees["Encounter"]
    assert patient["name"][0]["text"] == "张三"
    assert patient.keys() & {"birthDate", "gender", "address"} == set()
    assert [one["value"] for one in patient["telecom"]] == ["222"]
    assert [one["individual"]["display"] for one in visit["participant"]] == ["李"]
    assert visit["period"] == {"start": "2026-01-05T08:10:00+08:00"}


def test_nothing_is_emptied_by_a_field_that_is_empty():
    assert understood(message(segment("PID", {1: "1", 3: "12345^^^H1", 7: ""}))).cleared == []
