"""The door for clinical documents: what is answered is durable, the original comes back byte for byte, editions replace
each other, bad documents wait in quarantine."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections import Counter
from typing import Any

import orjson
import pytest

from minkang.app.senders import intake_for
from minkang.fhir.problem import Busy, Gone
from minkang.fhir.search.grammar import parse
from minkang.gateways.cda.endpoint import taking as endpoint
from minkang.gateways.cda.gateway import build
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.wire import archive
from minkang.gateways.cda.wire import read as read_document
from minkang.platform.intake import taking
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.taking import Intake
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from synth.documents import document as document_of
from tests.gateways.cda.making import coded, document, observation, section, text, value
from tests.lib.asgi import Answer, Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

LIMIT = 2_000_000


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


@pytest.fixture
def door(repository: Repository) -> Client:
    return Client(build(intake_for(lambda: repository), max_body=LIMIT), mount="")


def complaint(words: str, **header: Any) -> bytes:
    return document(section("10154-3", observation("DE04.01.119.00", "主诉", text(words))), **header)


async def read(repository: Repository, reference: str) -> dict[str, Any]:
    return orjson.loads((await repository.read(*reference.split("/"))).content)


async def count(repository: Repository, type: str, *pairs: tuple[str, str]) -> int:
    asked = parse(type, [("_summary", "count"), ("_total", "accurate"), *pairs], strict=True)
    return (await repository.search(asked)).total or 0


def zipped(**files: bytes) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return into.getvalue()


async def post(door: Client, content: bytes, path: str = "/cda") -> tuple[Answer, dict[str, Any]]:
    answer = await door.request("POST", path, content)
    return answer, orjson.loads(answer.body)


async def test_a_document_is_taken_with_its_original_and_its_content(door: Client, repository: Repository) -> None:
    content = complaint("头痛3天")
    answer, receipt = await post(door, content)
    assert (answer.status, receipt["outcome"], receipt["kind"]) == (201, "accepted", "C0002")
    assert answer.headers["location"] == f"/fhir/{receipt['document']}"
    kept = await read(repository, receipt["document"])
    assert kept["status"] == "current"
    assert [one["code"] for one in kept["type"]["coding"]] == ["C0002", "C0002"]
    attachment = kept["content"][0]["attachment"]
    binary = await read(repository, attachment["url"])
    assert base64.b64decode(binary["data"]) == content
    assert attachment["size"] == len(content)
    whole = await read(repository, kept["context"]["related"][0]["reference"])
    (said,) = whole["section"][0]["entry"]
    assert (await read(repository, said["reference"]))["valueString"] == "头痛3天"
    assert said["reference"] in receipt["resources"]
    assert await count(repository, "Patient", ("identifier", "urn:oid:2.16.156.10011.1.3|")) == 1


async def test_sent_twice_it_is_once(door: Client, repository: Repository) -> None:
    answers = [await post(door, complaint("头痛")) for _ in range(2)]
    assert [answer.status for answer, _ in answers] == [201, 200]
    assert answers[1][1]["outcome"] == "duplicate"
    assert answers[0][0].headers["location"] == answers[1][0].headers["location"]
    assert await count(repository, "Observation") == await count(repository, "DocumentReference") == 1


async def test_a_new_edition_supersedes_what_the_old_one_brought(door: Client, repository: Repository) -> None:
    two = [section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛")))]
    two.append(section("10164-2", observation("DE02.10.071.00", "现病史", text("三天前开始"))))
    _, first = await post(door, document(*two, version=1))
    _, second = await post(door, document(two[0], version=2))
    history = next(one for one in first["resources"] if one not in second["resources"])
    assert second["gone"] == [history]
    with pytest.raises(Gone):
        await read(repository, history)
    assert (await read(repository, first["document"]))["status"] == "superseded"
    _, older = await post(door, document(*two, version=1, more="<!-- later -->"))
    assert [one["rule"] for one in older["findings"]] == ["intake-older"]
    assert await count(repository, "Observation") == 1


async def test_documents_of_one_visit_share_it_and_take_nothing_away(door: Client, repository: Repository) -> None:
    stay = (
        "<componentOf><encompassingEncounter><effectiveTime><low value='20260301'/></effectiveTime><location>"
        "<healthCareFacility><serviceProviderOrganization><name>心内科</name></serviceProviderOrganization>"
        "</healthCareFacility></location></encompassingEncounter></componentOf>"
    )
    _, first = await post(door, complaint("胸痛", more=stay))
    visit = next(one for one in first["resources"] if one.startswith("Encounter/"))
    _, second = await post(door, complaint("复查", number="D2"))
    assert visit in second["resources"]
    kept = await read(repository, visit)
    assert kept["location"][0]["location"]["display"] == "心内科"
    await post(door, complaint("胸痛", version=2, ids='<id root="2.16.156.10011.1.11" extension="V8"/>'))
    assert (await read(repository, visit))["identifier"][0]["value"] == "V7"


FAULTY = {
    "cut off": complaint("头痛")[:-40],
    "no patient": document(patient="", ids=""),
    "a bomb": b'<!DOCTYPE a [<!ENTITY b "x">]><ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>',
    "not XML": b"\x00\x01MSH|",
    "another namespace": b'<ClinicalDocument xmlns="urn:other"/>',
    "an unbound prefix": b'<ClinicalDocument xmlns="urn:hl7-org:v3"><x:y/></ClinicalDocument>',
}


@pytest.mark.parametrize("fault", FAULTY)
async def test_what_cannot_be_taken_waits_in_quarantine(door: Client, repository: Repository, fault: str) -> None:
    answer, receipt = await post(door, FAULTY[fault])
    assert (answer.status, receipt["outcome"]) == (202, "quarantined")
    assert answer.headers["location"] == f"/fhir/Task/{receipt['id']}"
    assert base64.b64decode((await read(repository, receipt["original"]))["data"]) == FAULTY[fault]
    finding = receipt["findings"][0]
    assert finding["severity"] == "error"
    assert finding["zh"]
    assert finding["do_en"]
    assert await count(repository, "Patient") == 0


async def test_nothing_is_rejected_nothing_kept(door: Client, repository: Repository) -> None:
    answer, receipt = await post(door, b"")
    assert (answer.status, receipt["outcome"]) == (400, "rejected")
    assert await count(repository, "Binary") == 0


async def test_a_zip_is_taken_document_by_document(door: Client, repository: Repository) -> None:
    good = {f"{at}.xml": complaint(f"主诉{at}", number=f"Z{at}") for at in range(3)}
    answer, told = await post(door, zipped(**good, **{"坏.xml": b"<a/>"}))
    assert (answer.status, told["outcomes"]) == (207, {"accepted": 3, "quarantined": 1})
    assert [one["name"] for one in told["receipts"]] == ["0.xml", "1.xml", "2.xml", "坏.xml"]
    assert await count(repository, "DocumentReference") == 3
    answer, told = await post(door, zipped(**good))
    assert (answer.status, told["outcomes"]) == (201, {"duplicate": 3})


async def test_names_of_chinese_windows_are_read(door: Client) -> None:
    content = zipped(XXXXXXXX=complaint("头痛")).replace(b"XXXXXXXX", "病历概要".encode("gbk"))
    _, told = await post(door, content)
    assert told["receipts"][0]["name"] == "病历概要"


@pytest.mark.parametrize("case", ["broken", "too many", "too large", "lying", "encrypted"])
async def test_a_hostile_zip_is_refused(
    door: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    content = zipped(a=b"x" * 10_000, b=b"y")
    if case == "broken":
        content = content[:-30]
    if case == "too many":
        monkeypatch.setattr(archive, "MEMBERS", 1)
    if case == "too large":
        monkeypatch.setattr(archive, "BYTES", 9_999)
    if case == "lying":  # the first member's directory row names fewer bytes than come out
        at = content.index(b"PK\x01\x02") + 24
        content = content[:at] + (5).to_bytes(4, "little") + content[at + 4 :]
    if case == "encrypted":
        at = content.index(b"PK\x01\x02") + 8
        content = content[:at] + b"\x01" + content[at + 1 :]
    answer, told = await post(door, content)
    assert (answer.status, told["outcome"]) == (400, "refused")
    assert await count(repository, "Task") == 0


async def test_a_bad_member_in_the_middle_keeps_what_went_in(door: Client, repository: Repository) -> None:
    content = bytearray(zipped(a=complaint("头痛"), b=b"y" * 5_000))
    at = content.index(b"yyyy") if b"yyyy" in content else content.rindex(b"PK\x03\x04") + 35
    content[at] ^= 0xFF
    answer, told = await post(door, bytes(content))
    assert (answer.status, told["documents"]) == (207, 1)
    assert "Send the ZIP again" in told["next"]
    assert await count(repository, "Observation") == 1


async def test_check_tells_and_keeps_nothing(door: Client, repository: Repository) -> None:
    answer, report = await post(door, complaint("头痛", version=1), "/cda/$check")
    assert (answer.status, report["kind"], report["title"]) == (200, "C0002", "门(急)诊病历")
    assert report["resources"] == {"Patient": 1, "Encounter": 1, "Composition": 1, "Observation": 1}
    missing = {one["value"] for one in report["findings"] if one["rule"] == "cda-no-section"}
    assert {"29548-5", "46209-3"} <= missing
    assert "10154-3" not in missing
    assert await count(repository, "Task") == await count(repository, "Patient") == 0


CHECKS = {
    "realmCode": (b'<realmCode code="CN"/>', b"", "cda-missing", "error"),
    "code system": (b"2.16.156.10011.2.4", b"2.16.156.10011.2.5", "cda-wrong-value", "error"),
    "sex": (b'<administrativeGenderCode code="2"', b'<administrativeGenderCode code=""', "cda-missing", "error"),
    "template": (b"10011.2.1.1.22", b"10011.2.1.1.99", "cda-wrong-template", "warning"),
    "section": (b"10154-3", b"99999-9", "cda-strange-section", "information"),
    "well-formed": (b"</ClinicalDocument>", b"", "intake-unreadable", "error"),
}


@pytest.mark.parametrize("case", CHECKS)
async def test_check_finds_what_was_broken(door: Client, case: str) -> None:
    old, new, rule, severity = CHECKS[case]
    content = complaint("头痛")
    assert old in content
    _, sound = await post(door, content, "/cda/$check")
    _, report = await post(door, content.replace(old, new), "/cda/$check")
    assert rule not in {one["rule"] for one in sound["findings"]}
    assert severity in {one["severity"] for one in report["findings"] if one["rule"] == rule}


BODIES = {
    "another type": (
        observation("DE04.01.119.00", "主诉", value("PQ", value="3", unit="d")),
        ("cda-wrong-type", "PQ", "ST"),
    ),
    "outside of its domain": (
        observation("DE04.50.001.00", "ABO", coded("7", "2.16.156.10011.2.3.1.85")),
        ("cda-outside-domain", "7", "CV04.50.005 ABO血型代码表"),
    ),
    "no system": (
        observation("DE05.01.024.00", "诊断", value("CD", code="I10")),
        ("cda-no-system", "I10", "2.16.156.10011.2.3.1.85"),
    ),
}


@pytest.mark.parametrize("case", BODIES)
async def test_check_judges_values(door: Client, case: str) -> None:
    entry, wanted = BODIES[case]
    code = "29548-5" if case == "no system" else "10154-3"
    _, report = await post(door, document(section(code, entry)), "/cda/$check")
    assert wanted in {(one["rule"], one.get("value"), one.get("expected")) for one in report["findings"]}


async def test_check_takes_codes_with_and_without_a_leading_zero(door: Client) -> None:
    kinds = [observation("DE02.01.031.00", "证件类别", coded(one, "2.16.156.10011.2.3.1.1")) for one in ("01", "1")]
    _, report = await post(door, document(section("10154-3", *kinds)), "/cda/$check")
    assert "cda-outside-domain" not in {one["rule"] for one in report["findings"]}


async def test_check_names_what_a_section_lacks(door: Client) -> None:
    _, report = await post(door, document(section("10154-3"), code="C0034", template="54"), "/cda/$check")
    (lacking,) = (one for one in report["findings"] if one["rule"] == "cda-no-element")
    assert lacking["expected"] == "DE04.01.119.00 主诉"


async def test_a_zip_is_checked_too(door: Client) -> None:
    _, told = await post(door, zipped(a=complaint("头痛"), b=b"<x/>"), "/cda/$check")
    assert [one["outcome"] for one in told["reports"]] == ["warnings", "errors"]


async def test_other_methods_places_and_sizes_are_refused(door: Client) -> None:
    assert (await door.request("GET", "/cda")).status == 405
    assert (await door.request("POST", "/cda/elsewhere", b"x")).status == 404
    assert (await door.request("POST", "/cda", b"x" * (LIMIT + 1))).status == 413


class Away:
    """A repository whose database does not answer."""

    async def read_many(self, *_: Any) -> Any:
        return {}

    async def transaction(self, *_: Any, **__: Any) -> None:
        raise Busy("the database does not answer")


async def test_when_nothing_can_be_kept_it_says_so() -> None:
    door = Client(build(intake_for(Away), max_body=LIMIT), mount="")  # type: ignore[arg-type]
    answer, told = await post(door, complaint("头痛"))
    assert (answer.status, told["outcome"]) == (503, "refused")
    assert answer.headers["retry-after"] == "2"


async def test_a_corrected_document_is_replayed(repository: Repository) -> None:
    rules = rules_of("minkang.gateways.cda")
    receipt = await endpoint.taken(Intake(repository, rules), FAULTY["cut off"])
    good = complaint("头痛")
    again = await Intake(repository, rules).replay(
        receipt.id, lambda message: endpoint.understood(message.content, message.sender), good
    )
    assert again.outcome == "accepted"
    assert await count(repository, "Observation") == 1


async def test_a_document_is_given_as_the_record_has_it(door: Client, repository: Repository) -> None:
    _, receipt = await post(door, document_of("C0007", 3))
    whole = next(one for one in receipt["resources"] if one.startswith("Composition/"))
    answer = await door.request("GET", f"/cda/{whole}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/xml; charset=utf-8")
    assert "C0007" in answer.headers["content-disposition"]
    told, again = (understood(content).resources for content in (document_of("C0007", 3), answer.body))
    assert Counter(one["resourceType"] for one in told) == Counter(one["resourceType"] for one in again)
    assert await count(repository, "Composition") == 1


async def test_a_document_is_made_of_a_visit(door: Client) -> None:
    _, receipt = await post(door, document_of("C0034", 4))
    visit = next(one for one in receipt["resources"] if one.startswith("Encounter/"))
    answer = await door.request("GET", f"/cda/{visit}?kind=C0045")
    reading = understood(answer.body)
    assert (answer.status, reading.kind, reading.findings) == (200, "C0045", [])
    assert {"Condition", "Observation"} <= {one["resourceType"] for one in reading.resources}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Composition/none", 404),
        ("Encounter/none?kind=C0001", 404),
        ("Encounter/none", 400),
        ("Encounter/none?kind=C0099", 400),
        ("Patient/none", 404),
        ("x", 404),
    ],
)
async def test_what_cannot_be_given_says_why(door: Client, path: str, status: int) -> None:
    answer = await door.request("GET", f"/cda/{path}")
    assert answer.status == status
    assert orjson.loads(answer.body)["error"]


async def test_while_a_large_document_is_read_others_are_answered(
    door: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read in a thread: the event loop turns while it is."""
    turned = asyncio.Event()

    def reading(content: bytes) -> Any:
        asyncio.run_coroutine_threadsafe(_set(turned), loop).result(timeout=30)
        return read_document(content)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(endpoint, "read", reading)
    content = document(*(section("10154-3", words="头痛" * 1_000) for _ in range(60)))
    assert len(content) > taking.LARGE
    answer, _ = await post(door, content)
    assert answer.status == 201
    assert turned.is_set()


async def _set(event: asyncio.Event) -> None:
    event.set()
