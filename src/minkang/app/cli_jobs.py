"""`minkang jobs ...` on the command line. Wiring only."""

from __future__ import annotations

from typing import Annotated

import typer

from minkang.app.options import Data, Database
from minkang.app.options import chosen as _settings

jobs = typer.Typer(
    help="What is done behind the doors: imports, exports, removals, what is scheduled.", no_args_is_help=True
)

Watch = Annotated[bool, typer.Option("--watch", help="Go on showing how it comes along.")]


@jobs.command("list")
def jobs_list(
    status: Annotated[
        str | None, typer.Option(help="Only todo, doing, succeeded, failed, cancelled or aborted.")
    ] = None,
    watch: Watch = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """The newest jobs, how far each has come, its rate and the time left."""
    from minkang.app import job_commands

    job_commands.show_all(_settings(data=data, database_url=database_url), status, watch=watch)


@jobs.command("show")
def jobs_show(id: int, watch: Watch = False, data: Data = None, database_url: Database = None) -> None:
    """One job with its result, or the words of its error: not for everybody's eyes."""
    from minkang.app import job_commands

    job_commands.show(_settings(data=data, database_url=database_url), id, watch=watch)


@jobs.command("retry")
def jobs_retry(id: int, data: Data = None, database_url: Database = None) -> None:
    """Try a job once more that failed. The running platform does it; this command only asks for it."""
    from minkang.app import job_commands

    job_commands.again(_settings(data=data, database_url=database_url), id)


@jobs.command("cancel")
def jobs_cancel(id: int, data: Data = None, database_url: Database = None) -> None:
    """Cancel a job that waits, or break it off."""
    from minkang.app import job_commands

    job_commands.cancel(_settings(data=data, database_url=database_url), id)


@jobs.command("schedule")
def jobs_schedule() -> None:
    """Which jobs are put in the queue when."""
    from minkang.app import job_commands

    job_commands.schedule()
