"""The front page: what it shows in each state, asked as data; one look at the page by its words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import httpx
import orjson
import pytest

from minkang.fhir.problem import Busy, Incorrect, Problem, TooCostly
from minkang.fhir.resource import parse
from minkang.store.contract import Repository
from minkang.store.memory import MemoryStore
from minkang.store.scope import EVERYTHING, Actor
from minkang.web import front
from minkang.web.languages import texts
from synth.people import patient, residents

pytestmark = pytest.mark.anyio
TODAY = date(2026, 11, 22)
COUNTS = {"Patient": 30, "Observation": 1_200_000, "Encounter": 0}


async def _repository(people: int) -> Repository:
    repository = MemoryStore().repository(Actor("Device/test"), EVERYTHING)
    for resident in residents(people, 7, today=TODAY):
        await repository.update("Patient", resident.id, parse(orjson.dumps(patient(resident))))
    return repository


async def _sources(
    people: int = 30,
    *,
    counts: Mapping[str, int] | None = None,
    answers: bool = True,
    guarded: bool = False,
    busy: bool = False,
) -> front.Sources:
    repository = await _repository(people)

    async def counted() -> Mapping[str, int]:
        if busy:
            raise Busy
        return COUNTS if counts is None else counts

    async def answered() -> bool:
        return answers

    return front.Sources(lambda: repository, counted, answered, "9.9.9", guarded)


async def _page(sources: front.Sources, path: str = "/", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=front.build(sources))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("words", ["张丽", "张", "zhangli", "zhang li", "zl", "ZL"])
async def test_a_person_is_found_by_characters_pinyin_and_initials(words: str) -> None:
    seen = await front.look(await _sources(), words, TODAY)
    assert "张丽" in [person.name for person in seen.found.people]


@pytest.mark.parametrize("words", ["shanxuemei", "danxuemei"])
async def test_a_surname_with_two_readings_is_found_by_both(words: str) -> None:
    seen = await front.look(await _sources(), words, TODAY)
    assert [person.name for person in seen.found.people] == ["单雪梅"]


async def test_a_person_is_found_by_the_number_on_the_card() -> None:
    someone = next(residents(1, 7, today=TODAY))
    for number in (someone.card, someone.card.lower(), someone.id_number):
        seen = await front.look(await _sources(), number, TODAY)
        assert [person.id for person in seen.found.people] == [someone.id]


@pytest.mark.parametrize("words", ["a,b|c$d\\e", "%", "<script>", "\u202e", "  "])
async def test_odd_words_are_answered_like_any_others(words: str) -> None:
    seen = await front.look(await _sources(), words, TODAY)
    assert seen.state == "some"
    assert seen.found.refused == ""


async def test_an_empty_store_says_how_to_fill_it() -> None:
    assert (await front.look(await _sources(0, counts={}), "", TODAY)).state == "empty"
    assert "make demo" in (await _page(await _sources(0, counts={}))).text


async def test_one_person_is_listed_without_a_search() -> None:
    seen = await front.look(await _sources(1, counts={"Patient": 1}), "", TODAY)
    assert [person.name for person in seen.found.people] == ["张丽"]
    assert not seen.found.more


async def test_many_people_are_cut_short_and_that_is_told() -> None:
    seen = await front.look(await _sources(), "", TODAY)
    assert len(seen.found.people) == 20
    assert seen.found.more


async def test_without_a_search_the_first_people_are_told_to_be_the_first() -> None:
    assert "先列出 20 人" in (await _page(await _sources())).text
    assert "先列出" not in (await _page(await _sources(3))).text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("problem", "why"), [(TooCostly, "costly"), (Busy, "busy"), (Incorrect, "other")])
async def test_a_refused_search_says_what_to_do_in_the_language_of_the_page(
    problem: type[Problem], why: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise problem

    sources = await _sources()
    repository = sources.repository()
    monkeypatch.setattr(type(repository), "search", refuse)
    page = await _page(sources, f"/?q=a&lang={language}")
    assert texts(language)(f"refused.{why}") in page.text


async def test_the_other_language_keeps_the_search() -> None:
    assert 'href="/?lang=en&amp;q=%E5%BC%A0%26"' in (await _page(await _sources(), "/?q=张%26")).text
    assert 'href="/?lang=en"' in (await _page(await _sources())).text


async def test_types_are_listed_by_size_and_the_small_ones_are_summed_up() -> None:
    counts = {f"Type{number}": number for number in range(13)}
    seen = await front.look(await _sources(counts=counts), "", TODAY)
    assert [row.rows for row in seen.counts] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert (seen.rest_types, seen.rest_rows, seen.total) == (2, 3, 78)


async def test_a_server_with_a_token_shows_its_status_and_nothing_of_its_records() -> None:
    seen = await front.look(await _sources(guarded=True), "张丽", TODAY)
    assert (seen.state, seen.total, list(seen.counts), list(seen.found.people)) == ("guarded", 0, [], [])
    page = await _page(await _sources(guarded=True), "/?q=张丽")
    assert page.status_code == 200
    assert "张" not in page.text


@pytest.mark.parametrize("trouble", [{"answers": False}, {"busy": True}])
async def test_a_database_that_does_not_answer_is_told_with_503(trouble: dict[str, bool]) -> None:
    page = await _page(await _sources(**trouble))
    assert page.status_code == 503
    assert "数据库没有应答" in page.text


async def test_the_page_speaks_chinese_unless_another_language_is_asked_for() -> None:
    sources = await _sources()
    assert "找人" in (await _page(sources)).text
    assert "找人" in (await _page(sources, **{"Accept-Language": "fr-FR,de;q=0.5"})).text
    assert "Find a person" in (await _page(sources, **{"Accept-Language": "en-GB,zh;q=0.5"})).text
    assert "找人" in (await _page(sources, "/?lang=zh", **{"Accept-Language": "en"})).text
    assert "Find a person" in (await _page(sources, "/?lang=en")).text


async def test_large_figures_are_written_as_each_language_counts() -> None:
    sources = await _sources()
    assert "120.0万" in (await _page(sources)).text
    assert "1,200,000" in (await _page(sources, "/?lang=en")).text


async def test_what_was_typed_comes_back_as_text_and_never_as_markup() -> None:
    page = await _page(await _sources(), "/?q=<script>alert(1)</script>")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_page_may_load_nothing_from_elsewhere() -> None:
    page = await _page(await _sources())
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize("file", ["static/minkang.css", "static/shell.js", "static/mark.svg", "favicon.ico"])
async def test_its_own_files_are_served(file: str) -> None:
    assert (await _page(await _sources(0), f"/{file}")).status_code == 200


async def test_a_token_is_told_even_while_the_database_does_not_answer() -> None:
    page = await _page(await _sources(answers=False, guarded=True), "/?lang=en")
    assert "Token needed" in page.text
    assert "only this machine" not in page.text
