"""`minkang expunge`: count, ask, take out; broken off, the same command goes on with what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import typer
from rich.console import Console

from minkang.app.connections import open_database
from minkang.app.exporting import OPERATOR, pairs_of
from minkang.app.prepare import key_file
from minkang.app.progress import counted
from minkang.fhir.bulk import RemovalWish, removal_wish
from minkang.fhir.problem import Problem
from minkang.kit.folders import DataFolder
from minkang.kit.settings import Settings
from minkang.kit.trouble import BadSetting, Trouble
from minkang.store import keys
from minkang.store.bulk.removal import RemovalState
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store

AFTERWARDS = (
    "The space inside the database is used again once autovacuum has been there; to have it at once:"
    " minkang psql -c 'VACUUM resource, resource_version'"
)


def wish(asked: Mapping[str, str | list[str] | None]) -> RemovalWish:
    """The options as what `$bulk-delete` would be asked. Raises BadSetting."""
    try:
        return removal_wish(pairs_of(asked))
    except Problem as problem:
        raise BadSetting(str(problem)) from problem


def run(settings: Settings, wish: RemovalWish, *, dry_run: bool, yes: bool) -> None:
    """Raises Trouble for whatever the store refuses; ends with 1 when the person says no."""
    folder = DataFolder(settings.data.absolute())
    console = Console(soft_wrap=True, highlight=False)
    with open_database(settings, folder) as url:
        try:
            found = keys.load(key_file(folder))
            counts = asyncio.run(_run(url, found, replace(wish, dry_run=True), "counting"))
            console.print(told(counts, wish.mode, "would"))
            if dry_run or not (counts.removed or counts.restored or counts.kept):
                return
            if not yes:
                typer.confirm("Go on?", abort=True)
            done = asyncio.run(_run(url, found, wish, "removing"))
        except (Problem, keys.KeyFileDamaged) as problem:
            raise Trouble(f"{problem} (The same command goes on where this one stopped.)") from problem
    console.print(told(done, wish.mode, "done"))
    if wish.mode == "expunge":
        console.print(AFTERWARDS)


async def _run(url: str, found: keys.Keys, wish: RemovalWish, title: str) -> RemovalState:
    store = await Store.open(url, found, connections=3)
    try:
        with counted(title) as progress:

            async def save(state: RemovalState) -> None:
                progress(state.rows, state.done)

            return await store.removal(OPERATOR, EVERYTHING).run(wish, save)
    finally:
        await store.close()


def told(state: RemovalState, mode: str, tense: str) -> str:
    """What was or would be done, in a few lines."""
    verb = {"would": f"would be {mode}d", "done": f"{mode}d"}[tense]
    lines = [f"{sum(state.removed.values()):,} resources {verb}" + ("." if not state.removed else ":")]
    lines += [f"  {count:>12,}  {type}" for type, count in sorted(state.removed.items())]
    if state.restored:
        lines.append(f"{state.restored:,} that others had written before are again what they were.")
    if state.kept:
        lines.append(f"{state.kept:,} that others wrote since stay.")
    return "\n".join(lines)
