"""Who is one person and who is not: what hospitals really send, case by case."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.platform.identity.blocking import keys
from minkang.platform.identity.comparing import Level, compare, distance, name_level
from minkang.platform.identity.deciding import decided, judged
from minkang.platform.identity.person import MOST_NAMES, MOST_NUMBERS, MOST_PHONES, Person, person_of
from minkang.platform.identity.rules import Verdict, ruled
from minkang.platform.identity.scoring import score, standard
from synth.id_number import id_number

BORN = date(1985, 3, 14)
CARD = id_number(380102, BORN, 124)
DOOR = "钟楼街道12号3室"
BABY: dict[str, Any] = {"born": "2026-10-01", "sex": "female", "order": 1, "mother": CARD}
TWIN = BABY | {"order": None, "mother": None}
BORROWED = ("review", "borrowed")
WRONG = CARD[:17] + ("0" if CARD[17] != "0" else "1")
OTHER = id_number(390203, BORN, 126)


def someone(name: str = "王小明", **more: Any) -> Person:
    """A man of Yunzhou; `id`, `card`, `phone`, `door`, `born`, `sex`, `mother`, `order`, `local`; None: not said."""
    told: dict[str, Any] = {
        "born": BORN.isoformat(),
        "sex": "male",
        "phone": "10012345678",
        "door": "钟楼街道12号3室",
    } | more
    numbers = [
        ("urn:oid:2.16.156.10011.1.3", told.get("card")),
        ("urn:x-minkang:mother-resident-id", told.get("mother")),
        ("urn:hospital:1", told.get("local")),
        ("urn:oid:2.16.156.10011.1.19", told.get("health")),
    ]
    tree: dict[str, Any] = {
        "resourceType": "Patient",
        "id": told.get("id", name),
        "name": [{"text": name}],
        "gender": told["sex"],
        "birthDate": told["born"],
        "telecom": [{"system": "phone", "value": told["phone"]}] if told["phone"] else None,
        "address": [{"line": [told["door"]], "district": "白塔区"}] if told["door"] else None,
        "identifier": [{"system": system, "value": value} for system, value in numbers if value],
        "multipleBirthInteger": told.get("order"),
    }
    return person_of({key: value for key, value in tree.items() if value})


def outcome(a: Person, b: Person) -> tuple[str, str]:
    found = judged(a, b, standard())
    turned = judged(b, a, standard())
    assert (found.outcome, found.reason, found.vector.pattern) == (turned.outcome, turned.reason, turned.vector.pattern)
    return found.outcome, found.reason


NOTHING: dict[str, Any] = {"phone": None, "door": None}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # numbers
        (someone(card=CARD, **NOTHING), someone(card=CARD, **NOTHING), ("link", "number")),
        (someone(card=CARD), someone("王晓明", card=CARD, born=None), ("link", "number")),
        (someone(card=CARD), someone("Xiaoming Wang", card=CARD), ("link", "number")),
        (someone(card=CARD), someone(card=CARD[:6] + CARD[8:17], **NOTHING), ("link", "number")),
        (someone(card=CARD), someone(card=CARD, sex="female"), ("link", "number")),
        (someone(card=CARD), someone("李秀英", card=CARD, sex="female", born="1960-01-02"), ("review", "borrowed")),
        (someone(card=CARD), someone("王小亮", card=CARD), ("review", "borrowed")),
        (someone("王丽", card=CARD, sex="female"), someone("王丽之女", card=CARD, **BABY), ("review", "borrowed")),
        (someone(card=CARD), someone(card=OTHER), ("review", "two-numbers")),
        (someone(card=CARD), someone("赵建国", card=OTHER), ("apart", "two-numbers")),
        (someone(local="7"), someone("小明王", local="7", born=None, phone=None), ("link", "number")),
        (someone(card=WRONG, **NOTHING), someone("李四光", card=WRONG, **NOTHING), ("apart", "unlike")),
        # no numbers
        (someone(), someone(), ("link", "chance")),
        (someone(), someone("王晓明"), ("link", "chance")),
        (someone(), someone("明小王", door=None), ("link", "chance")),
        (someone(), someone(born="1985-03-15", door=None), ("link", "chance")),
        (someone(), someone(born=None, door="河东街道1号"), ("link", "chance")),
        (someone(), someone(born="1958-07-30"), ("link", "chance")),
        (someone(), someone("王小亮"), ("review", "sibling")),
        (someone(), someone("王建国", born="1958-07-30"), ("apart", "unlike")),
        (someone(), someone(phone="10087654321", door="河东街道1号", born="1990-12-01"), ("apart", "unlike")),
        (someone(**NOTHING), someone(born="1900-01-01", **NOTHING), ("apart", "unlike")),
        (someone("张三"), someone("张三"), ("apart", "unlike")),
        (someone("无名氏"), someone("无名氏"), ("apart", "unlike")),
        (someone("测试"), someone("测试", local="7"), ("apart", "unlike")),
        (someone("Anna Müller"), someone("MULLER ANNA", phone=None), ("link", "chance")),
        (someone("阿依古丽·买买提"), someone("阿依古丽．买买提", door=None), ("link", "chance")),
        # newborns
        (someone("张丽之女", **BABY), someone("陈一诺", **BABY, **NOTHING), ("link", "number")),
        (someone("张丽之女", card=CARD, **TWIN), someone("张丽之子", card=CARD, **TWIN | {"sex": "male"}), BORROWED),
        (someone("张丽之长女", card=CARD, **TWIN), someone("张丽之次女", card=CARD, **TWIN), BORROWED),
        (someone("张丽之女", card=CARD, **TWIN), someone("张丽之女", card=CARD, **TWIN), BORROWED),
        (someone("张丽之女", card=CARD, **TWIN), someone("陈一诺", card=CARD, **TWIN), BORROWED),
        (someone("张丽之女", local="7", **TWIN), someone("陈一诺", local="7", **TWIN), ("link", "number")),
        (someone("陈一", local="7", order=1), someone("陈一", local="7", order=2), BORROWED),
        (someone("张丽之女", **BABY), someone("张丽之女", **BABY | {"order": 2}), ("review", "sibling")),
        (someone("王小明", card=CARD, order=1), someone("王大力", card=CARD), BORROWED),
        # households
        (someone("王建国", born="1955-07-30"), someone("王健国"), ("review", "other-birth")),
        (someone("John Smith", born="1955-07-30"), someone("Peter Smith"), ("review", "other-birth")),
        (someone("Peter Smith"), someone("Mary Smith", sex="female"), ("review", "sibling")),
        (someone("测试患者2"), someone("测试患者2"), ("apart", "unlike")),
        (someone("无名氏男"), someone("无名氏男"), ("apart", "unlike")),
        (someone("张丽之长女", **BABY), someone("张丽之次女", **BABY | {"order": 2}), ("review", "sibling")),
    ],
)  # fmt: skip
def test_cases(a: Person, b: Person, expected: tuple[str, str]) -> None:
    assert outcome(a, b) == expected


def test_who_is_linked_shared_a_key_before() -> None:
    pairs = [
        (someone(card=CARD), someone("李秀英", card=CARD)),
        (someone(), someone("王晓明", born=None, door=None)),
        (someone(phone=None), someone("明小王", door=None)),
        (someone(phone=None), someone("Xiaoming Wang", phone=None, door=None)),
        (someone(), someone(born="1900-01-01")),
        (someone(phone=None, door=None), someone(born="1985-03-15", phone="10000000001")),
    ]
    for a, b in pairs:
        assert keys(a) & keys(b)
    assert not keys(someone("无名氏", **NOTHING))


def test_the_likeliest_comes_first_and_the_same_registration_is_no_candidate() -> None:
    new = someone(id="new", card=CARD)
    there = [
        someone("王小亮", id="twin"),
        someone(id="new"),
        someone(id="same", card=CARD),
        someone("赵四海", id="x", born="1960-01-01"),
    ]
    found = decided(new, there, standard())
    assert [(one.other.id, one.outcome) for one in found] == [("same", "link"), ("twin", "review")]


def test_what_is_unknown_adds_nothing() -> None:
    vector = compare(person_of({"resourceType": "Patient"}), person_of({"resourceType": "Patient"}))
    assert set(vector.pattern) == {Level.UNKNOWN}
    assert score(vector, standard()).bits == 0
    assert (
        outcome(person_of({"resourceType": "Patient", "id": "a"}), person_of({"resourceType": "Patient", "id": "b"}))[0]
        == "apart"
    )


def test_what_one_registration_can_cost_is_bounded() -> None:
    """Names of any length, and any number of everything, as a faulty sender writes them."""
    many = range(2_000)
    tree: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"text": f"王小{one}"} for one in many],
        "telecom": [{"system": "phone", "value": f"139{one:08d}"} for one in many],
        "address": [{"line": [f"街{one}号"], "district": f"区{one}"} for one in many],
        "identifier": [{"system": "urn:x", "value": str(one)} for one in many],
        "contact": [{"name": {"text": f"李{one}"}} for one in many],
    }
    person = person_of(tree)
    assert (len(person.names), len(person.phones), len(person.local)) == (MOST_NAMES, MOST_PHONES, MOST_NUMBERS)
    assert len(keys(person)) < 500
    assert not person_of({"resourceType": "Patient", "name": [{"text": "王小" * 500_000}]}).names
    long = [{"system": "phone", "value": "2345678" * 100_000}]
    assert not person_of({"resourceType": "Patient", "telecom": long}).phones
    card = {"system": "urn:oid:2.16.156.10011.1.3", "value": CARD}
    assert person_of(tree | {"identifier": [*tree["identifier"], card]}).of("resident-id") == {CARD}


def test_null_stands_where_only_an_extension_is_said() -> None:
    """http://hl7.org/fhir/R4/json.html#primitive"""
    tree: dict[str, Any] = {
        "name": [{"family": "王", "given": [None, "小明"]}],
        "address": [{"line": [None, "河东街道1号"]}],
    }
    person = person_of({"resourceType": "Patient"} | tree)
    assert [name.text for name in person.names] == ["王小明"]
    assert person.house == "1"


def test_a_rare_name_tells_more() -> None:
    weights = standard()
    assert weights.of("name", Level.EQUAL, "王伟") == weights.of("name", Level.EQUAL, "x")
    usual = type(weights)(**{name: getattr(weights, name) for name in weights.__slots__} | {"names": {"王伟": 5000.0}})
    assert usual.of("name", Level.EQUAL, "王伟") < usual.of("name", Level.EQUAL, "欧阳𬍛")


def test_twins_with_a_number_each_stay_apart() -> None:
    assert ruled(someone("王小明", card=CARD), someone("王小亮", card=OTHER)).verdict is Verdict.TWO_NUMBERS
    assert outcome(someone("王小明", card=CARD), someone("王小亮", card=OTHER)) == ("apart", "two-numbers")


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("张丽", "張麗", Level.EQUAL),
        ("张丽", "张 丽", Level.EQUAL),
        ("单雪梅", "Shan Xuemei", Level.CLOSE),
        ("单雪梅", "Xuemei Dan", Level.CLOSE),
        ("欧阳建国", "欧阳建华", Level.CLOSE),
        ("王建红", "王建", Level.LIKE),
        ("王伟", "李娜", Level.DIFFERENT),
        ("Smith", "Smyth", Level.CLOSE),
    ],
)
def test_names(a: str, b: str, level: Level) -> None:
    assert name_level(someone(a), someone(b)) == name_level(someone(b), someone(a)) == level


NAMES = st.sampled_from(["王小明", "王晓明", "王小亮", "李娜", "Anna Müller", "无名氏", "张丽之子"])
PEOPLE = st.builds(
    someone,
    NAMES,
    card=st.sampled_from([None, CARD, OTHER]),
    born=st.sampled_from([None, "1985-03-14", "1985-03-15", "1900-01-01", "2026-01-01"]),
    sex=st.sampled_from([None, "male", "female"]),
    phone=st.sampled_from([None, "10012345678", "10012345679"]),
    door=st.sampled_from([None, "钟楼街道12号3室", "河东街道1号"]),
    local=st.sampled_from([None, "7"]),
)


@settings(max_examples=200)
@given(PEOPLE, PEOPLE)
def test_it_does_not_matter_who_comes_first_and_two_numbers_are_never_linked(a: Person, b: Person) -> None:
    assert compare(a, b).pattern == compare(b, a).pattern
    verdict, _ = outcome(a, b)
    if a.of("resident-id") and b.of("resident-id") and a.of("resident-id") != b.of("resident-id"):
        assert verdict != "link"


@given(st.text(max_size=8), st.text(max_size=8))
def test_the_distance_is_one_in_both_directions(a: str, b: str) -> None:
    assert distance(a, b, 9) == distance(b, a, 9)
    assert (distance(a, b, 9) == 0) == (a == b)
    assert min(distance(a, b, 9), 3) == distance(a, b, 2)
