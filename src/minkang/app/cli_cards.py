"""`minkang cards ...` on the command line. Wiring only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minkang.app.options import Data, Database
from minkang.app.options import chosen as _settings

cards = typer.Typer(help="Health cards (健康卡): issued, shown as signed codes, verified.", no_args_is_help=True)


@cards.command("new-key")
def cards_new_key(
    name: Annotated[str, typer.Argument(help="Told in each code; small letters, digits, hyphens.")], data: Data = None
) -> None:
    """Make a key to sign codes with, from now on; former keys stay known. Keep a copy of keys/cards."""
    from minkang.app import card_commands

    card_commands.new_key(_settings(data=data), name)


@cards.command("keys")
def cards_keys(data: Data = None) -> None:
    """The public keys as JSON: what terminals verify by."""
    from minkang.app import card_commands

    card_commands.keys(_settings(data=data))


@cards.command("issue")
def cards_issue(
    file: Annotated[Path, typer.Argument(help="A line each: kind and number, such as: resident-id 3801...")],
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Issue cards, all or none; prints their ids in the order of the file. Who has a card keeps it."""
    from minkang.app import card_commands

    card_commands.issue(_settings(data=data, database_url=database_url), file)


@cards.command("code")
def cards_code(
    card: str,
    static: Annotated[bool, typer.Option("--static", help="For print: lasts years instead of a minute.")] = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """The text of a card's QR code, as of now."""
    from minkang.app import card_commands

    card_commands.code(_settings(data=data, database_url=database_url), card, static=static)


@cards.command("set")
def cards_set(
    card: str,
    state: Annotated[str, typer.Argument(help="active, suspended, revoked, or reissued (a new edition).")],
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Suspend, revoke or reissue a card."""
    from minkang.app import card_commands

    card_commands.set_state(_settings(data=data, database_url=database_url), card, state)


@cards.command("verify")
def cards_verify(
    code: str, keys: Annotated[Path, typer.Option(help="The public keys, as `minkang cards keys` tells them.")]
) -> None:
    """Say whether a code is genuine, without any network. Ends with 4 when it is not."""
    from minkang.app import card_commands

    raise typer.Exit(0 if card_commands.verify(code, keys) else 4)
