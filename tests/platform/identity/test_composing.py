"""What a person is called when several registrations say different things."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir.resource import from_exact
from minkang.fhir.validation import check
from minkang.platform.identity.composing import composed
from tests.platform.identity.test_index import CARD, registration


def told(id: str, name: str = "王小明", *, at: str = "2026-01-01", **more: Any) -> dict[str, Any]:
    return registration(id, name, **more) | {"meta": {"lastUpdated": f"{at}T00:00:00Z"}}


def test_what_most_say_counts_then_what_stands_beside_a_number_then_the_newest() -> None:
    most = composed([told("a", "王晓明"), told("b", card=None), told("c", card=None)])
    assert [one["text"] for one in most["name"]] == ["王小明", "王晓明"]
    beside = composed([told("a", "王晓明", card=None, at="2026-09-01"), told("b")])
    assert beside["name"][0]["text"] == "王小明"
    newest = composed([told("a", "王晓明", at="2026-09-01"), told("b")])
    assert newest["name"][0]["text"] == "王晓明"


def test_several_are_all_kept_once_and_registrations_are_named() -> None:
    phone, other = ({"system": "phone", "value": value} for value in ("10012345678", "10087654321"))
    found = composed([told("b", telecom=[phone]), told("a", telecom=[other, phone], at="2026-05-01")])
    assert [one["value"] for one in found["telecom"]] == ["10087654321", "10012345678"]
    assert [one["value"] for one in found["identifier"]] == [CARD]
    assert [one["other"]["reference"] for one in found["link"]] == ["Patient/a", "Patient/b"]
    assert "id" not in found


def test_what_says_nothing_yields() -> None:
    newborn = told("a", "张丽之子", born="1900-01-01", gender="unknown")
    found = composed([newborn, told("b", "陈一诺", born="2026-10-01", card=None)])
    assert (found["name"][0]["text"], found["birthDate"], found["gender"]) == ("陈一诺", "2026-10-01", "male")
    assert composed([told("a", "无名氏", card=None)])["name"] == [{"text": "无名氏"}]


def test_who_died_anywhere_is_dead() -> None:
    found = composed([told("a"), told("b"), told("c", deceasedDateTime="2026-03-01")])
    assert found["deceasedDateTime"] == "2026-03-01"


PEOPLE = st.lists(
    st.builds(
        told,
        st.sampled_from("abcd"),
        st.sampled_from(["王小明", "王晓明", "无名氏"]),
        card=st.sampled_from([None, CARD]),
        born=st.sampled_from(["1985-03-14", "1900-01-01", ""]),
        gender=st.sampled_from(["male", "unknown", None]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda tree: tree["id"],
)


@given(PEOPLE)
def test_it_is_a_valid_patient_whatever_comes_and_in_whatever_order(trees: list[dict[str, Any]]) -> None:
    found = composed(trees)
    check(from_exact(found).tree)
    assert len(found["link"]) == len(trees)
