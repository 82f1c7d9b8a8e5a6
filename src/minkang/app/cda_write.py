"""`minkang cda write`: a clinical document of what is in the record."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from minkang.app.exporting import OPERATOR
from minkang.app.in_store import in_store
from minkang.gateways.cda.endpoint.giving import document
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.store.scope import EVERYTHING


def run(settings: Settings, resource: str, *, kind: str, to: Path | None) -> None:
    """To a folder under its own name, to a file, or (None) printed. Raises Trouble."""
    type, _, id = resource.partition("/")
    if type not in ("Composition", "Encounter") or not id:
        raise Trouble(f"{resource!r} is neither Composition/ID nor Encounter/ID.")
    content, name = in_store(settings, lambda store: document(store.repository(OPERATOR, EVERYTHING), type, id, kind))
    if to is None:
        sys.stdout.write(content.decode())
        return
    file = to / name if to.is_dir() else to
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Trouble(f"{file} cannot be written: {error.strerror}.") from None
    Console(highlight=False, markup=False, soft_wrap=True).print(f"{file}: {len(content):,} bytes")
