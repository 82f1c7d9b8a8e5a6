"""Who follows the feed in the process for jobs, and who is told of Subscriptions there: wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import Gauge

from minkang.app.identities import master_index
from minkang.app.importing import OPERATOR
from minkang.kit.settings import Settings
from minkang.platform.identity.registering import Registering
from minkang.platform.subscriptions.delivering import SLOTS, Delivering
from minkang.platform.subscriptions.following import Subscribing
from minkang.platform.subscriptions.telling import House
from minkang.platform.workflow.follow import Following
from minkang.platform.workflow.jobs import Job
from minkang.platform.workflow.routing import Route, Routing
from minkang.store.scope import EVERYTHING, Actor, Scope
from minkang.store.store import Store

CONNECTIONS = 4 + SLOTS
"""One each for the followers and for whoever looks for who is due; visits hold one for moments only."""

TOLD = 2.0
"""Seconds between two looks at the figures."""

_behind = Gauge(
    "minkang_feed_behind", "Batches a follower has still to take.", ("follower",), multiprocess_mode="livemax"
)
_aside = Gauge("minkang_feed_aside", "Changes put aside by a follower.", ("follower",), multiprocess_mode="livemax")


def authority(reference: str) -> tuple[Actor, Scope] | None:
    """What an author of Subscriptions may see. Before sign-in exists there is one caller, who may see everything."""
    return (OPERATOR, EVERYTHING) if reference == OPERATOR.reference else None


async def run(settings: Settings, store: Store, routes: Sequence[Route], sending: Job) -> None:
    """All of them, until cancelled. `routes`: of messages that `sending` sends."""
    following = Following(
        store.database, store.sealer, Subscribing(store.sealer, authority, settings.subscription_targets)
    )
    delivering = Delivering(house(settings, store))
    registering = Following(store.database, store.sealer, Registering(store.sealer, master_index(store)))
    async with asyncio.TaskGroup() as group:
        group.create_task(following.run())
        group.create_task(registering.run())
        group.create_task(_tell("identity", registering))
        group.create_task(delivering.run())
        group.create_task(_tell("subscriptions", following))
        if routes:
            messages = Following(store.database, store.sealer, Routing("hl7v2", store.sealer, routes, sending))
            group.create_task(messages.run())
            group.create_task(_tell("hl7v2", messages))


def house(settings: Settings, store: Store) -> House:
    return House(
        store.database,
        store.sealer,
        store.repository,
        lambda actor: store.repository(actor, EVERYTHING),
        authority,
        settings.subscription_targets,
        base(settings),
    )


def base(settings: Settings) -> str:
    """Address of the FHIR door as it stands in notifications. The supervisor says where it listens (`jobs_process`)."""
    return (settings.base_url or f"http://{settings.host}:{settings.port}/fhir").rstrip("/")


async def _tell(name: str, following: Following) -> None:
    while True:
        _behind.labels(name).set(following.behind)
        _aside.labels(name).set(following.aside)
        await asyncio.sleep(TOLD)
