"""Health cards: ids that tell nothing, codes told genuine without a network, and who wins when two want one card."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minkang.fhir.problem import Conflict, Incorrect, NotFound
from minkang.kit.db import Database
from minkang.platform.cards.codes import Issuer, Keys, verified
from minkang.platform.cards.desk import CardDesk
from minkang.platform.cards.number import LocalNumbering
from minkang.platform.cards.sm2 import Signer, Verifier, generate

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
NUMBERING = LocalNumbering(b"0123456789abcdef")
SIGNER = Signer(generate())
ISSUER = Issuer("k1", SIGNER)
KEYS = Keys.read({"k1": SIGNER.public.decode()})
CARD = "ab" * 32


@pytest.fixture
async def desk(fresh_database_url: str) -> AsyncIterator[CardDesk]:
    database = Database(fresh_database_url, 4)
    yield CardDesk(database, NUMBERING)
    await database.close()


def person(number: int) -> tuple[str, str]:
    return ("passport", f"E{number:08}")


def test_an_id_is_the_same_however_it_is_written_and_needs_the_key() -> None:
    from minkang.fhir.resident_id import check_digit

    number = "38010219600101011"
    long = number + check_digit(number)
    found = NUMBERING.number("resident-id", long)
    assert found == NUMBERING.number("resident-id", "380102600101011") == NUMBERING.number("resident-id", f" {long} ")
    assert len(found) == 64
    assert found != LocalNumbering(b"another key 0123").number("resident-id", long)
    assert found != NUMBERING.number("passport", long)
    with pytest.raises(Incorrect, match="check digit"):
        NUMBERING.number("resident-id", number + ("1" if long[-1] != "1" else "2"))
    with pytest.raises(ValueError, match="16 bytes"):
        LocalNumbering(b"short")


def test_signatures_are_those_of_gb_t_32918(tmp_path: Path) -> None:
    """OpenSSL's own program, another implementation, accepts them with the usual signer id."""
    message, signature, key = tmp_path / "m", tmp_path / "s", tmp_path / "k"
    message.write_bytes(b"hello")
    signature.write_bytes(SIGNER.sign(b"hello"))
    key.write_bytes(SIGNER.public)
    command = ["openssl", "dgst", "-sm3", "-verify", key, "-sigopt", "distid:1234567812345678", "-signature", signature]
    assert b"OK" in subprocess.run([*command, message], capture_output=True, check=False).stdout
    assert Verifier(SIGNER.public).is_signed(b"hello", signature.read_bytes())


def test_what_is_no_key_is_said() -> None:
    for make in (Signer, Verifier):
        with pytest.raises(Incorrect, match="no SM2 key"):
            make(b"-----BEGIN NOTHING-----")


def test_a_code_ends_and_a_static_one_lasts() -> None:
    dynamic, static = ISSUER.code(CARD, 1, NOW), ISSUER.code(CARD, 1, NOW, static=True)
    for after, first, second in ((0, "genuine", "genuine"), (85, "genuine", "genuine"), (95, "expired", "genuine"),
                                 (6 * 366 * 86400, "expired", "expired"), (-31, "early", "early")):  # fmt: skip
        at = NOW + timedelta(seconds=after)
        assert [verified(one, KEYS, at).outcome for one in (dynamic, static)] == [first, second]
    assert verified(dynamic, KEYS, NOW).code == (CARD, "0", NOW, NOW + timedelta(seconds=60), "k1", 1)


def test_whatever_is_changed_in_a_code_is_noticed() -> None:
    text = ISSUER.code(CARD, 1, NOW)
    for at in range(len(text)):
        for letter in "a1:":
            if text[at] == letter:
                continue
            outcome = verified(text[:at] + letter + text[at + 1 :], KEYS, NOW).outcome
            assert outcome in ("forged", "unreadable", "unknown-key"), (at, letter)
    for junk in (
        "",
        "x" * 100_000,
        text + "x",
        text[:-9],
        "中" * 64,
        f"{CARD}:1:99999999999:99999999999:k1:1:" + "A" * 96,
    ):
        assert verified(junk, KEYS, NOW).outcome in ("forged", "unreadable")


def test_keys_are_changed_and_old_codes_count_while_their_key_is_known() -> None:
    newer = Signer(generate())
    both = Keys.read({"k1": SIGNER.public.decode(), "k2": newer.public.decode()})
    old, new = ISSUER.code(CARD, 1, NOW), Issuer("k2", newer).code(CARD, 1, NOW)
    assert [verified(one, both, NOW).outcome for one in (old, new)] == ["genuine", "genuine"]
    assert verified(new, KEYS, NOW).outcome == "unknown-key"
    assert verified(Issuer("k1", newer).code(CARD, 1, NOW), both, NOW).outcome == "forged"


async def test_cards_are_issued_once_all_or_none(desk: CardDesk) -> None:
    first = await desk.issue([person(1), person(2), person(1)], "clerk")
    assert first[0] == first[2] != first[1]
    assert await desk.issue([person(1)], "clerk") == [first[0]]
    with pytest.raises(Incorrect, match="Number 2"):
        await desk.issue([person(3), ("resident-id", "123")], "clerk")
    assert (await desk.held(3)).share == pytest.approx(2 / 3)
    assert not (await desk.held(3)).is_reached
    assert (await desk.held(2)).is_reached


async def test_a_card_is_suspended_revoked_and_issued_again(desk: CardDesk) -> None:
    card = (await desk.issue([person(1)], "clerk"))[0].card
    old = await desk.code(card, ISSUER, NOW)

    async def scanned() -> str:
        return (await desk.scan(old, KEYS, NOW, "t1")).outcome

    assert await scanned() == "active"
    await desk.set_state(card, "suspended", "clerk")
    assert await scanned() == "suspended"
    await desk.set_state(card, "active", "clerk")
    assert await scanned() == "active"
    await desk.bind(card, "p1", "t1")
    assert (await desk.set_state(card, "revoked", "clerk")).bound == ()
    assert await scanned() == "revoked"
    for change in (desk.set_state(card, "active", "c"), desk.code(card, ISSUER, NOW), desk.bind(card, "p1", "t1")):
        with pytest.raises(Conflict):
            await change
    assert (await desk.reissue(card, "clerk")).edition == 2
    assert await scanned() == "replaced"
    fresh = await desk.code(card, ISSUER, NOW)
    assert (await desk.scan(fresh, KEYS, NOW, "t1")).outcome == "active"
    assert (await desk.scan("junk", KEYS, NOW, "t1")).outcome == "unreadable"
    assert (await desk.scan(ISSUER.code(CARD, 1, NOW), KEYS, NOW, "t1")).outcome == "unknown"
    used = await desk.used()
    assert used["scan", "active"] == 3
    assert used["scan", "unreadable"] == used["scan", "replaced"] == used["scan", "revoked"] == 1
    with pytest.raises(NotFound):
        await desk.one("no")


async def test_of_two_terminals_that_bind_at_once_one_is_told_so(desk: CardDesk) -> None:
    one, two = (found.card for found in await desk.issue([person(1), person(2)], "clerk"))
    for number in range(10):
        tries = [desk.bind(card, f"p{number}", "t") for card in (one, two)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in done) == 1, done
    bound = {*(await desk.one(one)).bound} | {*(await desk.one(two)).bound}
    assert bound == {f"p{number}" for number in range(10)}
    same = await asyncio.gather(*(desk.bind(one, "shared", "t") for _ in range(4)))
    assert [found.bound.count("shared") for found in same] == [1] * 4


async def test_batches_issued_at_once_do_not_wait_for_each_other(desk: CardDesk) -> None:
    people = [person(number) for number in range(200)]
    done = await asyncio.gather(desk.issue(people, "a"), desk.issue(people[::-1], "b"))
    assert done[0] == done[1][::-1]
    assert (await desk.used())["issue", "active"] == 200
