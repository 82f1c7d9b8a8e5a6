"""`minkang senders ...` on the command line. Wiring only."""

from __future__ import annotations

from typing import Annotated

import typer

from minkang.app.options import Data, Database
from minkang.app.options import chosen as _settings

senders = typer.Typer(help="Institutions that send, their keys and modes.", no_args_is_help=True)


@senders.command("add")
def senders_add(
    name: Annotated[str, typer.Argument(help="Name of the institution.")],
    code: Annotated[str, typer.Option(help="Its code (组织机构代码).")],
    door: Annotated[
        list[str], typer.Option(help="A door it uses: cda, hl7v2, files, fhir. Several times for several.")
    ],
    expects: Annotated[list[str] | None, typer.Option(help="KIND=NUMBER a day, such as C0002=800.")] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Make a sender, in test mode, and print its key once."""
    from minkang.app import sender_commands

    sender_commands.add(_settings(data=data, database_url=database_url), name, code, door, expects or [])


@senders.command("list")
def senders_list(data: Data = None, database_url: Database = None) -> None:
    """Who sends, by which doors, in which mode."""
    from minkang.app import sender_commands

    sender_commands.listed(_settings(data=data, database_url=database_url))


@senders.command("live")
def senders_live(
    id: Annotated[str, typer.Argument(help="The sender.")],
    off: Annotated[bool, typer.Option("--off", help="Back to test mode.")] = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """From now on what it sends goes into the record."""
    from minkang.app import sender_commands

    sender_commands.set_live(_settings(data=data, database_url=database_url), id, not off)


@senders.command("key")
def senders_key(
    id: Annotated[str, typer.Argument(help="The sender.")], data: Data = None, database_url: Database = None
) -> None:
    """Give it a new key; the former is void."""
    from minkang.app import sender_commands

    sender_commands.new_key(_settings(data=data, database_url=database_url), id)
