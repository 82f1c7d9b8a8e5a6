"""$lookup, $validate-code, $expand, $translate and $subsumes at the door, over both stores."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lib.asgi import Client

pytestmark = pytest.mark.anyio

SYSTEM = "https://example.org/fhir/CodeSystem/diagnoses"
SETS = "https://example.org/fhir/ValueSet/"


def concept(code: str, display: str, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"code": code, "display": display, **more}
    return made | ({"concept": list(below)} if below else {})


RETIRED = {"property": [{"code": "inactive", "valueBoolean": True}]}
ENGLISH = {"designation": [{"language": "en", "value": "Acute myocardial infarction"}]}
CODES: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "id": "d1",
    "url": SYSTEM,
    "version": "1.0",
    "name": "Diagnoses",
    "status": "active",
    "content": "complete",
    "concept": [
        concept(
            "I20-I25",
            "缺血性心脏病",
            concept("I21", "急性心肌梗死", concept("I21.0", "前壁急性透壁性心肌梗死"), **ENGLISH),
            concept("I25.1", "冠状动脉粥样硬化性心脏病"),
        ),
        concept("J18", "肺炎"),
        concept("Z99", "旧码", **RETIRED),
    ],
}
HEART = {"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "I20-I25"}]}
MAP: dict[str, Any] = {
    "resourceType": "ConceptMap",
    "id": "m",
    "url": "https://example.org/fhir/ConceptMap/local",
    "status": "active",
    "group": [
        {
            "source": "https://example.org/local",
            "target": SYSTEM,
            "element": [{"code": "A1", "target": [{"code": "I21", "equivalence": "equivalent"}]}],
        }
    ],
}


@pytest.fixture
async def filled(door: Client) -> Client:
    newer = CODES | {"id": "d2", "version": "2.0", "concept": [*CODES["concept"], concept("N1", "新码")]}
    sets: list[dict[str, Any]] = [
        {"id": "all", "compose": {"include": [{"system": SYSTEM}]}},
        {"id": "heart", "compose": {"include": [HEART]}},
        {"id": "rest", "compose": {"include": [{"system": SYSTEM}], "exclude": [{"valueSet": [SETS + "heart"]}]}},
        {"id": "circle", "compose": {"include": [{"valueSet": [SETS + "circle"]}]}},
    ]
    made = [one | {"resourceType": "ValueSet", "url": SETS + one["id"], "status": "active"} for one in sets]
    for resource in (CODES, newer, MAP, *made):
        answer = await door.put(f"/{resource['resourceType']}/{resource['id']}", resource)
        assert answer.status == 201, answer.json
    return door


def values(answer: Any) -> dict[str, Any]:
    assert answer.status == 200, answer.json
    return {
        part["name"]: next((value for key, value in part.items() if key.startswith("value")), None)
        for part in answer.json["parameter"]
    }


def codes(answer: Any) -> list[str]:
    assert answer.status == 200, answer.json
    return [line["code"] for line in answer.json["expansion"].get("contains", [])]


async def test_a_code_is_looked_up_in_the_version_asked_for(filled: Client) -> None:
    path = f"/CodeSystem/$lookup?system={SYSTEM}"
    assert values(await filled.get(path + "&code=I21"))["display"] == "急性心肌梗死"
    assert values(await filled.get(path + "&code=I21"))["version"] == "2.0"
    english = values(await filled.get(path + "&code=I21&displayLanguage=en"))
    assert english["display"] == "Acute myocardial infarction"
    assert (await filled.get(path + "&code=N1")).status == 200
    assert (await filled.get(path + "&code=N1&version=1.0")).status == 404
    assert (await filled.get(path + "&code=N1&version=9")).status == 404
    assert (await filled.get("/CodeSystem/$lookup?code=N1")).status == 400


async def test_value_sets_are_expanded_with_excludes_and_pages(filled: Client) -> None:
    heart = await filled.get("/ValueSet/heart/$expand")
    assert codes(heart) == ["I20-I25", "I21", "I21.0", "I25.1"]
    assert codes(await filled.get(f"/ValueSet/$expand?url={SETS}rest")) == ["J18", "Z99", "N1"]
    assert codes(await filled.get(f"/ValueSet/$expand?url={SETS}rest&activeOnly=true")) == ["J18", "N1"]
    page = await filled.get(f"/ValueSet/$expand?url={SETS}heart&offset=1&count=2")
    assert codes(page) == ["I21", "I21.0"]
    assert page.json["expansion"]["total"] == 4
    old = await filled.get(f"/ValueSet/$expand?url={SETS}all&system-version={SYSTEM}|1.0")
    assert "N1" not in codes(old)


@pytest.mark.parametrize("typed", ["心肌", "xinji", "jxxjgs", "I21", "myocard"])
async def test_what_is_typed_finds_by_characters_pinyin_initials_code_and_designation(
    filled: Client, typed: str
) -> None:
    answer = await filled.get(f"/ValueSet/$expand?url={SETS}all&filter={typed}")
    assert codes(answer)[0] == "I21"
    assert "J18" not in codes(answer)


async def test_codes_are_validated_with_reasons(filled: Client) -> None:
    path = f"/ValueSet/$validate-code?url={SETS}heart&system={SYSTEM}"
    assert values(await filled.get(path + "&code=I21"))["result"] is True
    outside = await filled.get(path + "&code=J18")
    assert values(outside)["result"] is False
    assert "not in the value set" in values(outside)["message"]
    assert values(await filled.get(path + "&code=I21&display=肺炎"))["result"] is False
    assert values(await filled.get(path + "&code=nothing"))["result"] is False
    assert values(await filled.get(f"/CodeSystem/$validate-code?url={SYSTEM}&code=J18"))["result"] is True
    coding = {"system": SYSTEM, "code": "I21.0"}
    body = {"resourceType": "Parameters", "parameter": [{"name": "coding", "valueCoding": coding}]}
    assert values(await filled.post("/ValueSet/heart/$validate-code", body))["result"] is True


async def test_one_code_subsumes_another(filled: Client) -> None:
    for a, b, outcome in (
        ("I20-I25", "I21.0", "subsumes"),
        ("I21.0", "I21", "subsumed-by"),
        ("J18", "I21", "not-subsumed"),
        ("J18", "J18", "equivalent"),
    ):
        answer = await filled.get(f"/CodeSystem/$subsumes?system={SYSTEM}&codeA={a}&codeB={b}")
        assert values(answer)["outcome"] == outcome
    assert (await filled.get(f"/CodeSystem/$subsumes?system={SYSTEM}&codeA=J18&codeB=x")).status == 404


async def test_local_codes_are_translated_by_the_maps_that_are_here(filled: Client) -> None:
    path = "/ConceptMap/$translate?system=https://example.org/local"
    answer = await filled.get(f"{path}&code=A1&targetsystem={SYSTEM}")
    assert values(answer)["result"] is True
    match = next(part for part in answer.json["parameter"] if part["name"] == "match")
    assert {"name": "concept", "valueCoding": {"system": SYSTEM, "code": "I21"}} in match["part"]
    assert values(await filled.get(path + "&code=A2"))["result"] is False
    back = f"/ConceptMap/m/$translate?system={SYSTEM}&code=I21&reverse=true"
    assert values(await filled.get(back))["result"] is True


async def test_bad_input_is_refused_with_a_reason(filled: Client) -> None:
    for path, status in (
        ("/ValueSet/$expand", 400),
        (f"/ValueSet/$expand?url={SETS}none", 404),
        (f"/ValueSet/$expand?url={SETS}circle", 422),
        (f"/ValueSet/$expand?url={SETS}all&count=-1", 400),
        (f"/ValueSet/$expand?url={SETS}all&activeOnly=perhaps", 400),
        (f"/ValueSet/$expand?url={SETS}all&displayLanguage=%3F", 400),
        (f"/ValueSet/heart/$expand?url={SETS}all", 400),
        (f"/ValueSet/$validate-code?url={SETS}all", 400),
        ("/ValueSet/none/$expand", 404),
        ("/ConceptMap/$translate?code=A1", 400),
    ):
        answer = await filled.get(path)
        assert answer.status == status, (path, answer.json)
        assert answer.json["resourceType"] == "OperationOutcome"
