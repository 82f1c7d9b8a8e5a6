"""Import, export, import of that, export again: R4 examples and invented residents come out as they went in, digit by
digit; the second files are the first ones, byte for byte but for version and time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from minkang.app.prepare import key_file
from minkang.kit.folders import DataFolder
from minkang.store import keys
from synth.bundles import bundles, registers
from tests.conformance.test_r4_examples_round_trip import examples, said
from tests.lib.postgres import Databases

RESIDENTS = 25
REQUESTS = ("batch", "transaction")
"""Bundles that an import refuses: they ask for something and are no records."""

STAMPS = (re.compile(rb'"versionId":"\d+"'), re.compile(rb'"lastUpdated":"[^"]+"'))
EVERY = 3
"""All of them are written and read in test_r4_examples_round_trip.py; here each third one has to do."""


class Platform:
    """A database and a key file of its own, used by commands alone."""

    def __init__(self, folder: Path, url: str) -> None:
        self.data = DataFolder(folder)
        self.data.make()
        keys.load_or_create(key_file(self.data))
        self._url = url

    def run(self, *arguments: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MINKANG_")}
        ours = {"MINKANG_DATA": str(self.data.root), "MINKANG_DATABASE_URL": self._url}
        done = subprocess.run(
            [sys.executable, "-m", "minkang.app.cli", *arguments], env=clean | ours, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode()


def test_what_went_in_comes_out_twice(databases: Databases, tmp_path: Path) -> None:
    trees = [parsed for _, parsed in islice(examples(), 0, None, EVERY) if parsed.tree.get("type") not in REQUESTS]
    sent = {f"{parsed.tree['resourceType']}/{parsed.tree['id']}": parsed.text for parsed in trees}
    sent |= {f"{one['resourceType']}/{one['id']}": orjson.dumps(one) for one in residents()}
    (tmp_path / "in.ndjson").write_bytes(b"".join(text + b"\n" for text in sent.values()))
    first, second = (Platform(tmp_path / name, databases.migrated()) for name in ("first", "second"))
    first.run("import", str(tmp_path / "in.ndjson"), "--workers", "2")
    first.run("export", "--to", str(tmp_path / "out"))
    assert len(sent) > 2_000
    out = lines(tmp_path / "out")
    assert out.keys() == sent.keys()
    assert [name for name, text in sent.items() if said(out[name]) != said(text)] == []
    second.run("import", str(tmp_path / "out"), "--workers", "2")
    second.run("export", "--to", str(tmp_path / "again"))
    again = lines(tmp_path / "again")
    assert again.keys() == sent.keys()
    assert [name for name, text in out.items() if unstamped(text) != unstamped(again[name])] == []


def unstamped(text: bytes) -> bytes:
    """Without the version and the time, which stand in the first `meta`."""
    for stamp in STAMPS:
        text = stamp.sub(b"", text, count=1)
    return text


def residents() -> list[dict[str, Any]]:
    """The invented city, each resource under an id of its own and their references as they would be rewritten."""
    found: list[dict[str, Any]] = []
    for number, bundle in enumerate([registers(), *bundles(RESIDENTS, 11)]):
        entries = bundle["entry"]
        text = orjson.dumps([entry["resource"] for entry in entries])
        for place, entry in enumerate(entries):
            if "id" not in entry["resource"]:
                made = f"{entry['resource']['resourceType']}/made-{number}-{place}"
                text = text.replace(entry["fullUrl"].encode(), made.encode())
        for place, resource in enumerate(orjson.loads(text)):
            found.append({**resource, "id": resource.get("id", f"made-{number}-{place}")})
    return found


def lines(folder: Path) -> dict[str, bytes]:
    """Resources of all files by name; none may come twice."""
    found: dict[str, bytes] = {}
    for file in folder.glob("*.ndjson"):
        for line in file.read_bytes().splitlines():
            tree = orjson.loads(line)
            name = f"{tree['resourceType']}/{tree['id']}"
            assert name not in found, name
            found[name] = line
    return found
