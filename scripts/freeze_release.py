"""Keep a database as this release fills it, for the upgrade test of all later ones: run once when a release is tagged.

    python scripts/freeze_release.py URL 0.1.0

URL names an empty database. Writes into tests/store/releases/VERSION: dump.sql, store.key (the key file the dump is
sealed with; it holds invented people and opens nothing else), contents.json (what every version must say afterwards).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from minkang.fhir.bundles import RawEntry, parse_bundle
from minkang.fhir.resource import parse
from minkang.kit.postgres import binaries
from minkang.store import keys
from minkang.store.contract import Entry
from minkang.store.migrate import migrate
from minkang.store.repository import PostgresRepository
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from synth.bundles import bundles, registers

RESIDENTS = 4


async def fill(url: str, folder: Path) -> None:
    await migrate(url)
    store = await Store.open(url, keys.load_or_create(folder / "store.key"))
    await _fill(store.repository(Actor("Device/release", "h1", 380101), EVERYTHING))
    contents = await _contents(store.repository(Actor("Device/release"), EVERYTHING))
    await store.close()
    (folder / "contents.json").write_text(json.dumps(contents, ensure_ascii=False, indent=0) + "\n")


def dump(url: str, folder: Path) -> None:
    command = [binaries.find().program("pg_dump"), "--inserts", "--no-owner", "--no-privileges", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # psql's own commands, and settings of a newer server, are not SQL that every server takes.
    kept = [line for line in text.splitlines() if not line.startswith(("\\", "SET ", "--")) and line]
    (folder / "dump.sql").write_text("\n".join(kept) + "\n")


async def _fill(repository: PostgresRepository) -> None:
    for bundle in [registers(), *bundles(RESIDENTS, 1)]:
        await repository.transaction([_entry(raw) for raw in parse_bundle(parse(json.dumps(bundle).encode())).entries])
    observation = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'
    for value in (b"6.0", b"6.10", b"1e2"):
        await repository.update("Observation", "by-a-client", parse(observation % value))
    await repository.update("Basic", "deleted", parse(b'{"resourceType":"Basic","code":{"text":"gone"}}'))
    await repository.delete("Basic", "deleted")


def _entry(raw: RawEntry) -> Entry:
    type, _, id = raw.url.partition("/")
    return Entry(raw.method, type, id or None, parsed=raw.resource, full_url=raw.full_url)


async def _contents(repository: PostgresRepository) -> dict[str, str]:
    """Every version by its name; a deletion is an empty text."""
    found: dict[str, str] = {}
    cursor = None
    while True:
        page = await repository.history(count=1000, cursor=cursor)
        found |= {f"{one.type}/{one.id}/{one.version}": one.content.decode() for one in page.versions}
        cursor = page.next
        if cursor is None:
            return found


def main(url: str, version: str) -> None:
    folder = Path("tests/store/releases") / version
    folder.mkdir(parents=True)
    asyncio.run(fill(url, folder))
    dump(url, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
