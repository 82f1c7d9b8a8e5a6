"""HL7 v2 goes out by itself: in order, once, over an encrypted line, again while nobody answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from minkang.app import hl7v2_sending
from minkang.app.hl7v2_sending import receivers
from minkang.kit.trouble import BadSetting
from minkang.platform.workflow import carrying, follow, queue
from minkang.platform.workflow.carrying import Carrying
from minkang.platform.workflow.follow import Following
from minkang.platform.workflow.routing import Routing
from minkang.store.contract import Entry
from minkang.store.keys import generate
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.store import Store
from tests.lib.builders import a_patient, parsed
from tests.lib.hl7v2_receiver import receiver

pytestmark = pytest.mark.anyio


class House:
    """The parts of a platform that send: the follower and who carries jobs out."""

    def __init__(self, url: str, store: Store) -> None:
        self.url, self.store = url, store
        self.running: list[asyncio.Task[None]] = []

    def start(self, file: Path) -> None:
        told = receivers(file)
        job = hl7v2_sending.job(self.store, told)
        routing = Routing("hl7v2", self.store.sealer, [one.route for one in told], job)
        jobs = Carrying(self.url, self.store.database, self.store.sealer, [job], lambda *_: None)
        following = Following(self.store.database, self.store.sealer, routing)
        self.running = [asyncio.create_task(one.run()) for one in (following, jobs)]

    async def stop(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    async def begun(self) -> None:
        """The follower's cursor is there: it begins with what is written from now on."""
        await come(self._cursor)

    async def _cursor(self) -> bool:
        async with self.store.database.connection() as connection:
            return await connection.fetchval("SELECT count(*) FROM cursor WHERE consumer = 'hl7v2'") == 1

    async def write(self, tree: dict[str, Any], source: str = "test") -> None:
        repository = self.store.repository(Actor("Device/test"), EVERYTHING)
        entry = Entry("PUT", tree["resourceType"], tree["id"], parsed=parsed(tree))
        await repository.transaction([entry], source=source)
        await self.store.sequence()

    async def ended(self, status: str, count: int) -> None:
        async def there() -> bool:
            async with self.store.database.connection() as connection:
                found = await queue.listed(connection, None)
            return sum(one.status == status for one in found) >= count

        await come(there)


async def come(there: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while True:
            found = there()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def house(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for module in (carrying, follow):
        monkeypatch.setattr(module, "PAUSE", 0.02)
        monkeypatch.setattr(module, "STANDBY", 0.05)
    monkeypatch.setattr(hl7v2_sending, "AGAIN", timedelta(0))
    store = await Store.open(fresh_database_url, generate(), connections=12)
    made = House(fresh_database_url, store)
    yield made
    await made.stop()
    await store.close()


def told(tmp_path: Path, port: int, *more: str, criteria: str = '["Patient?active=true"]') -> Path:
    lines = ["[[receiver]]", 'name = "lis"', f'address = "127.0.0.1:{port}"', 'receiver = "LIS^H2"']
    file = tmp_path / "receivers.toml"
    file.write_text("\n".join([*lines, f"criteria = {criteria}", *more]), "utf-8")
    return file


def patient(number: int, **more: Any) -> dict[str, Any]:
    return a_patient(f"王{number}", id=f"p{number}", active=True) | more


async def test_what_changes_is_sent_in_order_and_what_came_from_there_is_not(house: House, tmp_path: Path) -> None:
    with receiver() as lis:
        house.start(told(tmp_path, lis.port, 'without = ["hl7v2:lis"]'))
        await house.begun()
        for number in range(5):
            await house.write(patient(number))
        await house.write(patient(6, active=False))
        await house.write(patient(7), source="hl7v2:lis")
        await house.write(patient(8))
        await come(lambda: len(lis.messages) >= 6)
        await house.ended("succeeded", 6)
    assert lis.kinds() == [f"ADT^A31 p{number}" for number in (0, 1, 2, 3, 4, 8)]
    assert "|LIS|H2|" in lis.messages[0]


async def test_while_nobody_answers_it_waits_and_a_refusal_is_a_failed_job(house: House, tmp_path: Path) -> None:
    with receiver() as lis:
        port = lis.port
    house.start(told(tmp_path, port))
    await house.begun()
    await house.write(patient(1))

    async def tried() -> bool:
        async with house.store.database.connection() as connection:
            return any(one.attempts > 0 for one in await queue.listed(connection, None))

    await come(tried)
    with receiver(port=port) as lis:
        await come(lambda: len(lis.messages) == 1)
        await house.ended("succeeded", 1)
        lis.answer = "AE"
        await house.write(patient(2))
        await house.ended("failed", 1)
        lis.answer = "AA"
        await house.write(patient(3))
        await house.ended("succeeded", 2)


def certified(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1 that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lis")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "lis.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return file, context


async def test_over_tls_and_not_to_whom_nobody_vouches_for(house: House, tmp_path: Path) -> None:
    file, context = certified(tmp_path)
    with receiver(context) as lis:
        [trusting] = receivers(told(tmp_path, lis.port, "tls = true", f'ca = "{file}"'))
        [doubting] = receivers(told(tmp_path, lis.port, "tls = true"))
        job = hl7v2_sending.sent
        message = b"MSH|^~\\&|A|B|C|D|20261101||ADT^A31|1|P|2.5.1\rPID|1||1||x\r"
        assert hl7v2_sending.accepted(await asyncio.to_thread(job, message, trusting.address, trusting.tls))
        with pytest.raises(hl7v2_sending.Trouble, match="certificate"):
            await asyncio.to_thread(job, message, doubting.address, doubting.tls)
    assert len(lis.messages) == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[[receiver]]", "[[receiver", "cannot be read"),
        ("[[receiver]]", "[[other]]", "must have"),
        ('name = "lis"', "", "name must be said"),
        ('receiver = "LIS^H2"', "receiver = 5", "receiver means nothing here, or is of the wrong kind"),
        ('receiver = "LIS^H2"', 'sender = "x"', "sender means nothing here"),
        ("Patient?active=true", "Patient?nothing=1", "not understood"),
        ("Patient?active=true", "Observation?", "no messages of Observation"),
        ("criteria", 'tls = true\nca = "/nowhere/ca.pem"\ncriteria', "certificates cannot be read"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = told(tmp_path, 1)
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(BadSetting, match=words):
        receivers(file)


def test_nobody_is_sent_anything_without_a_file(tmp_path: Path) -> None:
    assert receivers(None) == []
    with pytest.raises(BadSetting, match="cannot be read"):
        receivers(tmp_path / "none.toml")
