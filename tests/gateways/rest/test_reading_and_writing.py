"""create, read, vread, update, delete, history as http://hl7.org/fhir/R4/http.html tells them, through the door."""

from __future__ import annotations

import re

import pytest

from tests.lib.asgi import Client

pytestmark = pytest.mark.anyio

ZHANG = {"resourceType": "Patient", "name": [{"text": "张丽"}], "gender": "female"}


async def test_a_create_answers_201_with_location_etag_and_the_resource(door: Client) -> None:
    made = await door.post("/Patient", ZHANG)
    assert made.status == 201
    where = re.fullmatch(r"http://door\.test/fhir/Patient/([A-Za-z0-9\-.]{1,64})/_history/1", made.headers["location"])
    assert where is not None
    assert made.headers["etag"] == 'W/"1"'
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", made.headers["last-modified"])
    assert made.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert made.json["id"] == where[1]
    assert made.json["meta"]["versionId"] == "1"
    assert {k: v for k, v in made.json.items() if k not in ("id", "meta")} == ZHANG


async def test_a_create_ignores_the_id_of_the_body(door: Client) -> None:
    made = await door.post("/Patient", ZHANG | {"id": "mine"})
    assert made.status == 201
    assert made.json["id"] != "mine"
    assert (await door.get("/Patient/mine")).status == 404


async def test_what_was_put_is_read_back_with_every_digit(door: Client) -> None:
    text = (
        '{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"钾"},"valueQuantity":{"value":6.00}}'
    )
    assert (await door.put("/Observation/o1", text)).status == 201
    assert b'"value":6.00' in (await door.get("/Observation/o1")).body


async def test_a_read_of_what_never_was_is_404_and_of_what_was_deleted_410(door: Client) -> None:
    assert (await door.get("/Patient/nobody")).status == 404
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    assert (await door.delete("/Patient/p")).status == 204
    gone = await door.get("/Patient/p")
    assert gone.status == 410
    assert gone.json["issue"][0]["code"] == "deleted"


async def test_head_answers_what_get_answers_without_the_body(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    got, head = await door.get("/Patient/p"), await door.request("HEAD", "/Patient/p")
    assert head.body == b""
    ignored = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in got.headers.items() if k not in ignored
    }


async def test_an_update_makes_a_version_and_an_equal_one_does_not(door: Client) -> None:
    assert (await door.put("/Patient/p", ZHANG | {"id": "p"})).status == 201
    second = await door.put("/Patient/p", ZHANG | {"id": "p", "active": True})
    assert (second.status, second.headers["etag"]) == (200, 'W/"2"')
    same = await door.put("/Patient/p", ZHANG | {"id": "p", "active": True})
    assert (same.status, same.headers["etag"]) == (200, 'W/"2"')


async def test_each_version_is_read_by_its_number_and_the_deletion_is_gone(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    await door.put("/Patient/p", ZHANG | {"id": "p", "active": True})
    await door.delete("/Patient/p")
    first, second = await door.get("/Patient/p/_history/1"), await door.get("/Patient/p/_history/2")
    assert "active" not in first.json
    assert second.json["active"] is True
    assert (await door.get("/Patient/p/_history/3")).status == 410
    for unknown in ("4", "0", "01", "a", "99999999999999999999", "-1"):
        assert (await door.get(f"/Patient/p/_history/{unknown}")).status == 404


async def test_deleting_twice_or_what_never_was_is_as_good_as_once(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    first = await door.delete("/Patient/p")
    assert (first.status, first.headers["etag"], first.body) == (204, 'W/"2"', b"")
    assert (await door.delete("/Patient/p")).status in (200, 204)
    assert (await door.delete("/Patient/never")).status in (200, 204)
    assert len((await door.get("/Patient/p/_history")).json["entry"]) == 2


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("return=minimal", b""),
        ('return="minimal"', b""),
        ("respond-async, return=minimal", b""),
        ("return=representation", b'"Patient"'),
        ("return=OperationOutcome", b'"OperationOutcome"'),
        ("return=everything", b'"Patient"'),
    ],
)
async def test_prefer_chooses_what_a_write_answers(door: Client, prefer: str, expected: bytes) -> None:
    made = await door.post("/Patient", ZHANG, prefer=prefer)
    assert made.status == 201
    assert "location" in made.headers
    assert expected in made.body
    assert (made.body == b"") == (expected == b"")


async def test_if_match_lets_only_the_current_version_be_changed(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    changed = ZHANG | {"id": "p", "active": True}
    assert (await door.put("/Patient/p", changed, if_match='W/"7"')).status == 412
    assert (await door.put("/Patient/p", changed, if_match='W/"abc"')).status == 412
    assert (await door.put("/Patient/p", changed, if_match='W/"99999999999999999999"')).status == 412
    assert (await door.put("/Patient/p", changed, if_match="1")).status == 400
    assert (await door.put("/Patient/p", changed, if_match="W/1")).status == 400
    assert (await door.get("/Patient/p")).headers["etag"] == 'W/"1"'
    assert (await door.put("/Patient/p", changed, if_match='W/"1"')).status == 200
    assert (await door.delete("/Patient/p", if_match='W/"1"')).status == 412
    assert (await door.delete("/Patient/p", if_match='W/"2"')).status == 204


async def test_if_none_match_star_creates_and_never_overwrites(door: Client) -> None:
    assert (await door.put("/Patient/p", ZHANG | {"id": "p"}, if_none_match="*")).status == 201
    assert (await door.put("/Patient/p", ZHANG | {"id": "p", "active": True}, if_none_match="*")).status == 412
    assert (await door.put("/Patient/p", ZHANG | {"id": "p"}, if_none_match='W/"1"')).status == 400


async def test_a_client_that_has_the_current_version_gets_304(door: Client) -> None:
    made = await door.put("/Patient/p", ZHANG | {"id": "p"})
    same = await door.get("/Patient/p", if_none_match='W/"1"')
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", 'W/"1"')
    assert (await door.get("/Patient/p", if_none_match='W/"0", W/"1"')).status == 304
    assert (await door.get("/Patient/p", if_none_match='W/"2"')).status == 200
    assert (await door.get("/Patient/p", if_modified_since=made.headers["last-modified"])).status == 304
    assert (await door.get("/Patient/p", if_modified_since="Sat, 01 Jan 2000 00:00:00 GMT")).status == 200
    assert (await door.get("/Patient/p", if_modified_since="yesterday")).status == 200


async def test_a_body_without_the_ids_of_its_address_is_refused(door: Client) -> None:
    assert (await door.put("/Patient/p", ZHANG)).status == 400
    other = await door.put("/Patient/p", ZHANG | {"id": "q"})
    assert other.status == 400
    assert "'q'" in other.text
    assert (await door.put("/Group/p", ZHANG | {"id": "p"})).status == 400
    assert (await door.post("/Group", ZHANG)).status == 400
    assert (await door.get("/Patient/p")).status == 404


async def test_summary_and_elements_cut_a_read_and_tag_it(door: Client) -> None:
    full = ZHANG | {"id": "p", "communication": [{"language": {"text": "中文"}}], "birthDate": "1990-01-01"}
    await door.put("/Patient/p", full)
    cut = (await door.get("/Patient/p?_elements=gender")).json
    assert set(cut) == {"resourceType", "id", "meta", "gender"}
    assert cut["meta"]["tag"][0]["code"] == "SUBSETTED"
    summary = (await door.get("/Patient/p?_summary=true")).json
    assert "communication" not in summary
    assert summary["birthDate"] == "1990-01-01"
    assert (await door.get("/Patient/p?_summary=false")).json["communication"]
    assert (await door.get("/Patient/p?_summary=all")).status == 400


async def test_pretty_writes_for_people(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    assert b'\n  "gender": "female"' in (await door.get("/Patient/p?_pretty=true")).body
    assert b"\n" not in (await door.get("/Patient/p?_pretty=false")).body


async def test_history_lists_versions_newest_first_with_how_they_came(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    await door.put("/Patient/p", ZHANG | {"id": "p", "active": True})
    await door.delete("/Patient/p")
    found = (await door.get("/Patient/p/_history")).json
    assert (found["type"], found["total"]) == ("history", 3)
    assert [entry["request"]["method"] for entry in found["entry"]] == ["DELETE", "PUT", "POST"]
    assert [entry["response"]["etag"] for entry in found["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert [entry["response"]["status"][:3] for entry in found["entry"]] == ["204", "200", "201"]
    assert ["resource" in entry for entry in found["entry"]] == [False, True, True]
    assert (await door.get("/Patient/never/_history")).status == 404


async def test_history_pages_by_its_next_link_without_loss(door: Client) -> None:
    for number in range(7):
        await door.put(f"/Patient/p{number}", ZHANG | {"id": f"p{number}"})
    seen: list[str] = []
    url: str | None = "/Patient/_history?_count=3"
    while url:
        page = (await door.get(url)).json
        seen += [entry["fullUrl"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        url = following[0].removeprefix("http://door.test/fhir") if following else None
    assert sorted(seen) == [f"http://door.test/fhir/Patient/p{number}" for number in range(7)]
    assert len((await door.get("/_history")).json["entry"]) == 7
    assert "entry" not in (await door.get("/_history?_since=2999-01-01T00:00:00Z")).json


@pytest.mark.parametrize(
    "query", ["_since=soon", "_count=0", "_count=x", "_at=2024-13-01", "_what=1", "_count=2&_count=3"]
)
async def test_history_refuses_parameters_it_cannot_read(door: Client, query: str) -> None:
    assert (await door.get(f"/Patient/_history?{query}")).status == 400


async def test_one_condition_may_find_none_one_or_many(door: Client) -> None:
    marked = ZHANG | {"identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]}
    found_by = "identifier=urn:oid:1.2.3|7"
    first = await door.post("/Patient", marked, if_none_exist=found_by)
    again = await door.post("/Patient", marked, if_none_exist=found_by)
    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    changed = await door.put(f"/Patient?{found_by}", marked | {"active": True})
    assert (changed.status, changed.json["id"], changed.headers["etag"]) == (200, first.json["id"], 'W/"2"')
    assert (await door.put("/Patient?identifier=urn:oid:1.2.3|8", marked)).status == 201
    assert (await door.put(f"/Patient?{found_by}", marked)).status == 412
    assert (await door.post("/Patient", marked, if_none_exist=found_by)).status == 412
    assert (await door.post(f"/Patient?{found_by}", marked)).status == 412
    assert (await door.post("/Patient?identifier=urn:oid:1.2.3|6", marked)).status == 201
    assert (await door.post("/Patient?identifer=6", marked)).status == 400
    assert (await door.post(f"/Patient?{found_by}", marked, if_none_exist=found_by)).status == 400
    assert (await door.delete(f"/Patient?{found_by}")).status == 412
    assert (await door.delete("/Patient?identifier=urn:oid:1.2.3|9")).status == 204


async def test_a_condition_without_criteria_or_with_a_typo_changes_nothing(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    for criteria in ("", "?", "?_count=1", "?identifer=7", "?_format=json"):
        assert (await door.delete(f"/Patient{criteria}")).status == 400, criteria
        assert (await door.put(f"/Patient{criteria}", ZHANG)).status == 400, criteria
        lenient = await door.delete(f"/Patient{criteria}", prefer="handling=lenient")
        assert lenient.status == 400, criteria
    assert (await door.post("/Patient", ZHANG, if_none_exist="")).status == 400
    assert (await door.get("/Patient/p")).headers["etag"] == 'W/"1"'


async def test_a_json_patch_changes_one_version_and_keeps_the_digits(door: Client) -> None:
    text = (
        '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"钾"},"valueQuantity":{"value":6.10}}'
    )
    await door.put("/Observation/o", text)
    done = await door.patch("/Observation/o", [{"op": "replace", "path": "/status", "value": "amended"}])
    assert (done.status, done.headers["etag"]) == (200, 'W/"2"')
    assert b'"value":6.10' in done.body
    assert done.json["status"] == "amended"


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ("{}", 400),
        ("5", 400),
        ("[", 400),
        ([{"op": "no", "path": "/status"}], 400),
        ([{"op": "test", "path": "/status", "value": "draft"}], 422),
        ([{"op": "remove", "path": "/absent"}], 422),
        ([{"op": "replace", "path": "/id", "value": "other"}], 422),
        ([{"op": "replace", "path": "/resourceType", "value": "Patient"}], 422),
        ([{"op": "remove", "path": "/status"}], 422),
        ([{"op": "add", "path": "/unknown", "value": 1}], 422),
    ],
)
async def test_a_patch_that_cannot_be_done_changes_nothing(door: Client, patch: object, status: int) -> None:
    await door.put(
        "/Observation/o", {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    )
    answer = await door.patch("/Observation/o", patch)
    assert answer.status == status, answer.body
    assert (await door.get("/Observation/o")).headers["etag"] == 'W/"1"'


async def test_a_merge_patch_changes_what_it_names(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    for media in ("application/merge-patch+json", "application/json"):
        done = await door.patch("/Patient/p", {"gender": None, "birthDate": "1990-02"}, content_type=media)
        assert done.status == 200, done.body
        assert ("gender" in done.json, done.json["birthDate"]) == (False, "1990-02")
    assert (await door.patch("/Patient/p", {"colour": 1}, content_type="application/merge-patch+json")).status == 422
    assert (await door.patch("/Patient/p", {"id": "q"}, content_type="application/merge-patch+json")).status == 422
    assert (await door.patch("/Patient/p", [], content_type="application/merge-patch+json")).status == 400
    assert (await door.patch("/Patient/p", [], content_type="application/json")).status == 200


async def test_a_patch_must_say_it_is_one_and_hit_something(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    change = [{"op": "add", "path": "/active", "value": True}]
    assert (await door.patch("/Patient/p", change, content_type="application/fhir+json")).status == 415
    assert (await door.patch("/Patient/p", change, if_match='W/"9"')).status == 412
    assert (await door.patch("/Patient/never", change)).status == 404
    assert (await door.patch("/Patient?gender=male", change)).status == 404
    assert (await door.patch("/Patient?gender=female", change)).status == 200
    assert (await door.get("/Patient/p")).json["active"] is True


DIED = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "deceased"},
                {"name": "value", "valueDateTime": "2024-05-01"},
            ],
        }
    ],
}


@pytest.mark.parametrize("media", ["application/fhir+json", "application/json"])
async def test_a_fhirpath_patch_changes_what_its_paths_name(door: Client, media: str) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    done = await door.patch("/Patient/p", DIED, content_type=media)
    assert (done.status, done.headers["etag"], done.json["deceasedDateTime"]) == (200, 'W/"2"', "2024-05-01")
    again = await door.patch("/Patient?gender=female", DIED, content_type=media)
    assert (again.status, "use replace" in again.text) == (422, True)
    empty = await door.patch("/Patient?gender=female", {"resourceType": "Parameters"}, content_type=media)
    assert (empty.status, empty.headers["etag"]) == (200, 'W/"2"')


async def test_a_fhirpath_patch_that_is_none_is_refused(door: Client) -> None:
    await door.put("/Patient/p", ZHANG | {"id": "p"})
    for body in (
        {"resourceType": "Parameters", "parameter": [{"name": "x"}]},
        {"resourceType": "Parameters", "parameter": 5},
    ):
        assert (await door.patch("/Patient/p", body, content_type="application/fhir+json")).status == 400
    assert (await door.patch("/Patient/p", {"active": True}, content_type="application/fhir+json")).status == 415
    assert "application/fhir+json" in (await door.get("/metadata")).json["patchFormat"]
