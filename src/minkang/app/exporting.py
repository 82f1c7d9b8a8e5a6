"""`minkang export`: everything, or some of it, as NDJSON files in a folder; the same command again goes on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console

from minkang.app.connections import open_database
from minkang.app.prepare import key_file
from minkang.app.progress import counted
from minkang.fhir.bulk import ExportWish, export_wish
from minkang.fhir.problem import Problem
from minkang.kit.folders import DataFolder, make_folder
from minkang.kit.settings import Settings
from minkang.kit.trouble import BadSetting, Trouble
from minkang.store import keys
from minkang.store.bulk import export
from minkang.store.bulk.export import ExportState, OutFile
from minkang.store.bulk.files import PlainFile
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store

OPERATOR = Actor("Device/operator")
NOTE = "export.json"
"""In the folder: what was asked for, how far it has come, and in the end the list of files."""

log = structlog.get_logger(__name__)


def wish(asked: Mapping[str, str | list[str] | None], level: str, group: str | None) -> ExportWish:
    """The options as what `$export` would be asked. Raises BadSetting."""
    try:
        return export_wish(pairs_of(asked), level=level, group=group)
    except Problem as problem:
        raise BadSetting(str(problem)) from problem


def pairs_of(asked: Mapping[str, str | list[str] | None]) -> list[tuple[str, str]]:
    """Options as the parameters of an operation."""
    pairs: list[tuple[str, str]] = []
    for name, given in asked.items():
        pairs += [(name, value) for value in ([given] if isinstance(given, str) else given or [])]
    return pairs


def run(settings: Settings, to: Path, wish: ExportWish) -> None:
    """Writes the files. Raises Trouble for a folder of something else, a full disk, and whatever the store refuses."""
    state = _begun(to, wish)
    folder = DataFolder(settings.data.absolute())
    with open_database(settings, folder) as url:
        try:
            found = asyncio.run(_run(url, keys.load(key_file(folder)), to, wish, state))
        except (Problem, keys.KeyFileDamaged) as problem:
            raise Trouble(f"{problem} (The same command goes on where this one stopped.)") from problem
    size = sum(file.size for file in found.files)
    Console(soft_wrap=True, highlight=False).print(
        f"{found.rows:,} resources as of {found.time} in {len(found.files)} files ({size:,} bytes) in {to}."
    )


async def _run(url: str, found: keys.Keys, to: Path, wish: ExportWish, state: ExportState | None) -> ExportState:
    store = await Store.open(url, found, connections=3)
    try:
        with counted("exporting", state.rows if state else 0) as told:
            return await export.run(
                store.repository(OPERATOR, EVERYTHING),
                wish,
                lambda file: _opened(to, file),
                lambda state: asyncio.to_thread(_note, to, wish, state),
                state,
                lambda state: told(state.rows, state.done),
            )
    finally:
        await store.close()


def _opened(to: Path, file: OutFile) -> PlainFile:
    return PlainFile(to / file.name, file.kept, file.size)


def _begun(to: Path, wish: ExportWish) -> ExportState | None:
    """The state of the same export in this folder, or None in an empty one."""
    make_folder(to, 0o700)
    note = to / NOTE
    if not note.exists():
        if any(to.iterdir()):
            raise Trouble(f"{to} is not empty and holds no export; choose an empty folder.")
        return None
    try:
        tree: dict[str, Any] = json.loads(note.read_text())
        asked, state = ExportWish.from_json(tree["asked"]), ExportState.from_json(tree["state"])
    except (ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{note} is not the note of an export; choose an empty folder.") from error
    if asked != wish:
        raise Trouble(f"{to} holds an export that asked for something else; choose an empty folder.")
    return state


def _note(to: Path, wish: ExportWish, state: ExportState) -> None:
    """Replaced as a whole, so that a crash leaves the old one or the new one."""
    draft = to / f"{NOTE}.draft"
    with draft.open("w") as file:
        json.dump({"asked": wish.to_json(), "state": state.to_json()}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(to / NOTE)
