"""Rows of the front-end database to FHIR: each column arrives, what is wrong is told, what is taken back goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import from_exact
from minkang.fhir.validation import faults
from minkang.gateways.frontdb.mapping import read
from minkang.gateways.frontdb.mapping.paths import put
from minkang.gateways.frontdb.wire import Table, layout, packed, sets
from minkang.platform.intake.documents import told_anew
from minkang.platform.intake.findings import rules_of
from minkang.platform.intake.reading import Reading
from tests.gateways.frontdb.rows import a_row, a_thin_row, a_value

TABLES = list(layout().values())


def understood(table: str, row: dict[str, Any]) -> Reading:
    reading = read(packed(table, row), "h1")
    for tree in reading.resources:
        assert [one.text for one in faults(from_exact(tree).tree) if one.severity == "error"] == []
    assert {one.rule for one in reading.findings} <= set(rules_of("minkang.gateways.frontdb"))
    return reading


def of(reading: Reading, type: str) -> dict[str, Any]:
    (found,) = [one for one in reading.resources if one["resourceType"] == type]
    return found


def words(tree: Any) -> str:
    return b" ".join(from_exact(one).text for one in tree).decode()


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.name)
def test_a_full_row_and_a_thin_one_are_valid_and_nothing_is_lost(table: Table):
    full = understood(table.name, a_row(table.name))
    assert full.findings == []
    text = words(full.resources)
    for column in table.columns:
        if (column.path or column.observe) and not column.set:
            value = a_row(table.name)[column.name]
            told = value.isoformat()[:16] if hasattr(value, "isoformat") else str(value)
            assert told in text, column.name
    thin = understood(table.name, a_thin_row(table.name))
    assert thin.findings == []
    assert not {f"{one['resourceType']}/{one['id']}" for one in thin.resources} & {*thin.gone}


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.name)
def test_each_column_that_must_be_is_asked_for(table: Table):
    for column in table.columns:
        if column.need and column.name != "update_time":
            found = understood(table.name, a_row(table.name, **{column.name: None}))
            assert [one.rule for one in found.findings] == ["row-missing"]
            assert column.zh in found.findings[0].place
            assert found.resources == []


def test_a_correction_writes_what_it_corrects_and_takes_away_what_is_empty_now():
    first = understood("checkup", a_row("checkup"))
    second = understood("checkup", a_row("checkup", waist=None, height="171"))
    names = {f"{one['resourceType']}/{one['id']}" for one in first.resources}
    assert len(second.gone) == 1
    assert set(second.gone) < names
    assert {f"{one['resourceType']}/{one['id']}" for one in second.resources} == names - set(second.gone)


def test_what_is_taken_back_goes_but_a_visit_says_so_and_stays():
    full = understood("exam_report", a_row("exam_report"))
    back = understood("exam_report", a_row("exam_report", deleted=1))
    assert set(back.gone) == {f"{one['resourceType']}/{one['id']}" for one in full.resources[1:]}
    assert back.resources == []
    assert of(understood("visit", a_row("visit", deleted="1")), "Encounter")["status"] == "entered-in-error"
    assert of(understood("patient", a_row("patient", deleted=1)), "Patient")["active"] is False


def test_a_discharge_that_is_taken_back_leaves_the_stay_open():
    stay = of(understood("discharge", a_row("discharge")), "Encounter")
    back = understood("discharge", a_row("discharge", deleted=1))
    again = told_anew(stay, of(back, "Encounter"), back.cleared)
    assert (stay["status"], again["status"]) == ("finished", "in-progress")
    assert "end" in stay["period"]
    assert "end" not in again["period"]
    assert "hospitalization" not in again


def test_an_admission_corrected_after_the_discharge_does_not_open_the_stay():
    stay = of(understood("discharge", a_row("discharge")), "Encounter")
    late = understood("admission", a_row("admission", dept_name="心内科"))
    tree = of(late, "Encounter")
    again = told_anew(stay, tree, late.cleared, late.yields[f"Encounter/{tree['id']}"])
    assert (again["status"], again["period"]) == ("finished", stay["period"])
    assert again["serviceType"]["text"] == "心内科"


@pytest.mark.parametrize(
    ("table", "column", "value", "rule"),
    [
        ("patient", "birth_date", "2026-02-30", "row-bad-time"),
        ("patient", "sex_code", "X", "row-unknown-code"),
        ("patient", "address", "路" * 201, "row-too-long"),
        ("lab_result", "result_num", "阴性", "row-bad-number"),
        ("checkup", "height", "高", "row-bad-number"),
        ("fee", "fee_class", "77", "row-unknown-code"),
    ],
)
def test_what_is_wrong_is_told_with_its_column(table: str, column: str, value: str, rule: str):
    found = understood(table, a_row(table, **{column: value}))
    assert [one.rule for one in found.findings] == [rule]
    assert found.findings[0].place.startswith(f"{table}.{column}（")
    assert found.resources


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-04 09:30:00", "2026-01-04T09:30:00+08:00"),
        ("20260104093000", "2026-01-04T09:30:00+08:00"),
        ("2026/1/4 09:30", "2026-01-04T09:30:00+08:00"),
        ("2026-01-04T09:30:00.5+00:00", "2026-01-04T09:30:00.5+00:00"),
        ("2026-01-04", "2026-01-04"),
    ],
)
def test_times_as_databases_write_them(written: str, meant: str):
    assert of(understood("orders", a_row("orders", order_time=written)), "ServiceRequest")["authoredOn"] == meant


def test_a_report_and_its_results_name_the_same_number():
    report = of(understood("lab_report", a_row("lab_report")), "DiagnosticReport")
    result = of(understood("lab_result", a_row("lab_result", result_text=None)), "Observation")
    assert report["basedOn"] == result["basedOn"]
    assert report["encounter"] == result["encounter"]


def test_the_layout_is_sound():
    for table in TABLES:
        assert table.columns[-2].name == "deleted"
        assert table.columns[-1].name == "update_time"
        assert table.zh
        assert table.en
    for name, told in sets().items():
        assert told["source"], name
        assert bool(told.get("map")) != bool(told.get("codes")), name


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"table": 1, "row": {}}', b'{"table": "visit", "row": []}'])
def test_what_is_no_row_is_refused(content: bytes):
    with pytest.raises(Incorrect):
        read(content, "h1")


def test_an_unknown_table_is_told():
    assert [one.rule for one in understood("bills", {"a": 1}).findings] == ["row-unknown-table"]


def test_lists_are_filled_from_their_ends():
    tree: dict[str, Any] = {}
    put(tree, ("a", 3, "b"), 1)
    put(tree, ("a", 0), {"c": 2})
    assert tree == {"a": [{"b": 1, "c": 2}]}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_in_the_columns_comes_out_valid_or_as_a_finding(data: st.DataObject):
    table = data.draw(st.sampled_from(TABLES))
    odd = st.text(st.sampled_from(list("019-: .张\x00\x07AZ/+")), max_size=14)
    columns = data.draw(st.lists(st.sampled_from(table.columns), max_size=6, unique_by=lambda one: one.name))
    row = a_row(table.name) | {one.name: data.draw(odd | st.just(a_value(one))) for one in columns}
    understood(table.name, row)


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.name)
def test_any_one_column_may_be_empty_or_odd(table: Table):
    for column in table.columns:
        for value in ("", "0", ".", "X 9", "张"):
            understood(table.name, a_row(table.name, **{column.name: value}))
            understood(table.name, a_thin_row(table.name, **{column.name: value}))
