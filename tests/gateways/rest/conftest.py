"""The FHIR door over the naive store, in this process, with the logs of production."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import structlog

from minkang.gateways.rest.gateway import build
from minkang.kit import log
from minkang.store.memory import MemoryStore
from tests.lib.asgi import Client

MAX_BODY = 200_000


@pytest.fixture(scope="session", autouse=True)
def logged() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as in production: without local values, on lines of JSON."""
    lines = io.StringIO()
    log.set_up("info", stream=lines)
    yield lines
    structlog.reset_defaults()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def door(store: MemoryStore) -> Client:
    return Client(build(lambda request: store.repository(), max_body=MAX_BODY))
