"""The bulk door over a PostgreSQL store, with the runner that carries its orders out when a test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from minkang.gateways.bulk.gateway import Caller, build
from minkang.kit.http import Scope
from minkang.store import keys
from minkang.store.bulk.running import Runner
from minkang.store.contract import Repository
from minkang.store.scope import EVERYTHING, Actor
from minkang.store.scope import Scope as Rows
from minkang.store.store import Store
from tests.lib.asgi import Answer, Client

ASYNC = {"prefer": "respond-async", "accept": "application/fhir+json"}
BASE = "http://door.test/fhir"


@dataclass
class Door:
    """`client` calls as Device/test; a header `x-actor` names somebody else, who sees only division 390200."""

    client: Client
    store: Store
    runner: Runner
    folder: Path

    @property
    def repository(self) -> Repository:
        return self.store.repository(Actor("Device/test"), EVERYTHING)

    async def order(self, path: str, **headers: str) -> str:
        """Path of the status of a job just ordered."""
        answer = await self.client.request("GET", path, headers=ASYNC | headers)
        assert answer.status == 202, answer.body
        assert answer.body == b""
        return answer.headers["content-location"].removeprefix(BASE)

    async def work(self) -> None:
        """Carry out everything that waits."""
        for id in await self.runner.waiting():
            await self.runner.run(id)

    async def exported(self, path: str, **headers: str) -> Answer:
        """The manifest of an export that is ordered and carried out."""
        status = await self.order(path, **headers)
        await self.work()
        return await self.client.request("GET", status, headers=headers)


@pytest.fixture
async def door(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    store = await Store.open(fresh_database_url, keys.generate())

    def caller(scope: Scope) -> Caller:
        named = dict(scope["headers"]).get(b"x-actor")
        actor = Actor("Device/test") if named is None else Actor(named.decode(), "county", 390200)
        rows = EVERYTHING if named is None else Rows(divisions=frozenset({390200}))
        return Caller(store.desk(actor, rows, tmp_path), store.repository(actor, rows))

    runner = store.runner(tmp_path, timedelta(hours=1))
    yield Door(Client(build(caller, max_body=100_000)), store, runner, tmp_path)
    await store.close()
