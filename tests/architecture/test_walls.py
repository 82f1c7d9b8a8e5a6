"""The import contracts of pyproject.toml hold, and each of them really refuses what it is there to refuse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.lib.tree import ROOT, SOURCE

API_DOORS = {"rest", "smart", "bulk", "intake", "jobs", "cds", "identity"}
"""Gateways that speak HTTP and JSON only; every other one takes messages and has the rooms of contract 8."""
MESSAGE_ROOMS = {"gateway", "endpoint", "mapping", "wire"}

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}

HOUSE = {
    "__init__": "",
    "app/__init__": "",
    "app/asgi": "from minkang.store import store\nfrom minkang.programs.referral import module\n",
    "gateways/__init__": "",
    "gateways/rest/__init__": "",
    "gateways/rest/gateway": "from minkang.store import contract\n",
    "gateways/hl7v2/__init__": "",
    "gateways/hl7v2/wire": "",
    "gateways/cda/__init__": "",
    "gateways/cda/wire": "",
    "gateways/files/__init__": "",
    "gateways/files/wire": "",
    "gateways/frontdb/__init__": "",
    "gateways/frontdb/wire": "",
    "programs/__init__": "",
    "programs/referral/__init__": "",
    "programs/referral/module": "from minkang.programs.referral import pages\n",
    "programs/referral/pages": "from minkang.programs.referral import actions\nfrom minkang.web import render\n",
    "programs/referral/actions": "from minkang.programs.referral import model\n",
    "programs/referral/model": "import enum\n",
    "programs/booking/__init__": "",
    "programs/booking/model": "",
    "web/__init__": "",
    "web/render": "import jinja2\n",
    "platform/__init__": "",
    "store/__init__": "",
    "store/store": "from minkang.kit import db\n",
    "store/contract": "from minkang.fhir import problem\n",
    "fhir/__init__": "",
    "fhir/problem": "",
    "kit/__init__": "",
    "kit/db": "import asyncpg\n",
    "kit/postgres": "",
}
"""The house in small: one file for each wall that can be broken."""

BREACHES: dict[str, list[tuple[str, str]]] = {
    "floors": [("kit/clock", "from minkang.store import contract\n")],
    "programmes": [("programs/booking/queries", "from minkang.programs.referral import actions\n")],
    "gateways": [("gateways/hl7v2/endpoint", "from minkang.gateways.rest import gateway\n")],
    "rooms": [("programs/booking/helpers", "")],
    "pure": [("programs/booking/resources", "from minkang.web import render\n")],
    "sql": [("programs/booking/actions", "from minkang.kit import db\n")],
    "driver": [("gateways/hl7v2/gateway", "import asyncpg\n")],
    "cycles": [
        ("store/read", "from minkang.store import write\n"),
        ("store/write", "from minkang.store import read\n"),
    ],
    "doors": [("gateways/hl7v2/parser", "")],
    "portal": [("gateways/rest/pages", "from minkang.web import render\n")],
    "unbound": [("programs/booking/reactions", "from minkang.store import store\n")],
}


def test_every_contract_is_kept() -> None:
    verdicts = _lint(ROOT)
    assert [name for name, kept in verdicts.items() if not kept] == []
    assert set(verdicts) == set(CONTRACTS.values())


def test_a_small_house_built_by_the_rules_is_accepted(tmp_path: Path) -> None:
    _build(tmp_path, HOUSE)
    assert all(_lint(tmp_path).values())


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_refuses_its_breach(contract: str, tmp_path: Path) -> None:
    _build(tmp_path, HOUSE | dict(BREACHES[contract]))
    assert not _lint(tmp_path, contract)[CONTRACTS[contract]]


def test_no_contract_has_an_ignore_list() -> None:
    assert [each["id"] for each in SETTINGS["contracts"] if set(each) & {"ignore_imports", "exhaustive_ignores"}] == []


def test_every_message_door_has_the_rooms_of_a_message_door() -> None:
    listed = {name for each in SETTINGS["contracts"] if each["id"] == "doors" for name in each["containers"]}
    doors = {path.name for path in (SOURCE / "gateways").iterdir() if (path / "__init__.py").exists()} - API_DOORS
    expected = {f"minkang.gateways.{door}" for door in doors}
    assert expected == listed, "give pyproject.toml the contract 'doors' (8: message doors have the same rooms)"


def _build(folder: Path, house: dict[str, str]) -> None:
    for name, text in house.items():
        path = folder / "minkang" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")


def _lint(folder: Path, *contracts: str) -> dict[str, bool]:
    """Contract name to whether it is kept, as `lint-imports` says."""
    # PYTHONPATH comes before the installed project, so that the small house is the one that is read.
    source = folder if (folder / "minkang").exists() else folder / "src"
    done = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-cache",
            *(word for contract in contracts for word in ("--contract", contract)),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {name: verdict == "KEPT" for name, verdict in re.findall(r"^(.+) (KEPT|BROKEN)\b", done.stdout, re.M)}
    assert verdicts, done.stdout + done.stderr
    return verdicts
