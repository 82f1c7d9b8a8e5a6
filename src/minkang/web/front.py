"""The front page: that it runs, what is in it, who is in it, and what to open next.

`look` gathers the data, the template shows it; tests ask `look`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from minkang.fhir.dates import DEFAULT_ZONE
from minkang.fhir.problem import Problem
from minkang.store.contract import Repository
from minkang.web import languages, render
from minkang.web.people import NOBODY, Found, find

_STATIC = Path(str(files("minkang.web") / "static"))
SHOWN_TYPES = 10
LONGEST_SEARCH = 100


class Count(NamedTuple):
    type: str
    rows: int


@dataclass(frozen=True, slots=True)
class Front:
    """What the page shows. `state`: guarded (a token is set: status only), down, empty or some."""

    state: Literal["guarded", "down", "empty", "some"]
    answers: bool
    guarded: bool = False
    total: int = 0
    counts: Sequence[Count] = ()
    rest_types: int = 0
    rest_rows: int = 0
    words: str = ""
    found: Found = NOBODY


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the page gets things from. `counts` may raise a Problem; `guarded` says that the server has a token."""

    repository: Callable[[], Repository]
    counts: Callable[[], Awaitable[Mapping[str, int]]]
    answers: Callable[[], Awaitable[bool]]
    version: str
    guarded: bool = False


def build(sources: Sources) -> Starlette:
    """The application for `/` and `/static/`."""

    async def front(request: Request) -> Response:
        words = request.query_params.get("q", "")[:LONGEST_SEARCH]
        language = languages.choose(request.query_params.get("lang"), request.headers.get("accept-language"))
        seen = await look(sources, words, datetime.now(DEFAULT_ZONE).date())
        return render.page(
            "front.html",
            language,
            status=200 if seen.answers else 503,
            front=seen,
            version=sources.version,
            asked=request.query_params.get("lang"),
        )

    async def mark(_: Request) -> Response:
        return FileResponse(_STATIC / "mark.svg", media_type="image/svg+xml")

    # Browsers ask for /favicon.ico beside every FHIR resource that is opened in them.
    static = StaticFiles(directory=_STATIC)
    return Starlette(routes=[Route("/", front), Route("/favicon.ico", mark), Mount("/static", static)])


def is_mine(path: str) -> bool:
    """Whether the application of `build` answers a path."""
    return path in ("/", "/favicon.ico") or path.startswith("/static/")


async def look(sources: Sources, words: str, today: date) -> Front:
    """Ask the store what the page needs; nothing but the status when a token guards the records."""
    answers = await sources.answers()
    if not answers:
        return Front("down", answers, sources.guarded)
    if sources.guarded:
        return Front("guarded", answers, guarded=True)
    try:
        counts = await sources.counts()
    except Problem:
        return Front("down", answers=False)
    if not any(counts.values()):
        return Front("empty", answers)
    found = await find(sources.repository(), words, today)
    return _counted(Front("some", answers, words=words.strip(), found=found), counts)


def _counted(front: Front, counts: Mapping[str, int]) -> Front:
    rows = sorted((Count(type, rows) for type, rows in counts.items() if rows), key=lambda row: (-row.rows, row.type))
    shown, rest = rows[:SHOWN_TYPES], rows[SHOWN_TYPES:]
    return replace(
        front,
        total=sum(counts.values()),
        counts=shown,
        rest_types=len(rest),
        rest_rows=sum(row.rows for row in rest),
    )
