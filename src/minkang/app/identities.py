"""The master index of this platform: wiring only."""

from __future__ import annotations

from minkang.app.exporting import OPERATOR
from minkang.platform.identity.desk import IdentityDesk
from minkang.platform.identity.index import MasterIndex
from minkang.platform.identity.scoring import standard
from minkang.store.store import Store


def master_index(store: Store) -> MasterIndex:
    return MasterIndex(store.sealer, store.indexer.hash, standard())


def identity_desk(store: Store) -> IdentityDesk:
    return IdentityDesk(store.database, master_index(store), OPERATOR.reference)
