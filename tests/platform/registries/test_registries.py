"""Tables of institutions, departments and practitioners: what changes is told, what vanishes ends, nothing is lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from minkang.fhir.problem import Conflict, Incorrect
from minkang.fhir.search.grammar import parse
from minkang.fhir.validation import faults
from minkang.gateways.files import wire
from minkang.gateways.rest import gateway
from minkang.platform.intake.senders import Senders
from minkang.platform.registries.loading import Registries, Report
from minkang.platform.registries.resources import department_id, organization_id
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.asgi import Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

DAY = "2026-11-25"
INSTITUTIONS = """机构代码,机构名称,上级机构代码,机构类别,机构等级,执业许可证号,许可证有效期至,诊疗科目,所属医联体代码,\
行政区划代码,地址,经度,纬度
A1,南海医联体,,医联体,,,,,,,,,
H1,南海第一医院,,医院,三级甲等,PDY1,2030-01-31,内科、外科、儿科,A1,440605,桂城街道1号,113.145000,23.035000
H1B,第一医院东院,H1,医院,二级甲等,PDY2,,内科,A1,440605,东路2号,113.160000,23.040000
C1,平洲社区卫生服务中心,,社区卫生服务中心,,PDY3,,全科医疗科,,440605,平洲3号,113.900000,23.900000
"""
DEPARTMENTS = "机构代码,科室代码,科室名称,上级科室代码,诊疗科目\nH1,01,内科,,内科\nH1,0101,心内科,01,内科\n"
PRACTITIONERS = """执业证书编号,姓名,性别,人员类别,执业范围,执业机构代码,科室代码,岗位
D1,张医生,女,执业医师,内科专业,H1,0101,主任医师
D1,张医生,女,执业医师,内科专业,C1,,坐诊
D2,李护士,男,注册护士,,H1,01,
"""


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


@pytest.fixture
def registries(repository: Repository) -> Registries:
    return Registries(repository)


async def load(registries: Registries, kind: str, text: str, **how: Any) -> Report:
    return await registries.load(kind, *wire.read(text.encode()), how.pop("day", DAY), **how)


def did(report: Report) -> tuple[int, int, int, int]:
    found = report.difference
    return found.count("added"), found.count("changed"), found.count("ended"), found.unchanged


@pytest.fixture
async def filled(registries: Registries) -> Registries:
    for kind, text in (("organization", INSTITUTIONS), ("department", DEPARTMENTS), ("practitioner", PRACTITIONERS)):
        assert (await load(registries, kind, text)).rows.bad == []
    return registries


async def test_a_preview_tells_all_and_writes_nothing(registries: Registries) -> None:
    told = await load(registries, "organization", INSTITUTIONS, dry_run=True)
    assert (did(told), told.written) == ((13, 0, 0, 0), False)
    assert await registries.show("organization") == []


async def test_what_is_loaded_is_valid_and_the_same_file_changes_nothing(filled: Registries) -> None:
    for kind, text, count in (("organization", INSTITUTIONS, 13), ("department", DEPARTMENTS, 2),
                              ("practitioner", PRACTITIONERS, 5)):  # fmt: skip
        trees = await filled.show(kind)
        assert len(trees) == count
        for tree in trees:
            plain = orjson.loads(orjson.dumps(tree, default=float))
            assert [one.text for one in faults(plain) if one.severity == "error"] == []
        assert did(await load(filled, kind, text)) == (0, 0, 0, count)


async def test_changes_are_told_field_by_field(filled: Registries) -> None:
    text = INSTITUTIONS.replace("南海第一医院", "南海区人民医院").replace("三级甲等", "三级乙等")
    report = await load(filled, "organization", text)
    assert did(report) == (0, 2, 0, 11)
    told = {(one.tree["resourceType"], *field) for one in report.difference.changes for field in one.fields}
    assert told == {
        ("Organization", "name", "南海第一医院", "南海区人民医院"),
        ("Organization", "type[2].coding[0].code", "3-a", "3-b"),
        ("Location", "name", "南海第一医院", "南海区人民医院"),
    }


async def test_what_vanishes_from_a_whole_file_ends_and_may_come_back(
    filled: Registries, repository: Repository
) -> None:
    less = "".join(line for line in INSTITUTIONS.splitlines(keepends=True) if not line.startswith("C1"))
    assert did(await load(filled, "organization", less, whole=False)) == (0, 0, 0, 13)
    report = await load(filled, "organization", less)
    assert did(report) == (0, 0, 3, 10)
    tree = orjson.loads((await repository.read("Organization", organization_id("C1"))).content)
    assert tree["active"] is False
    assert tree["extension"][0]["valuePeriod"] == {"end": DAY}
    assert did(await load(filled, "organization", less, day="2026-12-01")) == (0, 0, 0, 13)
    assert did(await load(filled, "organization", INSTITUTIONS)) == (0, 3, 0, 10)
    tree = orjson.loads((await repository.read("Organization", organization_id("C1"))).content)
    assert (tree["active"], "extension" in tree) == (True, False)


async def test_a_place_of_practice_ends_and_the_person_goes_on(filled: Registries) -> None:
    report = await load(filled, "practitioner", PRACTITIONERS.replace("D1,张医生,女,执业医师,内科专业,C1,,坐诊\n", ""))
    assert [(one.did, one.tree["resourceType"]) for one in report.difference.changes] == [("ended", "PractitionerRole")]
    assert report.difference.changes[0].tree["period"] == {"end": DAY}


async def test_a_file_cut_short_closes_nothing(registries: Registries) -> None:
    many = "code,name\n" + "".join(f"X{number},某院{number}\n" for number in range(20))
    await load(registries, "organization", many)
    short = "code,name\nX0,某院0\n"
    with pytest.raises(Conflict, match="cut short"):
        await load(registries, "organization", short)
    told = await load(registries, "organization", short, dry_run=True)
    assert (did(told), len(told.remarks)) == ((0, 0, 38, 2), 1)
    assert did(await load(registries, "organization", short, end_many=True)) == (0, 0, 38, 2)


async def test_bad_rows_are_told_and_end_nothing(filled: Registries) -> None:
    text = INSTITUTIONS.replace("三级甲等", "四级").replace("2030-01-31", "2030-02-30").replace("23.900000", "99")
    text += "H9,远方医院,H404,医院,,,,,,,,,\nH1,重复,,,,,,,,,,,\n"
    report = await load(filled, "organization", text)
    told = {(one.line, one.column, one.value) for one in report.rows.bad}
    assert told == {
        (3, "机构等级", "四级"),
        (3, "许可证有效期至", "2030-02-30"),
        (5, "纬度", "99"),
        (6, "上级机构代码", "H404"),
        (7, "机构代码", "H1"),
    }
    assert all(one.expected for one in report.rows.bad)
    assert did(report)[:3] == (0, 0, 0)


async def test_without_a_key_nothing_is_taken_for_vanished(filled: Registries) -> None:
    report = await load(filled, "organization", INSTITUTIONS.replace("\nC1,", "\n,"))
    assert (did(report)[2], len(report.remarks)) == (0, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [("名字,电话\nx,1\n", "机构代码"), ("code,机构代码,name\na,a,b\n", "2 times"), ("", "empty")],
)
async def test_a_file_that_is_no_such_table_is_refused(registries: Registries, text: str, words: str) -> None:
    with pytest.raises(Incorrect, match=words):
        await load(registries, "organization", text)


async def test_a_person_with_two_names_is_refused(filled: Registries) -> None:
    report = await load(
        filled, "practitioner", PRACTITIONERS.replace("D1,张医生,女,执业医师,内科专业,C1", "D1,王某,女,,,C1")
    )
    assert [(one.line, one.value) for one in report.rows.bad] == [(3, "D1")]
    assert did(report)[2] == 0


async def test_the_registry_and_the_sender_are_one_institution(filled: Registries, repository: Repository) -> None:
    made, _ = await Senders(repository).add("别名", "H1", ("cda",))
    assert made.id == organization_id("H1")
    tree = orjson.loads((await repository.read("Organization", made.id)).content)
    assert (tree["name"], tree["endpoint"]) == ("南海第一医院", [{"reference": f"Endpoint/{made.id}"}])
    assert did(await load(filled, "organization", INSTITUTIONS)) == (0, 0, 0, 13)


H1, H1B, A1, C1 = map(organization_id, ("H1", "H1B", "A1", "C1"))
FOUND = [
    ("Organization?name=南海第一", {H1}),
    ("Organization?active=true&type=prov&_count=50", {H1, H1B, A1, C1}),
    ("Organization?type=dept", {department_id("H1", "01"), department_id("H1", "0101")}),
    ("Organization?type=https://minkang.example/CodeSystem/institution-level|3-a", {H1}),
    (f"Organization?partof=Organization/{H1}", {H1B, department_id("H1", "01")}),
    (f"Organization?partof:below=Organization/{H1}&type=dept",
     {department_id("H1", "01"), department_id("H1", "0101")}),
    ("Organization?identifier=urn:oid:2.16.156.10011.1.5|C1", {C1}),
    ("Location?near=23.035|113.145|10|km&_include=Location:organization", {"Location", H1, H1B}),
    ("HealthcareService?specialty=儿科&_include=HealthcareService:organization", {"HealthcareService", H1}),
    (f"OrganizationAffiliation?primary-organization=Organization/{A1}"
     "&_include=OrganizationAffiliation:participating-organization", {"OrganizationAffiliation", H1, H1B}),
    ("PractitionerRole?practitioner.name=张医生&active=true&_include=PractitionerRole:organization",
     {"PractitionerRole", C1, department_id("H1", "0101")}),
    (f"Organization?_id={C1}&_revinclude=Location:organization", {C1, "Location"}),
    ("Practitioner?name=李护士&_revinclude=PractitionerRole:practitioner", {"Practitioner", "PractitionerRole"}),
]  # fmt: skip


@pytest.mark.usefixtures("filled")
async def test_care_services_are_found_as_mcsd_asks(repository: Repository) -> None:
    """ITI-90, Find Matching Care Services (https://profiles.ihe.net/ITI/mCSD/ITI-90.html)."""
    client = Client(gateway.build(lambda _: repository, base_url="http://x/fhir", max_body=1 << 20))
    for asked, expected in FOUND:
        answer = await client.request("GET", "/" + asked)
        assert answer.status == 200, (asked, answer.body)
        found = [entry["resource"] for entry in answer.json.get("entry", ())]
        got = {one["id"] if one["resourceType"] == "Organization" else one["resourceType"] for one in found}
        assert got == expected, asked


async def test_what_is_written_may_be_searched_by_its_tag(filled: Registries, repository: Repository) -> None:
    asked = parse("Practitioner", [("_tag", "https://minkang.example/CodeSystem/registry|practitioner")], strict=True)
    assert len((await repository.search(asked)).hits) == len(
        [one for one in await filled.show("practitioner") if one["resourceType"] == "Practitioner"]
    )
