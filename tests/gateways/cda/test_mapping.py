"""What a clinical document says becomes the right resources; what is wrong with it is told; nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import Exact
from minkang.fhir.validation import faults
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.kinds import kinds
from tests.gateways.cda.making import (
    cluster,
    coded,
    document,
    measured,
    observation,
    section,
    text,
    value,
)

ICD = "2.16.156.10011.2.3.3.11.3"
TCM = "2.16.156.10011.2.3.3.14"


def read(*sections: str, **header: Any) -> list[dict[str, Any]]:
    found = understood(document(*sections, **header)).resources
    assert [issue.text for tree in found for issue in faults(tree) if issue.severity == "error"] == []
    return found


def of(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in found if one["resourceType"] == kind]


def kept(tree: dict[str, Any], name: str) -> list[Any]:
    """What extensions of a name hold."""
    own = [one for one in tree.get("extension", ()) if one["url"].endswith(f"/cda-{name}")]
    return [next(iter(value for key, value in one.items() if key != "url")) for one in own]


def test_the_header_becomes_patient_visit_and_composition() -> None:
    found = read(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛3天"))))
    (patient,), (visit,), (whole,) = (of(found, kind) for kind in ("Patient", "Encounter", "Composition"))
    assert (patient["name"], patient["gender"], patient["birthDate"]) == ([{"text": "李测试"}], "female", "1985-01-01")
    assert patient["identifier"][0]["system"] == "urn:oid:2.16.156.10011.1.3"
    assert kept(patient, "age") == [
        {"value": Exact("41"), "unit": "岁", "system": "http://unitsofmeasure.org", "code": "a"}
    ]
    assert (visit["class"]["code"], visit["identifier"][0]["value"]) == ("AMB", "V7")
    assert whole["type"]["coding"][0]["code"] == "C0002"
    assert whole["type"]["text"] == "门(急)诊病历"
    assert whole["author"][0] == {
        "type": "Practitioner",
        "identifier": {"system": "urn:oid:2.16.156.10011.1.7", "value": "D9"},
        "display": "王医生",
    }
    (complaint,) = of(found, "Observation")
    assert complaint["valueString"] == "头痛3天"
    assert [one["code"] for one in complaint["code"]["coding"]] == ["10154-3", "DE04.01.119.00"]
    assert whole["section"][0]["entry"] == [{"reference": f"Observation/{complaint['id']}"}]
    assert kept(complaint, "document") == [{"reference": f"Composition/{whole['id']}"}]


NAME = observation("DE05.01.025.00", "出院诊断名称", text("高血压病"))
CODE = observation("DE05.01.024.00", "出院诊断编码", coded("I10", ICD, "特发性高血压"))
RANK = observation("DE05.01.080.00", "顺位", value("INT", value="1"))
SHAPES = {
    "a cluster": [cluster(NAME, CODE, RANK)],
    "nested": [observation("DE05.01.025.00", "出院诊断名称", text("高血压病"), CODE, RANK)],
    "in a row": [NAME, CODE, RANK],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_diagnosis_is_one_however_it_is_written(shape: str) -> None:
    found = read(section("11535-2", *SHAPES[shape], cluster(observation("DE05.01.024.00", "其他", coded("E11", ICD)))))
    first, second = of(found, "Condition")
    assert first["code"]["text"] == "高血压病"
    assert first["code"]["coding"][0] == {"system": f"urn:oid:{ICD}", "code": "I10", "display": "特发性高血压"}
    assert kept(first, "rank") == [1]
    assert {one["coding"][0]["code"] for one in first["category"]} == {"encounter-diagnosis", "DD"}
    assert second["code"]["coding"][0]["code"] == "E11"
    assert of(found, "Observation") == []


def test_a_chinese_disease_and_its_syndrome_are_two() -> None:
    nested = observation(
        "DE05.10.172.00",
        "中医病名",
        text("眩晕"),
        observation("DE05.10.130.00", "病名代码", coded("BNG070", TCM)),
        observation("DE05.10.172.00", "证候", text("肝阳上亢")),
        observation("DE05.10.130.00", "证候代码", coded("ZYG000", TCM)),
    )
    found = of(read(section("29548-5", nested)), "Condition")
    assert [(one["code"]["text"], one["code"]["coding"][0]["code"]) for one in found] == [
        ("眩晕", "BNG070"),
        ("肝阳上亢", "ZYG000"),
    ]


def test_a_western_code_inside_of_a_chinese_name_is_its_code() -> None:
    inside = observation("DE05.01.024.00", "中医病名代码", coded("BNG070", TCM))
    found = of(read(section("29548-5", observation("DE05.10.172.00", "中医诊断", text("眩晕"), inside))), "Condition")
    assert [(one["code"]["text"], one["code"]["coding"][0]["code"]) for one in found] == [("眩晕", "BNG070")]


def an_item(code: str, number: str) -> list[str]:
    specimen = observation("DE04.50.134.00", "标本类别", text("血清"))
    return [
        observation("DE04.30.019.00", "检验项目代码", text(code), specimen),
        observation("DE04.30.017.00", "检验结果代码", coded("2", "2.16.156.10011.2.3.2.38", "异常")),
        observation(
            "DE04.30.015.00",
            "检验定量结果",
            value("REAL", value=number),
            observation("DE04.30.016.00", "计量单位", text("mmol/L")),
        ),
    ]


def test_a_laboratory_report_holds_its_results_and_specimens() -> None:
    rows = section("30954-2", *an_item("GLU", "7.10"), *an_item("CHOL", "5.2"))
    ids = '<id root="2.16.156.10011.1.33" extension="R1"/><id root="2.16.156.10011.1.11" extension="V7"/>'
    words = section("检验报告", observation("DE04.50.130.00", "检验报告结果", text("血糖升高")))
    found = read(rows, words, code="C0007", template="27", ids=ids)
    (report,) = of(found, "DiagnosticReport")
    assert report["identifier"] == [{"system": "urn:oid:2.16.156.10011.1.33", "value": "R1"}]
    assert report["conclusion"] == "血糖升高"
    results = [
        one
        for one in of(found, "Observation")
        if one["code"]["text" if "text" in one["code"] else "coding"] in ("GLU", "CHOL")
    ]
    assert [one["valueQuantity"]["value"].text for one in results] == ["7.10", "5.2"]
    assert results[0]["valueQuantity"]["code"] == "mmol/L"
    assert results[0]["interpretation"][0]["coding"][0]["code"] == "2"
    assert len(of(found, "Specimen")) == 2
    assert {one["specimen"]["reference"].split("/")[1] for one in results} == {
        one["id"] for one in of(found, "Specimen")
    }


def test_blood_pressure_is_one_with_two_parts() -> None:
    both = [
        observation("DE04.10.174.00", "收缩压", measured("142", "mmHg")),
        observation("DE04.10.176.00", "舒张压", measured("91", "mmHg")),
    ]
    (found,) = of(read(section("8716-3", cluster(*both))), "Observation")
    assert [(one["code"]["coding"][0]["code"], one["valueQuantity"]["code"]) for one in found["component"]] == [
        ("8480-6", "mm[Hg]"),
        ("8462-4", "mm[Hg]"),
    ]
    assert found["category"][0]["coding"][0]["code"] == "vital-signs"


@pytest.mark.parametrize(("flag", "state"), [("true", "unconfirmed"), ("false", "refuted")])
def test_a_flag_of_allergy_says_whether(flag: str, state: str) -> None:
    entry = observation(
        "DE02.10.023.00", "过敏史标志", value("BL", value=flag), observation("DE02.10.022.00", "过敏史", text("青霉素"))
    )
    (found,) = of(read(section("48765-2", entry)), "AllergyIntolerance")
    assert found["verificationStatus"]["coding"][0]["code"] == state
    assert found["code"]["text"] == "青霉素"


def test_a_prescription_becomes_requests_with_dose_and_fee() -> None:
    drug = (
        '<substanceAdministration classCode="SBADM" moodCode="EVN"><text>饭后服</text>'
        '<routeCode code="1" codeSystem="2.16.156.10011.2.3.1.158" displayName="口服"/>'
        '<doseQuantity value="0.50" unit="g"/><consumable><manufacturedProduct><manufacturedLabeledDrug>'
        "<name>阿莫西林胶囊</name></manufacturedLabeledDrug></manufacturedProduct></consumable>"
        '<entryRelationship typeCode="COMP">'
        f"{observation('DE08.50.043.00', '规格', text('0.25g*24'))}</entryRelationship>"
        "</substanceAdministration>"
    )
    fee = observation("DE07.00.004.00", "处方药品金额", value("MO", value="23.50", currency="元"))
    found = read(section("10160-0", drug), section("48768-6", fee), code="C0004", template="24")
    (request,) = of(found, "MedicationRequest")
    assert request["medicationCodeableConcept"] == {"text": "阿莫西林胶囊"}
    (dosage,) = request["dosageInstruction"]
    assert dosage["route"]["coding"][0]["code"] == "1"
    assert dosage["doseAndRate"][0]["doseQuantity"]["value"].text == "0.50"
    assert kept(request, "strength") == ["0.25g*24"]
    (invoice,) = of(found, "Invoice")
    assert invoice["lineItem"][0]["priceComponent"][0]["amount"] == {"value": Exact("23.50"), "currency": "CNY"}


def test_an_operation_has_its_team_and_what_is_said_of_it() -> None:
    operation = (
        '<procedure classCode="PROC" moodCode="EVN"><code code="47.01" codeSystem="2.16.156.10011.2.3.3.12"/>'
        '<effectiveTime><low value="20260301100000"/><high value="20260301113000"/></effectiveTime>'
        "<performer><assignedEntity><id root='2.16.156.10011.1.4' extension='S1'/><assignedPerson><name>赵主刀</name>"
        "</assignedPerson></assignedEntity></performer>"
        + "".join(
            f'<entryRelationship typeCode="COMP">{one}</entryRelationship>'
            for one in (
                observation("DE06.00.094.00", "手术名称", text("腹腔镜阑尾切除术")),
                observation("DE06.00.255.00", "手术级别", coded("2", "2.16.156.10011.2.3.1.258", "二级")),
                observation("DE06.00.256.00", "手术室编号", text("OR3")),
            )
        )
        + "</procedure>"
    )
    found = read(section("47519-4", operation), code="C0009", template="29")
    (procedure,) = of(found, "Procedure")
    assert procedure["code"]["text"] == "腹腔镜阑尾切除术"
    assert procedure["performedPeriod"]["end"] == "2026-03-01T11:30:00+08:00"
    assert procedure["performer"][0]["actor"]["display"] == "赵主刀"
    assert kept(procedure, "level")[0]["coding"][0]["code"] == "2"
    (room,) = of(found, "Observation")
    assert room["valueString"] == "OR3"
    assert kept(room, "within") == [{"reference": f"Procedure/{procedure['id']}"}]


def test_orders_are_requests_and_drugs_among_them_too() -> None:
    def order(kind: str, words: str) -> str:
        return cluster(
            observation("DE06.00.289.00", "医嘱项目类型", coded(kind, "2.16.156.10011.2.3.1.268")),
            observation("DE06.00.288.00", "医嘱项目内容", text(words)),
        )

    found = read(section("46209-3", order("01", "阿司匹林"), order("03", "血常规")), code="C0052", template="72")
    assert [one["medicationCodeableConcept"]["text"] for one in of(found, "MedicationRequest")] == ["阿司匹林"]
    assert [one["code"]["text"] for one in of(found, "ServiceRequest")] == ["血常规"]


def test_discharge_says_when_the_visit_ended() -> None:
    left = observation("DE06.00.017.00", "出院日期时间", value("TS", value="20260310090000"))
    ids = '<id root="2.16.156.10011.1.12" extension="I5"/>'
    found = read(section("11535-2", left), code="C0049", template="69", ids=ids)
    (visit,) = of(found, "Encounter")
    assert visit["period"] == {"end": "2026-03-10T09:00:00+08:00"}
    assert visit["class"]["code"] == "IMP"


def test_the_narrative_is_written_anew() -> None:
    words = (
        '<table border="1" onclick="x()"><tbody><tr><td colspan="2">血压 &lt; 140</td></tr></tbody></table>'
        '<content styleCode="Bold" ID="a">正常</content>之后<script>alert(1)</script>'
    )
    found = read(section("8716-3", words=words))
    div = of(found, "Composition")[0]["section"][0]["text"]["div"]
    assert '<table><tbody><tr><td colspan="2">血压 &lt; 140</td></tr></tbody></table><span>正常</span>之后' in div
    assert "script" not in div
    assert "onclick" not in div


HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "no patient at all": ({"patient": "", "ids": ""}, "cda-no-patient"),
    "no number": ({"patient": "<name>无号人</name>", "ids": ""}, "cda-no-number"),
    "wrong check digit": (
        {"patient": '<id root="2.16.156.10011.1.3" extension="380102198501010028"/><name>甲</name>'},
        "cda-bad-id-number",
    ),
    "sex differs": (
        {
            "patient": '<id root="2.16.156.10011.1.3" extension="380102198501010021"/><name>甲</name>'
            '<administrativeGenderCode code="1"/>'
        },
        "cda-sex-differs",
    ),
    "birth differs": (
        {
            "patient": '<id root="2.16.156.10011.1.3" extension="380102198501010021"/><name>甲</name>'
            '<birthTime value="19850102"/>'
        },
        "cda-birth-differs",
    ),
    "impossible date": ({"patient": '<name>甲</name><birthTime value="19850231"/>'}, "cda-bad-time"),
    "born later": ({"patient": '<name>甲</name><birthTime value="20300101"/>'}, "cda-born-later"),
    "unknown sex": ({"patient": '<name>甲</name><administrativeGenderCode code="7"/>'}, "cda-unknown-code"),
    "unknown document": ({"code": "X99", "template": "999"}, "cda-unknown-document"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_what_is_wrong_with_a_header_is_told(case: str) -> None:
    header, rule = HEADERS[case]
    reading = understood(document(**header))
    assert rule in {one.rule for one in reading.findings}
    assert not any("380102198501010028" in part for one in reading.findings for part in one)


def test_two_patients_are_one_too_many() -> None:
    other = (
        '<recordTarget><patientRole><id root="2.16.156.10011.1.3" extension="390102198501010027"/>'
        "<patient><name>乙</name></patient></patientRole></recordTarget>"
    )
    reading = understood(document(more=other))
    assert [one.rule for one in reading.findings] == ["cda-two-patients"]
    assert reading.resources == []


@pytest.mark.parametrize(
    ("entry", "said", "rule"),
    [
        (value("PQ", value="高", unit="kg"), "高kg", "cda-bad-number"),
        (value("INT", value="3.5"), "3.5", "cda-bad-number"),
        (value("BL", value="有"), "有", "cda-bad-boolean"),
        (value("TS", value="20261345"), "20261345", "cda-bad-time"),
    ],
)
def test_a_value_of_the_wrong_type_is_kept_as_text_and_told(entry: str, said: str, rule: str) -> None:
    reading = understood(document(section("8716-3", observation("DE04.10.188.00", "体重", entry))))
    (found,) = of(reading.resources, "Observation")
    assert found["valueString"] == said
    assert rule in {one.rule for one in reading.findings}


def test_an_empty_template_makes_nothing() -> None:
    empty = [observation("DE04.01.119.00", "主诉", text("")), observation("DE04.10.188.00", "体重", measured("", "kg"))]
    found = read(
        section("10154-3", *empty), section("29548-5", cluster(observation("DE05.01.024.00", "诊断", coded("", ICD))))
    )
    assert {one["resourceType"] for one in found} == {"Patient", "Encounter", "Composition"}
    assert of(found, "Composition")[0]["section"][0]["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_an_edition_keeps_the_ids_of_what_it_says_again() -> None:
    rows = [section("10154-3", observation("DE04.01.119.00", "主诉", text(words))) for words in ("头痛", "头晕")]
    first, second = (understood(document(one, version=at)) for at, one in enumerate(rows, 1))
    assert [(one["resourceType"], one["id"]) for one in first.resources] == [
        (one["resourceType"], one["id"]) for one in second.resources
    ]
    assert (first.version.set, second.version.number) == (second.version.set, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_every_kind_of_document_is_known_and_taken(kind: Any) -> None:
    arc = kind.template.rpartition(".")[2]
    sections = [section(code, observation("DE09.00.053.00", "记录", text(code))) for code in kind.sections]
    reading = understood(document(*sections, code=kind.code, template=arc))
    assert reading.kind == kind.code
    assert [one["title"] for one in of(reading.resources, "Composition")[0].get("section", [])][: len(sections)] != [""]
    assert len(of(reading.resources, "Observation")) == len(kind.sections)


WHOLE = document(
    section("11535-2", *SHAPES["nested"]),
    section("30954-2", *an_item("GLU", "7.1")),
    section("8716-3", words="<list><item>x</item></list>"),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.integers(0, len(WHOLE) - 1),
    st.integers(0, 80),
    st.binary(max_size=40)
    | st.sampled_from([b"<observation>", b'code=""', b"</section>", b'nullFlavor="UNK"', b"<value/>"]),
)
def test_a_broken_document_is_refused_or_makes_sound_resources(at: int, length: int, instead: bytes) -> None:
    broken = WHOLE[:at] + instead + WHOLE[at + length :]
    try:
        reading = understood(broken)
    except Incorrect:
        return
    assert [issue.text for tree in reading.resources for issue in faults(tree) if issue.severity == "error"] == []
