"""What the door adds to a search: links, modes, totals, cuts, lenient handling. What matches: see tests/spec."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.lib.asgi import Answer, Client

pytestmark = pytest.mark.anyio

OBSERVATION = (
    '{"resourceType":"Observation","id":"o#","status":"final","code":{"coding":[{"system":"urn:oid:1.2","code":"k"}]},'
    '"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":6.#0},"note":[{"text":"n"}]}'
)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def clinic(door: Client) -> Client:
    """Three women, one man, and two observations of the first."""
    for number, (name, sex) in enumerate(
        [("张丽", "female"), ("张伟", "male"), ("单芳", "female"), ("李娜", "female")], start=1
    ):
        await door.put(
            f"/Patient/p{number}",
            {"resourceType": "Patient", "id": f"p{number}", "name": [{"text": name}], "gender": sex},
        )
    for number in (1, 2):
        await door.put(
            f"/Observation/o{number}",
            OBSERVATION.replace("#", str(number)),
        )
    return door


def ids(answer: Answer, mode: str = "match") -> list[str]:
    assert answer.status == 200, answer.body
    return sorted(e["resource"]["id"] for e in answer.json.get("entry", []) if e["search"]["mode"] == mode)


def link(answer: Answer, relation: str) -> str | None:
    return next((one["url"] for one in answer.json["link"] if one["relation"] == relation), None)


async def test_a_page_is_a_searchset_of_whole_addresses(clinic: Client) -> None:
    found = await clinic.get("/Patient?gender=female")
    assert ids(found) == ["p1", "p3", "p4"]
    assert found.json["type"] == "searchset"
    assert {e["fullUrl"] for e in found.json["entry"]} == {f"http://door.test/fhir/Patient/p{n}" for n in (1, 3, 4)}
    assert "total" not in found.json
    assert link(found, "self") == "http://door.test/fhir/Patient?gender=female"
    assert link(found, "next") is None


async def test_nothing_found_is_an_empty_page_without_entries(clinic: Client) -> None:
    found = await clinic.get("/Patient?gender=other")
    assert ids(found) == []
    assert "entry" not in found.json


async def test_digits_of_what_is_found_stay(clinic: Client) -> None:
    found = await clinic.get("/Observation?_id=o1")
    assert b'"value":6.10' in found.body


async def test_next_links_lead_through_all_and_end(clinic: Client) -> None:
    url: str | None = "/Patient?_count=1&_sort=_id&_format=json"
    seen: list[str] = []
    while url is not None:
        page = await clinic.get(url)
        seen += ids(page)
        following = link(page, "next")
        url = following.removeprefix("http://door.test/fhir") if following else None
        if url:
            assert dict(parse_qsl(urlsplit(url).query))["_format"] == "json"
    assert seen == ["p1", "p2", "p3", "p4"]


async def test_a_cursor_that_was_tampered_with_is_refused(clinic: Client) -> None:
    following = link(await clinic.get("/Patient?_count=1&_sort=_id"), "next")
    assert following is not None
    for url in ("/Patient?_cursor=abc", "/Patient?_cursor=%F0%9F%98%80", "/Patient?_cursor=" + "A" * 3000):
        assert (await clinic.get(url)).status == 400, url


async def test_a_cursor_of_another_question_is_refused_or_means_another_place_but_breaks_nothing(
    clinic: Client,
) -> None:
    questions = [f"/Patient?_count=1{more}" for more in ("", "&_sort=_id", "&_sort=-name", "&_sort=birthdate")]
    questions += ["/Patient/_history?_count=1", "/_history?_count=1", "/Patient/p1/$everything?_count=1"]
    cursors = {question: link(await clinic.get(question), "next") for question in questions}
    for question in questions:
        for other, url in cursors.items():
            assert url is not None, other
            answer = await clinic.get(f"{question}&{urlsplit(url).query.rpartition('&')[2]}")
            assert answer.status in ((200,) if other == question else (200, 400)), (question, other)
    elsewhere = str(cursors["/Patient?_count=1&_sort=_id"]).removeprefix("http://door.test/fhir")
    assert (await clinic.get(elsewhere.replace("_sort=_id", "_sort=-_id"))).status == 400


async def test_the_total_is_told_only_when_asked_for(clinic: Client) -> None:
    assert (await clinic.get("/Patient?gender=female&_total=accurate&_count=1")).json["total"] == 3
    assert (await clinic.get("/Patient?gender=female&_totalMethod=count&_count=1")).json["total"] == 3
    assert (await clinic.get("/Patient?_totalMethod=guess")).status == 400
    counted = await clinic.get("/Patient?gender=female&_summary=count")
    assert counted.json["total"] == 3
    assert "entry" not in counted.json
    assert (await clinic.get("/Patient?gender=female&_count=0")).json["total"] == 3


async def test_includes_are_marked_as_such(clinic: Client) -> None:
    found = await clinic.get("/Observation?_include=Observation:subject&_elements=status")
    assert ids(found) == ["o1", "o2"]
    assert ids(found, "include") == ["p1"]
    shown = {e["resource"]["id"]: e["resource"] for e in found.json["entry"]}
    assert "note" not in shown["o1"]
    assert shown["p1"]["name"] == [{"text": "张丽"}]


@pytest.mark.parametrize(
    ("query", "kept", "dropped"),
    [
        ("_summary=true", {"code", "valueQuantity"}, {"note"}),
        ("_summary=data", {"note"}, {"text"}),
        ("_summary=text", {"status", "code"}, {"note", "valueQuantity"}),
        ("_elements=value,note", {"valueQuantity", "note", "status"}, {"subject"}),
        ("_summary=false", {"note", "valueQuantity"}, set()),
    ],
)
async def test_what_is_found_can_be_cut(clinic: Client, query: str, kept: set[str], dropped: set[str]) -> None:
    found = await clinic.get(f"/Observation?_id=o1&{query}")
    resource = found.json["entry"][0]["resource"]
    assert kept <= set(resource)
    assert not dropped & set(resource)
    tagged = any(tag["code"] == "SUBSETTED" for tag in resource["meta"].get("tag", []))
    assert tagged == (query != "_summary=false")


async def test_a_typo_is_an_error_unless_handling_is_lenient(clinic: Client) -> None:
    assert (await clinic.get("/Patient?gendre=female")).status == 400
    assert "gendre" in (await clinic.get("/Patient?gendre=female")).text
    assert (await clinic.get("/Patient?gendre=female", prefer="handling=strict")).status == 400
    lenient = await clinic.get("/Patient?gendre=female&gender=male", prefer="handling=lenient")
    assert ids(lenient) == ["p2"]
    assert link(lenient, "self") == "http://door.test/fhir/Patient?gender=male"
    told = [e for e in lenient.json["entry"] if e["search"]["mode"] == "outcome"]
    assert "gendre" in told[0]["resource"]["issue"][0]["diagnostics"]


async def test_a_posted_search_reads_the_form_and_the_address(clinic: Client) -> None:
    found = await clinic.post("/Patient/_search?gender=female", "name=%E5%BC%A0", content_type=FORM)
    assert ids(found) == ["p1"]
    assert link(found, "self") == "http://door.test/fhir/Patient?gender=female&name=%E5%BC%A0"
    assert (await clinic.post("/Patient/_search", "{}", content_type="application/json")).status == 415
    assert (await clinic.post("/Patient/_search", "gender=%zz", content_type=FORM)).status == 400
    assert ids(await clinic.post("/_search", "_type=Patient&_id=p1", content_type=FORM)) == ["p1"]


async def test_a_compartment_is_searched_as_part_of_the_patient(clinic: Client) -> None:
    found = await clinic.get("/Patient/p1/Observation?code=urn:oid:1.2|k")
    assert ids(found) == ["o1", "o2"]
    assert link(found, "self") == "http://door.test/fhir/Patient/p1/Observation?code=urn:oid:1.2|k"
    assert ids(await clinic.get("/Patient/p2/Observation")) == []
    assert {"o1", "o2"} <= set(ids(await clinic.get("/Patient/p1/*")))
    posted = await clinic.post("/Patient/p1/Observation/_search", "_id=o2", content_type=FORM)
    assert ids(posted) == ["o2"]


async def test_the_whole_system_is_searched_by_type(clinic: Client) -> None:
    assert ids(await clinic.get("/?_type=Patient,Observation&_id=p1,o2")) == ["o2", "p1"]


async def test_names_are_found_by_pinyin_through_the_door(clinic: Client) -> None:
    assert ids(await clinic.get("/Patient?name=zhangli")) == ["p1"]
    assert ids(await clinic.get("/Patient?name=zl")) == ["p1"]
    assert ids(await clinic.get("/Patient?name=shan")) == ["p3"]


async def test_links_keep_what_they_must_escape(clinic: Client) -> None:
    tricky = 'a&b=c "d" <e> 张 %'
    escaped = "a%26b%3Dc%20%22d%22%20%3Ce%3E%20%E5%BC%A0%20%25"
    found = await clinic.get(f"/Patient?name:exact={escaped}")
    self = link(found, "self")
    assert self is not None
    assert parse_qsl(urlsplit(self).query) == [("name:exact", tricky)]


@pytest.mark.parametrize(
    "query",
    [
        "birthdate=2024-13-01",
        "birthdate=yesterday",
        "_lastUpdated=x",
        "_count=-1",
        "_count=many",
        "_sort=colour",
        "_summary=some",
        "_total=maybe",
        "_include=Patient",
        "_include=Patient:colour",
        "gender:colour=male",
        "name=" + "x" * 5000,
        "&".join(f"_tag={n}" for n in range(200)),
    ],
)
async def test_a_search_that_means_nothing_is_refused(clinic: Client, query: str) -> None:
    answer = await clinic.get(f"/Patient?{query}")
    assert answer.status == 400, answer.body
    assert answer.json["resourceType"] == "OperationOutcome"
