"""`minkang registry ...` on the command line. Wiring only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minkang.app.options import Data, Database
from minkang.app.options import chosen as _settings

registry = typer.Typer(help="Registries (注册库): institutions, departments, practitioners.", no_args_is_help=True)


@registry.command("load")
def registry_load(
    kind: Annotated[str, typer.Argument(help="organization, department or practitioner.")],
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030) or Excel, with the headings of the table.")],
    part: Annotated[
        bool, typer.Option("--part", help="The file tells only some: nothing that is not in it ends.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    end_many: Annotated[
        bool, typer.Option("--end-many", help="End what is not in the file, however much it is.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where to tell every change and refused row (CSV).")] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Take a table in and tell what it changes. Ends with 4 when rows were refused."""
    from minkang.app import registry_commands

    chosen = _settings(data=data, database_url=database_url)
    refused = registry_commands.load(chosen, kind, file, part=part, dry_run=dry_run, end_many=end_many, report=report)
    raise typer.Exit(4 if refused else 0)


@registry.command("show")
def registry_show(kind: str, data: Data = None, database_url: Database = None) -> None:
    """Everything in a registry, a line of FHIR JSON each."""
    from minkang.app import registry_commands

    registry_commands.show(_settings(data=data, database_url=database_url), kind)


@registry.command("columns")
def registry_columns(kind: str) -> None:
    """The headings of a table, and what may stand below them."""
    from minkang.app import registry_commands

    registry_commands.columns(kind)
