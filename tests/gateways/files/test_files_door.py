"""Tables of standard data sets: guessed, previewed, taken row by row; what is wrong told by column and handed back."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any
from urllib.parse import quote

import openpyxl
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.app.intake_doors import DOORS
from minkang.app.senders import intake_for
from minkang.fhir.problem import Incorrect
from minkang.fhir.resident_id import check_digit
from minkang.fhir.search.grammar import parse
from minkang.fhir.validation import faults
from minkang.gateways.files import wire
from minkang.gateways.files.gateway import build
from minkang.gateways.files.mapping import datasets, template, understood
from minkang.gateways.files.wire import reading
from minkang.platform.intake.desk import IntakeDesk
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from tests.lib.asgi import Client
from tests.lib.both_stores import RepositoryFor, dsn, repository_for

__all__ = ["dsn", "repository_for"]

pytestmark = pytest.mark.anyio

LIMIT = 1_000_000


def card(number: int) -> str:
    first = f"38010219600101{number:02}1"
    return first + check_digit(first)


HEADINGS = ["姓名", "身份证号", "随访日期", "收缩压(mmHg)", "舒张压（mmHg）", "用药情况", "此次随访分类", "备注"]
GOOD = ["张三", card(1), "2026-03-02", "150", "95", "硝苯地平", "控制不满意", "无"]


def table(*rows: list[str], headings: list[str] = HEADINGS, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    into = io.StringIO()
    csv.writer(into, delimiter=delimiter).writerows([headings, *rows])
    return into.getvalue().encode(encoding)


def excel(*rows: list[Any], headings: list[str] = HEADINGS) -> bytes:
    book = openpyxl.Workbook()
    for row in (headings, *rows):
        book.active.append(row)
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()


def changed(**cells: str) -> list[str]:
    found = dict(zip(HEADINGS, GOOD, strict=True)) | {name.replace("_", ""): value for name, value in cells.items()}
    return list(found.values())


@pytest.fixture
def repository(repository_for: RepositoryFor) -> Repository:
    return repository_for(Actor("Device/test"), EVERYTHING)


@pytest.fixture
def door(repository: Repository) -> Client:
    return Client(build(intake_for(lambda: repository), max_body=LIMIT), mount="")


async def post(door: Client, content: bytes, path: str = "/files", status: int = 200) -> Any:
    answer = await door.request("POST", path, content)
    assert answer.status == status, answer.body
    return orjson.loads(answer.body)


async def count(repository: Repository, type: str, *pairs: tuple[str, str]) -> int:
    asked = parse(type, [("_summary", "count"), ("_total", "accurate"), *pairs], strict=True)
    return (await repository.search(asked)).total or 0


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "gb18030", "semicolon", "tab", "excel"])
async def test_a_table_is_taken_in_whatever_form(door: Client, repository: Repository, form: str) -> None:
    content = {
        "semicolon": lambda: table(GOOD, delimiter=";"),
        "tab": lambda: table(GOOD, delimiter="\t"),
        "excel": lambda: excel([*GOOD[:3], 150, 95.0, *GOOD[5:]]),
    }.get(form, lambda: table(GOOD, encoding=form))()
    told = await post(door, content)
    assert (told["dataset"], told["rows"], told["outcomes"], told["written"]) == (
        "hypertension",
        1,
        {"accepted": 1},
        True,
    )
    assert told["columns"]["备注"] is None
    assert await count(repository, "Observation", ("code", "http://loinc.org|85354-9")) == 1
    assert await count(repository, "MedicationStatement") == 1
    assert await count(repository, "Patient", ("identifier", f"urn:oid:2.16.156.10011.1.3|{card(1)}")) == 1


async def test_a_preview_writes_nothing(door: Client, repository: Repository) -> None:
    told = await post(door, table(GOOD, changed(收缩压mmHg="高")), "/files/$preview")
    assert told["written"] is False
    told = await post(door, table(GOOD, changed(随访日期="去年")), "/files/$preview")
    assert told["outcomes"] == {"good": 1, "error": 1}
    assert await count(repository, "Task") == 0


async def test_good_rows_go_in_and_bad_ones_wait(door: Client, repository: Repository) -> None:
    bad = changed(身份证号=card(2)[:-1] + ("0" if card(2)[-1] != "0" else "1"))
    told = await post(door, table(GOOD, bad, changed(身份证号=card(3), 此次随访分类="很好")))
    assert told["outcomes"] == {"accepted": 1, "quarantined": 2}
    rules = [finding["rule"] for line in told["lines"] for finding in line.get("findings", [])]
    assert rules == ["files-bad-id-number", "files-no-number", "files-unknown-code"]
    assert [line["row"] for line in told["lines"]] == [3, 4, 2]
    assert card(2)[4:14] not in orjson.dumps(told).decode()
    assert await count(repository, "Task", ("business-status", "quarantined")) == 2


async def test_all_or_none(door: Client, repository: Repository) -> None:
    told = await post(door, table(GOOD, changed(姓名="")), "/files?rows=all", 422)
    assert told["written"] is False
    assert await count(repository, "Patient") == 0
    assert (await post(door, table(GOOD), "/files?rows=all"))["outcomes"] == {"accepted": 1}


async def test_sent_again_it_is_once(door: Client, repository: Repository) -> None:
    for wanted in ("accepted", "duplicate"):
        assert (await post(door, table(GOOD)))["outcomes"] == {wanted: 1}
    assert await count(repository, "Observation") == 2


async def test_faulty_rows_come_back_with_reasons_and_without_formulas(door: Client) -> None:
    bad = changed(姓名="=cmd|' /C calc'!A0", 随访日期="?")
    answer = await door.request("POST", "/files/$preview?answer=csv", table(GOOD, bad))
    rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert rows[0] == [*HEADINGS, "原因 reason"]
    assert len(rows) == 2
    assert rows[1][0].startswith("'=cmd")
    assert "不是日期" in rows[1][-1]


async def test_a_row_in_quarantine_is_corrected_and_replayed(door: Client, repository: Repository) -> None:
    told = await post(door, table(changed(随访日期="")))
    receipt = told["lines"][0]["receipt"]
    desk = IntakeDesk(repository, DOORS)
    content, media_type = await desk.original(receipt)
    assert media_type == "application/json"
    row = orjson.loads(content)
    row["row"]["date"] = "2026年3月2日"
    assert (await desk.replay(receipt, orjson.dumps(row))).outcome == "accepted"


async def test_headings_of_ones_own_are_told_by_columns(door: Client) -> None:
    content = table(["张三", card(1), "2026-03-02", "150"], headings=["甲", "乙", "丙", "丁"])
    assert "/files/templates" in (await post(door, content, status=422))["error"]
    chosen = quote(orjson.dumps({"甲": "name", "乙": "id-number", "丙": "date", "丁": "systolic"}))
    told = await post(door, content, f"/files/$preview?dataset=hypertension&columns={chosen}")
    assert (told["outcomes"], told["missing"]) == ({"good": 1}, [])


async def test_headings_of_a_sender_are_remembered(door: Client) -> None:
    content = table(["张三", card(1), "2026-03-02", "150"], headings=["甲", "乙", "丙", "丁"])
    told = orjson.dumps({"甲": "name", "乙": "id-number", "丙": "date", "丁": "systolic"})
    where = "/files/columns?dataset=hypertension&sender=S1"
    assert (await door.request("PUT", where, told)).status == 200
    assert orjson.loads((await door.request("GET", where)).body) == orjson.loads(told)
    found = await post(door, content, "/files?dataset=hypertension&sender=S1")
    assert found["outcomes"] == {"accepted": 1}
    assert (await post(door, content, "/files/$preview?dataset=hypertension&sender=S2"))["outcomes"] == {"error": 1}
    for path, body in ((where, b'{"x": "nothing"}'), (where, b"no"), ("/files/columns", told)):
        assert (await door.request("PUT", path, body)).status == 400


async def test_templates_are_tables_that_are_guessed(door: Client) -> None:
    listed = orjson.loads((await door.request("GET", "/files/templates")).body)
    assert set(listed) == set(datasets())
    for name in datasets():
        answer = await door.request("GET", f"/files/templates/{name}")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert wire.read(answer.body).headings == tuple(template(name))
        assert (await post(door, answer.body + b"\n", "/files/$preview"))["dataset"] == name


def test_a_sex_and_a_birth_date_that_contradict_are_told() -> None:
    cells = {"name": "甲", "id-number": card(1), "sex": "男", "birth-date": "1961-01-01"}
    wrong = {one.rule for one in understood("residents", cells, "s").findings}
    cells["sex"] = "女"
    assert wrong | {one.rule for one in understood("residents", cells, "s").findings} >= {
        "files-sex-differs",
        "files-birth-differs",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00\x00\xff", "UTF-8"),
        (b"a,b\n" + b"\x00\x01", "no text"),
        (b"one\ntwo\n", "no table"),
        (b"PK\x03\x04nonsense", "sound Excel"),
        (b"\xd0\xcf\x11\xe0nonsense", "no Excel"),
        (",".join(f"h{n}" for n in range(301)).encode() + b"\n1,2\n", "301 columns"),
        (b"a,b\n" + b"1,2\n" * 20_001, "rows"),
    ],
)
async def test_what_is_no_table_is_refused(door: Client, content: bytes, words: str) -> None:
    assert words in (await post(door, content, status=400))["error"]


async def test_an_excel_file_that_swells_is_refused(door: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "UNPACKED", 1_000)
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet1.xml", b"0" * 100_000)
    assert "Unpacked" in (await post(door, into.getvalue(), status=400))["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/files", 405),
        ("POST", "/files/templates", 405),
        ("GET", "/files/templates/none", 404),
        ("POST", "/files/elsewhere", 404),
        ("POST", "/files?dataset=none", 400),
        ("POST", "/files?rows=some", 400),
        ("POST", "/files?columns=x", 400),
    ],
)
async def test_what_cannot_be_answered_says_why(door: Client, method: str, path: str, status: int) -> None:
    answer = await door.request(method, path, table(GOOD))
    assert answer.status == status
    assert orjson.loads(answer.body)["error"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        found = wire.read(content)
    except Incorrect:
        return
    assert all(len(row) == len(found.headings) for row in found.rows)


SAID = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(datasets())), st.lists(SAID, min_size=20, max_size=20))
def test_any_cells_make_sound_resources_or_findings(dataset: str, texts: list[str]) -> None:
    from minkang.gateways.files.mapping import columns_of

    cells = {column.key: text for column, text in zip(columns_of(dataset), texts, strict=False)}
    cells["id-number"] = card(7)
    found = understood(dataset, cells, "s")
    bad = [issue.text for tree in found.resources for issue in faults(tree) if issue.severity == "error"]
    assert bad == [] or found.findings
