"""Sealing: nothing of a person is on the disk in the clear, and a content opens only where it belongs."""

from __future__ import annotations

import hashlib
import json
from hashlib import blake2b
from importlib import resources
from pathlib import Path

import asyncpg
import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from minkang.fhir.problem import Fault
from minkang.fhir.resource import parse
from minkang.store import documents, keys
from minkang.store.keys import KeyFileDamaged, generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.seal import Sealer
from minkang.store.store import Store

NAME, NUMBER = "蔺璎珞", "380101198502304321"


def test_a_content_opens_only_under_its_own_name_and_key() -> None:
    made = generate()
    sealed = Sealer(made).seal(b'{"a":1}', b"Patient/x/1")
    assert Sealer(made).open(sealed, b"Patient/x/1") == b'{"a":1}'
    for sealer, name in ((Sealer(made), b"Patient/y/1"), (Sealer(generate()), b"Patient/x/1")):
        with pytest.raises(Fault, match="does not open"):
            sealer.open(sealed, name)


def test_one_changed_byte_is_noticed() -> None:
    sealer = Sealer(generate())
    sealed = bytearray(sealer.seal(b'{"a":1}', b"n"))
    sealed[-1] ^= 1
    with pytest.raises(Fault, match="does not open"):
        sealer.open(bytes(sealed), b"n")


def test_what_was_sealed_without_a_dictionary_still_opens() -> None:
    made = generate()
    nonce = b"twelve bytes"
    frame = zstandard.ZstdCompressor().compress(b'{"a":1}')
    content = bytes([2, 0]) + nonce + AESGCM(made.seal).encrypt(nonce, frame, b"Patient/x/1")
    assert Sealer(made).open(content, b"Patient/x/1") == b'{"a":1}'


def test_the_dictionary_has_not_changed() -> None:
    """Rows sealed with another one could not be read again: a better dictionary gets a number of its own."""
    data = resources.files("minkang.store").joinpath("dictionaries", "1.zdict").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "46c18d764dc571cbd8692b8a05fd9e325888494ceb57c28b1a72bd1418d6c36b"


def test_the_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "store.key"
    made = keys.load_or_create(path)
    assert keys.load_or_create(path) == made
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", '{"seal": "AAAA", "terms": "AAAA"}', "[1]"])
def test_a_damaged_key_file_is_refused_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "store.key"
    path.write_text(text)
    with pytest.raises(KeyFileDamaged):
        keys.load_or_create(path)
    assert path.read_text() == text


def _unkeyed(text: str) -> int:
    """The hash that anybody can make."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


@pytest.mark.anyio
async def test_no_name_and_no_id_number_is_on_the_disk_in_the_clear(fresh_database_url: str) -> None:
    store = await Store.open(fresh_database_url, generate())
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": NUMBER}],
        "name": [{"text": NAME}],
        "birthDate": "1985-02-28",
    }
    repository = store.repository(Actor("Device/test"), EVERYTHING)
    made = await repository.create("Patient", parse(json.dumps(patient).encode()))
    visit = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{made.stored.id}", "display": NAME},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{NAME} {NUMBER}</div>'},
    }
    await repository.create("Encounter", parse(json.dumps(visit, ensure_ascii=False).encode()))
    summary = {"resourceType": "Composition", "status": "final", "title": "x", "text": visit["text"]}
    await repository.create("Composition", parse(json.dumps(summary, ensure_ascii=False).encode()))
    async with store.database.connection() as connection:
        await documents.keep(connection, store.sealer, store.keys, f"<cda>{NAME}</cda>".encode(), "text/xml")
    await store.close()
    connection = await asyncpg.connect(fresh_database_url)
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    words = await connection.fetchval("SELECT words FROM resource_text")
    assert len(words) > 3
    assert not {_unkeyed(text) for text in ("蔺璎", "Composition|words|蔺璎", NUMBER)} & set(words)
    for table in tables:
        for row in await connection.fetch(f'SELECT * FROM "{table["relname"]}"'):
            said = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
            for secret in (NAME, NUMBER, "1985-02-28"):
                assert secret.encode() not in said, table["relname"]
    await connection.close()


@pytest.mark.anyio
async def test_a_database_of_another_key_file_is_refused_at_the_start(fresh_database_url: str) -> None:
    await (await Store.open(fresh_database_url, generate())).close()
    with pytest.raises(KeyFileDamaged, match="sealed with another key file"):
        await Store.open(fresh_database_url, generate())
