"""UCUM: what the official cases do not cover."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir import ucum
from minkang.fhir.problem import Incorrect
from minkang.fhir.search.kinds import quantity
from minkang.fhir.ucum.table import atoms

SYMBOLS = [*sorted(atoms()), "k", "m", "u", ".", "/", "(", ")", "{x}", "{", "}", "2", "-1", "10*", "^", " ", "é", "["]


@pytest.mark.parametrize(
    ("value", "source", "target", "found"),
    [
        ("37", "Cel", "[degF]", "98.6"),
        ("98.6", "[degF]", "Cel", "37"),
        ("37", "Cel", "K", "310.15"),
        ("37000", "mCel", "Cel", "37"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("5.4", "mmol/L", "umol/L", "5400"),
        ("1", "U/L", "ukat/L", "0.01666666666666666666666666667"),
        ("150", "[lb_av]", "kg", "68.0388555"),
        ("5", "%", "1", "0.05"),
        ("100", "[iU]/mL", "k[IU]/L", "100"),
        ("2", "h", "min", "120"),
        ("3", "10*9/L", "10*3/uL", "3"),
    ],
)
def test_amounts_go_from_one_unit_to_another_exactly(value, source, target, found):
    assert ucum.convert(Decimal(value), source, target) == Decimal(found)


@pytest.mark.parametrize(("source", "target"), [("mg/dL", "mmol/L"), ("kg", "m"), ("[iU]", "[arb'U]"), ("[iU]", "mg")])
def test_what_measures_different_things_is_not_converted(source, target):
    assert not ucum.comparable(source, target)
    with pytest.raises(Incorrect, match="measure different things"):
        ucum.convert(Decimal(1), source, target)


@pytest.mark.parametrize(
    "code", ["mmHg", "mg/", "k", "kk", "m**2", "(m", "5e3", "毫米", "m" * 200, "Cel/s", "Cel2", "m0", "0.m"]
)
def test_what_is_no_unit_is_refused_with_the_place(code):
    assert not ucum.is_unit(code)
    with pytest.raises(Incorrect):
        ucum.unit(code)


@given(st.lists(st.sampled_from(SYMBOLS), max_size=12).map("".join) | st.text(max_size=30))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_unit_or_refused(code):
    if ucum.is_unit(code):
        assert ucum.comparable(code, code)
        assert ucum.display(code)
        if not ucum.unit(code).function:
            assert ucum.convert(Decimal("1.5"), code, code) == Decimal("1.5")


def test_an_amount_beyond_the_scale_of_its_unit_is_refused():
    with pytest.raises(Incorrect, match="outside the scale"):
        ucum.convert(Decimal(10) ** 30, "B", "1")


def test_every_unit_of_the_table_has_a_meaning_and_a_name():
    for code in atoms():
        assert ucum.unit(code).factor > 0, code
        assert ucum.display(code) == f"({atoms()[code].name})"


def value(number: object, code: str, system: str = quantity.UCUM) -> quantity.Value:
    (found,) = quantity.values([("Quantity", {"value": number, "system": system, "code": code})])
    return found


def test_equal_amounts_have_one_canonical_form_for_an_index():
    assert quantity.canonical(value(5.4, "mmol/L")) == quantity.canonical(value(5400, "umol/L"))
    assert quantity.canonical(value(20, "mg")) == quantity.canonical(value(0.02, "g"))
    assert quantity.canonical(value(1, "mmol/L")) != quantity.canonical(value(1, "10*9/L"))
    assert quantity.canonical(value(37, "Cel")) is None
    assert quantity.canonical(value(37, "小时")) is None
    assert quantity.canonical(value(5.4, "mmol/L", "http://a.example")) is None
