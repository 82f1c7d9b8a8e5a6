"""The words of a resource and the language they are sought in; input built to hurt stays cheap."""

from __future__ import annotations

import base64
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir.problem import Incorrect, Unsupported
from minkang.fhir.search.kinds import text as kind
from minkang.fhir.search.parameters import parameter
from minkang.fhir.text import MOST_CHARACTERS, content, normal, untagged, words
from minkang.store.search.params import text as index

CONTENT = parameter("Composition", "_content")
assert CONTENT is not None


def read(text: str) -> kind.Wanted:
    return kind.parse(text, None, CONTENT)


def finds(search: str, text: str) -> bool:
    return kind.matches(kind.Value(normal(text)), read(search), None)


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Type2糖尿病, E11.9", " type2 糖尿病 e11 9 "),
        ("Ｅ１１　Émile", " e11 emile "),
        ("", "  "),
        ("a_b", " a b "),
    ],
)
def test_what_is_compared(text: str, compared: str) -> None:
    assert normal(text) == compared


def test_what_is_indexed() -> None:
    assert words("糖尿病 type 2 of Type") == {"糖", "尿", "病", "糖尿", "尿病", "type", "typ*", "2", "of"}


ALPHABET = st.sampled_from([*"糖尿病心", *"ab", " ", "-"])
TEXTS = st.text(ALPHABET, max_size=12)
SEARCHES = st.recursive(
    st.builds(
        lambda word, star: word + star,
        st.text(st.sampled_from("糖尿病心ab"), min_size=1, max_size=4),
        st.sampled_from(["", "*"]),
    )
    | st.text(st.sampled_from("糖尿a b"), min_size=1, max_size=5).map(lambda text: f'"a{text}"'),
    lambda inner: st.builds(
        lambda one, how, other: f"({one}{how}{other})", inner, st.sampled_from([" ", " OR ", " AND "]), inner
    ),
    max_leaves=6,
)


@given(TEXTS, SEARCHES)
def test_what_is_found_has_the_words_it_is_sought_by(text: str, search: str) -> None:
    """The index never loses a match: every text that is found has all words of one choice."""
    choices = index.choices([read(search)])
    if choices is not None and finds(search, text):
        assert any(choice <= words(text) for choice in choices)


@given(st.lists(st.sampled_from([*'ab糖 ()"*', "OR ", "AND "]), max_size=40).map("".join))
def test_any_text_is_a_search_or_refused(text: str) -> None:
    try:
        wanted: Any = read(text)
        hash(wanted)
    except (Incorrect, Unsupported) as problem:
        wanted = problem
    assert isinstance(wanted, (kind.Phrase, kind.All, kind.Any_)) or wanted.status == 400


@pytest.mark.parametrize("text", ["(" * 100 + "a" + ")" * 100, "a " * 300, "()" * 200, '"' * 301])
def test_what_is_built_to_hurt_is_refused(text: str) -> None:
    with pytest.raises(Incorrect):
        read(text)


def test_many_alternatives_are_left_to_the_look_at_the_resource() -> None:
    assert index.choices([read(" OR ".join(f"w{n}" for n in range(17)))]) is None
    pairs = read(" ".join(f"(a{n} OR b{n})" for n in range(20)))
    choices = index.choices([pairs])
    assert choices is not None
    assert len(choices) == 16


@pytest.mark.parametrize("markup", ["<" * 500_000, "<b " * 100_000, "&" * 500_000, "<b>" * 300_000, "<a<" * 100_000])
def test_markup_built_to_hurt_is_read_once(markup: str) -> None:
    assert len(untagged(markup)) <= MOST_CHARACTERS


def test_only_the_beginning_of_a_long_resource_counts() -> None:
    long = {"resourceType": "Composition", "title": "x " * MOST_CHARACTERS, "section": [{"title": "end"}]}
    assert len(content(long)) <= MOST_CHARACTERS
    assert "end" not in content(long)


def test_a_deep_resource_does_not_exhaust_the_stack() -> None:
    deep: Any = "bottom"
    for _ in range(5000):
        deep = {"section": [deep]}
    assert content({"resourceType": "Composition", "section": [deep]}) == "bottom"


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("text/plain", base64.b64encode("笔记".encode()).decode(), "笔记"),
        ("application/hl7-v3+xml", base64.b64encode("<a>笔<b>记</b></a>".encode()).decode(), "笔记"),
        ("application/pdf", base64.b64encode(b"%PDF").decode(), ""),
        ("text/plain", "x", ""),
        ("text/plain", base64.b64encode(b"\xff\xfe ok").decode(), "�� ok"),
        (None, base64.b64encode(b"ok").decode(), ""),
    ],
)
def test_attached_texts(kind: str | None, data: str, said: str) -> None:
    found = content(
        {"resourceType": "DocumentReference", "content": [{"attachment": {"contentType": kind, "data": data}}]}
    )
    assert found.replace(kind or string.punctuation, "").strip() == said
