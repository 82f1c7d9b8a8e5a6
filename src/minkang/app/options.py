"""What most commands take, and the settings they make of it. Wiring only."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from minkang.kit import log, settings

Data = Annotated[
    str | None, typer.Option(help="Folder for the database, the keys and the logs (default: data).", metavar="DIR")
]
Database = Annotated[
    str | None, typer.Option(help="PostgreSQL server of your own instead of the embedded one.", metavar="URL")
]


def chosen(**given: Any) -> settings.Settings:
    """Raises Trouble for what is no setting."""
    found = settings.load(**given)
    log.set_up(found.log_level)
    return found
