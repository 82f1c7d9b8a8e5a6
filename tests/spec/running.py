"""Runs the rows of a chapter against a store and says the answers in the words of `language.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

from minkang.fhir import json_patch
from minkang.fhir.bundles import conditional_references
from minkang.fhir.problem import Problem
from minkang.fhir.resource import Parsed, parse
from minkang.fhir.search import grammar
from minkang.fhir.search.query import Query
from minkang.store import shards
from minkang.store.contract import Entry, Page, Repository, Stored, Written
from minkang.store.scope import EVERYTHING, Actor, Scope
from tests.lib.both_stores import RepositoryFor
from tests.spec.language import Caller, Chapter, Row

PLAIN = Actor("Practitioner/spec")


class Mismatch(AssertionError):
    """An answer that is not the expected one."""


class Run:
    """One chapter on one store; `names` are the ids the store made, as the story calls them."""

    def __init__(self, chapter: Chapter, repository_for: RepositoryFor) -> None:
        self._chapter = chapter
        self._repository_for = repository_for
        self._names: dict[str, str] = {}
        """By id."""
        self._shown: Stored | None = None
        self._rest: str | None = None

    async def load(self) -> None:
        for name, body in self._chapter.resources.items():
            type, id = name.split("/")
            door = self._door(self._chapter.written_by.get(name), writing=True)
            await door.update(type, id, parsed({"resourceType": type, "id": id, **body}))

    async def check(self, row: Row) -> None:
        """Raises Mismatch when the answer is another."""
        said = await self.ask(row)
        if not self.agrees(row.answer, said):
            by = f" by {row.by}" if row.by else ""
            raise Mismatch(f"{row.request}{by}\n    expected  {row.answer}\n    answered  {said}")
        if row.shows is not None:
            self._check_shown(row, row.shows)

    async def ask(self, row: Row) -> str:
        """The answer in words; ids that have a name are called by it."""
        self._shown = None
        method, target = re.fullmatch(r"(\w+) ?(.*)", self._fill(row.request)).groups()  # type: ignore[union-attr]
        try:
            return await getattr(self, f"_{method.lower()}")(self._door(row.by), target, row)
        except Problem as problem:
            return type(problem).__name__

    def agrees(self, answer: str, said: str) -> bool:
        """Whether an answer is the expected one; remembers the ids that it names for the first time."""
        names = [name for name in re.findall(r"\$(\w+)", answer) if name not in self._names.values()]
        pattern = re.escape(answer)
        for name in names:
            pattern = pattern.replace(rf"\${name}", r"(\S+?)", 1)
        match = re.fullmatch(pattern, said)
        if match:
            self._names |= dict(zip(match.groups(), names, strict=True))
        return match is not None

    def name_next(self, id: str) -> str:
        """Call an id that has no name yet by the next free number."""
        return self._names.setdefault(id, str(len(self._names) + 1))

    def _called(self, id: str) -> str:
        return f"${self._names[id]}" if id in self._names else id

    def _check_shown(self, row: Row, shows: Mapping[str, Any]) -> None:
        content = orjson.loads(self._shown.content) if self._shown is not None else {}
        wanted = orjson.loads(self._fill(json.dumps(dict(shows))))
        found = {key: content.get(key) for key in wanted}
        if found != wanted:
            raise Mismatch(f"{row.request}\n    expected  {wanted}\n    shows     {found}")

    def _fill(self, text: str) -> str:
        """Names become the ids they stand for."""
        ids = {name: id for id, name in self._names.items()}
        return re.sub(r"\$(\w+)", lambda found: ids.get(found[1], found[0]), text)

    def _door(self, by: str | None, *, writing: bool = False) -> Repository:
        caller = self._chapter.callers[by] if by else Caller()
        patients = None if caller.patients is None else frozenset(map(shards.of_patient, caller.patients))
        scope = Scope(caller.divisions, caller.organizations, patients, caller.writable) if by else EVERYTHING
        actor = Actor(f"Practitioner/{by}", caller.organization, caller.division) if by else PLAIN
        return self._repository_for(actor, EVERYTHING if writing else scope)

    # -- one method for each verb: the rest of the request line, with headers behind semicolons ----------------------

    async def _post(self, door: Repository, target: str, row: Row) -> str:
        path, headers = _headers(target)
        condition = headers.get("If-None-Exist")
        return self._wrote(
            await door.create(
                path, self._body(row, path), if_none_exist=query(f"{path}?{condition}") if condition else None
            )
        )

    async def _put(self, door: Repository, target: str, row: Row) -> str:
        path, headers = _headers(target)
        if_match = int(headers["If-Match"]) if "If-Match" in headers else None
        if "?" in path:
            type = path.partition("?")[0]
            return self._wrote(await door.update_where(query(path), self._body(row, type), if_match=if_match))
        type, id = path.split("/")
        body = self._body(row, type, id)
        none_match = headers.get("If-None-Match")
        return self._wrote(await door.update(type, id, body, if_match=if_match, if_none_match=none_match))

    async def _patch(self, door: Repository, target: str, row: Row) -> str:
        path, headers = _headers(target)
        if_match = int(headers["If-Match"]) if "If-Match" in headers else None
        change = _change(row.body)
        if "?" in path:
            return self._wrote(await door.patch_where(query(path), change, if_match=if_match))
        type, id = path.split("/")
        return self._wrote(await door.patch(type, id, change, if_match=if_match))

    async def _delete(self, door: Repository, target: str, row: Row) -> str:
        path, headers = _headers(target)
        if "?" in path:
            limit = int(headers.get("limit", "1"))
            written = await door.delete_where(query(path), limit=limit)
            return ", ".join(sorted(self._wrote(each) for each in written)) or "nothing"
        if_match = int(headers["If-Match"]) if "If-Match" in headers else None
        return self._wrote(await door.delete(*path.split("/"), if_match=if_match))

    async def _expunge(self, door: Repository, target: str, row: Row) -> str:
        return f"{await door.expunge(*target.split('/'))} versions"

    async def _get(self, door: Repository, target: str, row: Row) -> str:
        path, _, asked = target.partition("?")
        parts = path.split("/")
        if parts[-1] == "_history":
            return await self._history(door, parts[:-1], dict(parse_qsl(asked)))
        if parts[-1] == "$everything":
            return await self._everything(door, parts[1], dict(parse_qsl(asked)))
        if "?" not in target and len(parts) == 4:
            return self._read(await door.vread(parts[0], parts[1], int(parts[3])))
        if "?" not in target and len(parts) == 2:
            return self._read(await door.read(parts[0], parts[1]))
        return await self._search(door, target)

    async def _transaction(self, door: Repository, target: str, row: Row) -> str:
        """The body is a list of (request, resource) or (request, resource, fullUrl)."""
        _, headers = _headers(target)
        entries = [self._entry(*each) for each in row.body or ()]
        answers = await door.transaction(entries, source=headers.get("source"), message_id=headers.get("message"))
        return ", ".join(self._read(each) if isinstance(each, Stored) else self._wrote(each) for each in answers)

    # -- parts ------------------------------------------------------------------------------------------------------

    async def _search(self, door: Repository, target: str) -> str:
        """All pages: apart when the search sorts, else joined with their sizes (the order is the store's own)."""
        asked = query(target)
        pages = [await door.search(asked)]
        while pages[-1].next is not None:
            pages.append(await door.search(query(f"{target}&_cursor={pages[-1].next}")))
        matches = [[self._called(hit.stored.id) for hit in page.hits if hit.mode == "match"] for page in pages]
        includes = sorted({self._called(hit.stored.id) for page in pages for hit in page.hits if hit.mode == "include"})
        if asked.sort:
            said = " / ".join(" ".join(page) for page in matches)
        else:
            said = " ".join(sorted(id for page in matches for id in page))
            said += " in " + "+".join(str(len(page)) for page in matches) if len(pages) > 1 else ""
        said = (said or "nothing") + (" + " + " ".join(includes) if includes else "")
        return said + (f" [{pages[0].total}]" if pages[0].total is not None else "")

    async def _page(self, door: Repository, target: str, row: Row) -> str:
        """One page only, in its own order; NEXT asks for the one behind it."""
        page = await door.search(query(target))
        first = target.partition("&_cursor=")[0]
        self._rest = f"{first}&_cursor={page.next}" if page.next is not None else None
        return " ".join(self._called(hit.stored.id) for hit in page.hits) or "nothing"

    async def _next(self, door: Repository, target: str, row: Row) -> str:
        return await self._page(door, self._rest, row) if self._rest is not None else "nothing"

    async def _history(self, door: Repository, parts: list[str], asked: dict[str, str]) -> str:
        moments = {key: datetime.fromisoformat(asked[f"_{key}"]) for key in ("since", "at") if f"_{key}" in asked}
        count = int(asked.get("_count", "20"))
        pages: list[str] = []
        cursor = None
        while True:
            page = await door.history(*parts, **moments, count=count, cursor=cursor)
            pages.append(
                ", ".join(f"{self._called(each.id)} {each.version} {each.method}" for each in page.versions)
                or "nothing"
            )
            cursor = page.next
            if cursor is None:
                break
        total = f" [{page.total}]" if page.total is not None else ""
        return " / ".join(pages) + total

    async def _everything(self, door: Repository, patient: str, asked: dict[str, str]) -> str:
        types = tuple(asked["_type"].split(",")) if "_type" in asked else ()
        count = int(asked.get("_count", "1000"))
        pages: list[Page] = []
        cursor = None
        while not pages or cursor is not None:
            page = await door.everything(
                patient, types=types, start=asked.get("start"), end=asked.get("end"), count=count, cursor=cursor
            )
            pages.append(page)
            cursor = page.next
        assert all(len(page.hits) <= count for page in pages)
        return " ".join(sorted(self._called(hit.stored.id) for page in pages for hit in page.hits)) or "nothing"

    def _entry(self, request: str, body: Any, full_url: str | None = None) -> Entry:
        method, _, target = self._fill(request).partition(" ")
        path, headers = _headers(target)
        where, _, asked = path.partition("?")
        type, _, id = where.partition("/")
        condition = query(path) if asked else None
        if "If-None-Exist" in headers:
            condition = query(f"{type}?{headers['If-None-Exist']}")
        entry = Entry(method, type, id or None, full_url=full_url, condition=condition)
        entry.if_match = int(headers["If-Match"]) if "If-Match" in headers else None
        if method == "GET":
            entry.read = lambda repository: repository.read(type, id)
        elif method == "PATCH":
            entry.patch = _change(body)
        elif body is not None:
            own = {"resourceType": type, **({"id": id} if id else {}), **body}
            entry.parsed = parse(self._fill(json.dumps(own)).encode())
            entry.references = {
                text: grammar.parse(of, parse_qsl(search, keep_blank_values=True), strict=True)
                for text, (of, search) in conditional_references(entry.parsed.tree).items()
            }
        return entry

    def _body(self, row: Row, type: str, id: str | None = None) -> Parsed:
        assert isinstance(row.body, Mapping), f"{row.request} needs a body"
        own = {"resourceType": type, **({"id": id} if id else {}), **row.body}
        return parse(self._fill(json.dumps(own)).encode())

    def _wrote(self, written: Written | None) -> str:
        if written is None:
            return "nothing"
        self._shown = written.stored
        stored = written.stored
        return f"{written.did} {stored.type}/{self._called(stored.id)} {stored.version}"

    def _read(self, stored: Stored) -> str:
        self._shown = stored
        return f"{stored.type}/{self._called(stored.id)} {stored.version}"


def parsed(body: Mapping[str, Any]) -> Parsed:
    return parse(json.dumps(body, ensure_ascii=False).encode())


def query(target: str) -> Query:
    """`Patient?gender=female`, `?_type=Patient`, `Patient/a/Observation?code=x` as the grammar parses it."""
    path, _, asked = target.partition("?")
    parts = path.split("/")
    compartment = (parts[0], parts[1]) if len(parts) > 2 else None
    type = parts[-1] if parts[-1] not in {"", "*"} else None
    pairs = parse_qsl(asked, keep_blank_values=True)
    return grammar.parse(type, pairs, strict=True, compartment=compartment)


def _headers(target: str) -> tuple[str, dict[str, str]]:
    """`Patient/a; If-Match: 2` is a path and a header."""
    path, *headers = target.split("; ")
    return path.strip(), {name: value for name, _, value in (header.partition(": ") for header in headers)}


def _change(patch: Any) -> Callable[[bytes], Parsed]:
    return lambda text: json_patch.apply(text, list(patch))
