"""`minkang share`: what another bureau is given by an agreement, and what was given."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from minkang.app.exporting import OPERATOR
from minkang.app.frontdb_source import reason
from minkang.app.in_store import in_store
from minkang.app.progress import counted
from minkang.app.sharing_targets import FileTarget, TableTarget
from minkang.fhir.problem import Problem
from minkang.kit import clock
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from minkang.platform.sharing.agreement import Agreement, agreement
from minkang.platform.sharing.giving import Given, Giving, Target, log
from minkang.store.scope import EVERYTHING
from minkang.store.store import Store

CHINA = timezone(timedelta(hours=8))


def run(settings: Settings, file: Path, to: str, *, whole: bool) -> None:
    """To a database (a URL) or a folder. Raises Trouble."""
    found = read(file)
    target = _target(to, found)
    try:
        given = in_store(settings, lambda store: _given(store, found, target, whole=whole))
    except SQLAlchemyError as error:
        raise Trouble(f"The target does not take it: {reason(error)}. Nothing is lost; run it again.") from None
    except OSError as error:
        raise Trouble(f"{to} cannot be written: {error.strerror}.") from None
    finally:
        made = target.close()
    since = f"changed since {given.since:%Y-%m-%d %H:%M} UTC" if given.since else "everything"
    Console(soft_wrap=True, highlight=False, markup=False).print(
        f"{found.name} → {found.recipient}: {given.rows:,} rows, {given.taken_back:,} taken back ({since}), {made}."
    )


def _target(to: str, found: Agreement) -> TableTarget | FileTarget:
    if "://" in to:
        return TableTarget(to, found)
    try:
        return FileTarget(Path(to), found, clock.now())
    except OSError as error:
        raise Trouble(f"{to} cannot be written: {error.strerror}.") from None


async def _given(store: Store, found: Agreement, target: Target, *, whole: bool) -> Given:
    giving = Giving(store.repository(OPERATOR, EVERYTHING), found)
    with counted("giving") as progress:
        return await giving.run(target, clock.now().astimezone(CHINA).date(), whole=whole, tell=progress)


def read(file: Path) -> Agreement:
    """Raises Trouble."""
    try:
        return agreement(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{file} cannot be read: {error}.") from None
    except Problem as problem:
        raise Trouble(f"{file}: {problem}") from None


def show(settings: Settings, count: int) -> None:
    """What was given, newest first."""
    events = in_store(settings, lambda store: log(store.repository(OPERATOR, EVERYTHING), count))
    table = Table("When", "Agreement", "Recipient", "Rows", "Taken back", "Fields")
    for one in events:
        [entity] = one["entity"]
        told = {detail["type"]: detail["valueString"] for detail in entity["detail"]}
        recipient = one["agent"][1]["name"]
        counts = (told["rows"], told["taken-back"], told["fields"])
        table.add_row(one["recorded"][:19], entity["name"], recipient, *counts)
    Console(highlight=False).print(table if events else "Nothing has been given to anybody.")
