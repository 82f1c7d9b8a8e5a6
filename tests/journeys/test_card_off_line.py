"""A card verified off line: a terminal that has the public keys in a file, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minkang.kit.db import Database
from minkang.platform.cards.codes import Issuer, Keys, verified
from minkang.platform.cards.desk import CardDesk
from minkang.platform.cards.number import LocalNumbering
from minkang.platform.cards.sm2 import Signer, generate

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    made = Database(fresh_database_url, 2)
    yield made
    await made.close()


async def test_card_verified_off_line(database: Database, tmp_path: Path) -> None:
    now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    desk, signer = CardDesk(database, LocalNumbering(b"0123456789abcdef")), Signer(generate())
    (card,) = await desk.issue([("passport", "E12345678")], "clerk")
    shown = await desk.code(card.card, Issuer("2026-11", signer), now)
    published = tmp_path / "keys.json"
    published.write_text(json.dumps({"2026-11": signer.public.decode()}))

    await database.close()  # the network is gone
    keys = Keys.read(json.loads(published.read_text()))
    verdict = verified(shown, keys, now + timedelta(seconds=5))
    assert verdict.outcome == "genuine"
    assert verdict.code is not None
    assert verdict.code.card == card.card
    assert "E12345678" not in shown
    assert verified(shown, keys, now + timedelta(minutes=5)).outcome == "expired"
    assert verified("0" + shown[1:] if shown[0] != "0" else "1" + shown[1:], keys, now).outcome == "forged"
