"""The command line: `minkang serve`, `demo`, `backup`, `export` and the others. Wiring only."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from minkang.app.cli_cards import cards
from minkang.app.cli_jobs import jobs
from minkang.app.cli_registry import registry
from minkang.app.cli_senders import senders
from minkang.app.cli_terms import terms
from minkang.app.options import Data, Database
from minkang.app.options import chosen as _settings
from minkang.kit import log
from minkang.kit.trouble import Trouble

app = typer.Typer(
    name="minkang",
    help="Minkang 民康: a regional population-health information platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database itself.", no_args_is_help=True)
app.add_typer(db, name="db")
feed = typer.Typer(help="Who follows what is written: followers and Subscriptions.", no_args_is_help=True)
app.add_typer(feed, name="feed")
app.add_typer(senders, name="senders")
cda = typer.Typer(help="Clinical documents (CDA).", no_args_is_help=True)
app.add_typer(cda, name="cda")
hl7v2 = typer.Typer(help="HL7 v2 messages.", no_args_is_help=True)
app.add_typer(hl7v2, name="hl7v2")
frontdb = typer.Typer(help="Front-end databases (前置机): tables that hospitals fill.", no_args_is_help=True)
app.add_typer(frontdb, name="frontdb")
identity = typer.Typer(help="The master index (主索引): who is one person.", no_args_is_help=True)
app.add_typer(identity, name="identity")
app.add_typer(registry, name="registry")
app.add_typer(cards, name="cards")
app.add_typer(terms, name="terms")
share = typer.Typer(help="What other bureaus are given by agreement.", no_args_is_help=True)
app.add_typer(share, name="share")
intake = typer.Typer(help="Messages that came in: receipts, quarantine, replay.", no_args_is_help=True)
app.add_typer(intake, name="intake")
app.add_typer(jobs, name="jobs")


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[str | None, typer.Option(help="Port; 0 takes a free one (default: 8000).")] = None,
    workers: Annotated[str | None, typer.Option(help="Worker processes (default: one for each core).")] = None,
    token: Annotated[str | None, typer.Option(help="Bearer token; better given as MINKANG_TOKEN.")] = None,
    database_url: Database = None,
) -> None:
    """Start the platform."""
    from minkang.app import supervisor

    chosen = _settings(data=data, host=host, port=port, workers=workers, token=token, database_url=database_url)
    if chosen.hl7v2_receivers is not None:
        from minkang.app import hl7v2_sending

        hl7v2_sending.receivers(chosen.hl7v2_receivers)  # what is wrong there is said now, not in a log
    supervisor.run(chosen)


@app.command()
def demo(
    data: Annotated[str, typer.Option(help="Folder for the demo's data.", metavar="DIR")] = "data/demo",
    port: Annotated[str | None, typer.Option(help="Port; 0 takes a free one (default: 8000).")] = None,
    residents: Annotated[int, typer.Option(help="How many people to invent.", min=1, max=2_000)] = 60,
    then_exit: Annotated[bool, typer.Option("--exit", help="End when what was sent in has been counted.")] = False,
) -> None:
    """Start a platform with invented residents in it."""
    from minkang.app import demo

    raise typer.Exit(demo.run(_settings(data=data, port=port), residents=residents, then_exit=then_exit))


@app.command()
def backup(file: Path, data: Data = None, database_url: Database = None) -> None:
    """Write database and keys into one file. The platform may go on running."""
    from minkang.app.backup import back_up

    back_up(_settings(data=data, database_url=database_url), file)


@app.command()
def restore(file: Path, data: Data = None, database_url: Database = None) -> None:
    """Bring a backup back into an empty data folder, or an empty database."""
    from minkang.app.restore import restore as bring_back

    bring_back(_settings(data=data, database_url=database_url), file)


@app.command(name="import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="NDJSON files (also .gz, .zst), or folders of them.")],
    data: Data = None,
    database_url: Database = None,
    source: Annotated[
        str, typer.Option(help="Who the data comes from; it can be removed again by this name.")
    ] = "import",
    workers: Annotated[int | None, typer.Option(help="Processes that load (default: cores and one).", min=1)] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew instead of going on with an interrupted one.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Where to tell the lines that were refused.")] = None,
) -> None:
    """Load resources from NDJSON files. Interrupted, the same command goes on. Ends with 4 when lines were refused."""
    from minkang.app import importing

    chosen = _settings(data=data, database_url=database_url)
    refused = importing.run(chosen, paths, source=source, workers=workers, again=again, report=report)
    raise typer.Exit(4 if refused else 0)


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Folder for the files: an empty one, or one to go on in.", metavar="DIR")],
    type: Annotated[list[str] | None, typer.Option(help="Only this resource type; may be given several times.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was updated then or later; lists deletions.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what was updated before.")] = None,
    type_filter: Annotated[
        list[str] | None, typer.Option(help="Of a type only what meets a search: 'Observation?code=...'.")
    ] = None,
    patients: Annotated[bool, typer.Option("--patients", help="Only what belongs to somebody's record.")] = False,
    group: Annotated[str | None, typer.Option(help="Only the records of the members of this Group (its id).")] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Write all resources, or some of them, as NDJSON files into a folder. The same command again goes on."""
    from minkang.app import exporting

    asked = {"_type": type, "_since": since, "_until": until, "_typeFilter": type_filter}
    level = "Group" if group is not None else "Patient" if patients else "system"
    wish = exporting.wish(asked, level, group)
    exporting.run(_settings(data=data, database_url=database_url), to, wish)


@app.command()
def expunge(
    source: Annotated[str | None, typer.Option(help="What this sender sent (the source of an import).")] = None,
    batch: Annotated[list[int] | None, typer.Option(help="What this batch wrote; may be given several times.")] = None,
    type_filter: Annotated[list[str] | None, typer.Option(help="What meets a search: 'Observation?code=...'.")] = None,
    mode: Annotated[str, typer.Option(help="expunge (nothing stays) or delete (tombstones and history).")] = "expunge",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Take out what came in wrongly: all of a sender, of some batches, or of a search. Counts first, then asks."""
    from minkang.app import expunging

    asked = {"source": source, "batch": list(map(str, batch or [])), "_typeFilter": type_filter, "mode": mode}
    expunging.run(_settings(data=data, database_url=database_url), expunging.wish(asked), dry_run=dry_run, yes=yes)


@app.command()
def reindex(
    data: Data = None,
    database_url: Database = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All rows by the rules of this version, as after an upgrade that asks for it.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Only say how it stands.")] = False,
) -> None:
    """Index what is there by added search parameters. The running platform does it by itself; this shows how far."""
    from minkang.app import reindexing

    reindexing.run(_settings(data=data, database_url=database_url), everything=everything, show=show)


@app.command()
def status(data: Data = None) -> None:
    """Say what runs on a data folder. Ends with 0 when the platform runs, else with 3."""
    from minkang.app.status import show

    raise typer.Exit(show(_settings(data=data)))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, data: Data = None, database_url: Database = None) -> None:
    """Open PostgreSQL's own console on the running database; what follows goes to psql."""
    from minkang.app.console import become

    become(_settings(data=data, database_url=database_url), "psql", ["--no-psqlrc", *context.args])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def pg(context: typer.Context, program: str, data: Data = None, database_url: Database = None) -> None:
    """Run one of PostgreSQL's own programs (pg_basebackup, vacuumdb ...) on the running database."""
    from minkang.app.console import become

    become(_settings(data=data, database_url=database_url), program, context.args)


@db.command()
def distribute(
    data: Data = None,
    database_url: Database = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the statements.")] = False,
) -> None:
    """Spread the tables over the nodes of a Citus cluster. What is in its place stays; a second call goes on."""
    from minkang.app import distributing

    distributing.run(_settings(data=data, database_url=database_url), dry_run=dry_run)


@feed.command("status")
def feed_status(data: Data = None, database_url: Database = None) -> None:
    """How far each follower has come, how each Subscription stands, and what lies aside."""
    from minkang.app import feeding

    feeding.status(_settings(data=data, database_url=database_url))


@feed.command("letters")
def feed_letters(
    follower: Annotated[str, typer.Argument(help="Name of a follower, as feed status tells it.")],
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Changes that a follower could not take, with the words of the error: not for everybody's eyes."""
    from minkang.app import feeding

    feeding.letters_of(_settings(data=data, database_url=database_url), follower)


@feed.command("replay")
def feed_replay(
    follower: Annotated[str, typer.Argument(help="A follower, or a Subscription as Subscription/ID.")],
    number: Annotated[int | None, typer.Argument(help="One letter or event; without it all that lie aside.")] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Try again what lies aside. The running platform does it; this command only asks for it."""
    from minkang.app import feeding

    feeding.replay(_settings(data=data, database_url=database_url), follower, number)


@hl7v2.command("check")
def hl7v2_check(
    file: Annotated[Path, typer.Argument(help="Messages in a file, one after the other or in MLLP blocks.")],
    show: Annotated[bool, typer.Option("--show", help="Print what would be written, one resource a line.")] = False,
    zone: Annotated[str, typer.Option(help="Offset of times that name none.")] = "+08:00",
) -> None:
    """Say what is understood of HL7 v2 messages and what is wrong with them. Writes nothing; needs no platform."""
    from minkang.app.hl7v2_check import check

    raise typer.Exit(check(file, show=show, zone=zone))


@hl7v2.command("write")
def hl7v2_write(
    resource: Annotated[str, typer.Argument(help="Patient/ID, Encounter/ID, DiagnosticReport/ID or Appointment/ID.")],
    event: Annotated[str, typer.Option(help="Trigger event, such as A08; without it the one its status says.")] = "",
    to: Annotated[str, typer.Option(help="Send it by MLLP and print the answer.", metavar="HOST:PORT")] = "",
    receiver: Annotated[str, typer.Option(help="Application and facility of the receiver, as APP^FACILITY.")] = "",
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Write an ADT, ORU or SIU message of what is in the record. Ends with 1 when its receiver did not accept it."""
    from minkang.app import hl7v2_write as writing

    settings_ = _settings(data=data, database_url=database_url)
    raise typer.Exit(writing.run(settings_, resource, event=event, to=to, receiver=receiver))


@cda.command("check")
def cda_check(
    files: Annotated[list[Path], typer.Argument(help="Documents, ZIPs of documents, or folders of both.")],
    show: Annotated[bool, typer.Option("--show", help="Print what would be written, one resource a line.")] = False,
) -> None:
    """Say what is understood of clinical documents and what is wrong with them. Writes nothing; needs no platform."""
    from minkang.app.cda_check import check

    raise typer.Exit(check(files, show=show))


@cda.command("write")
def cda_write(
    resource: Annotated[str, typer.Argument(help="Composition/ID, or Encounter/ID with --kind.")],
    kind: Annotated[str, typer.Option(help="Which document to make of a visit, such as C0053.")] = "",
    to: Annotated[Path | None, typer.Option(help="File or folder; without it the document is printed.")] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Write a document of what is in the record."""
    from minkang.app import cda_write as writing

    writing.run(_settings(data=data, database_url=database_url), resource, kind=kind, to=to)


@frontdb.command("ddl")
def frontdb_ddl(
    dialect: Annotated[str, typer.Option(help="mysql (MariaDB), postgresql, oracle (达梦 too) or mssql.")],
    prefix: Annotated[str, typer.Option(help="Before the name of each table.")] = "mk_",
) -> None:
    """Print the statements that make the standard tables."""
    from minkang.app import frontdb_source

    print(frontdb_source.statements(dialect, prefix), end="")  # noqa: T201 - made to be piped into a client


@frontdb.command("pull")
def frontdb_pull(
    source: Annotated[
        str,
        typer.Option(
            help="mysql://user:password@host/database, postgresql://, oracle://, mssql:// or dm://.",
            metavar="URL",
            envvar="MINKANG_FRONTDB_SOURCE",
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="End when everything there has been read.")] = False,
    sender: Annotated[
        str, typer.Option(help="Id of the Organization whose rows these are; without it each org_code is one.")
    ] = "",
    prefix: Annotated[str, typer.Option(help="Before the name of each table.")] = "mk_",
    table: Annotated[list[str] | None, typer.Option(help="Only this table (without prefix); several times.")] = None,
    batch: Annotated[int, typer.Option(help="Rows asked for at once.", min=1, max=10_000)] = 500,
    interval: Annotated[int, typer.Option(help="Seconds between two looks.", min=1, max=86_400)] = 30,
    overlap: Annotated[
        int, typer.Option(help="Seconds that each look goes back, for rows that were committed late.", min=0)
    ] = 600,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Read new, corrected and deleted rows of a front-end database, each with a receipt. Interrupted, it goes on."""
    from minkang.app import frontdb_pull as agent

    plan = agent.Plan(source, sender, prefix, tuple(table or ()), batch, interval, overlap)
    raise typer.Exit(agent.run(_settings(data=data, database_url=database_url), plan, once=once))


@frontdb.command("status")
def frontdb_status(data: Data = None, database_url: Database = None) -> None:
    """How far each table of each front-end database was read."""
    from minkang.app import frontdb_pull as agent

    agent.status(_settings(data=data, database_url=database_url))


Sender = Annotated[str | None, typer.Option(help="Only of this sender (the id of its Organization).")]


Reason = Annotated[str, typer.Option(help="Why: kept for whoever looks later.")]


@identity.command("status")
def identity_status(data: Data = None, database_url: Database = None) -> None:
    """Say how many registrations of how many people there are, and what waits for a person to look."""
    from minkang.app import identity_commands

    identity_commands.status(_settings(data=data, database_url=database_url))


@identity.command("show")
def identity_show(
    patient: Annotated[str, typer.Argument(help="Id of a Patient.")],
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Show the registrations of one person, what they make together, and what was done to them."""
    from minkang.app import identity_commands

    identity_commands.show(_settings(data=data, database_url=database_url), patient)


@identity.command("decide")
def identity_decide(
    a: Annotated[str, typer.Argument(help="Id of a Patient.")],
    b: Annotated[str, typer.Argument(help="Id of the other.")],
    decision: Annotated[str, typer.Argument(help="linked or apart.")],
    reason: Reason,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Decide about a pair that waits."""
    from minkang.app import identity_commands

    identity_commands.decide(_settings(data=data, database_url=database_url), a, b, decision, reason)


@identity.command("part")
def identity_part(
    patient: Annotated[str, typer.Argument(help="Id of a Patient.")],
    reason: Reason,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Say that a registration is somebody else's than those it is linked with."""
    from minkang.app import identity_commands

    identity_commands.part(_settings(data=data, database_url=database_url), patient, reason)


@identity.command("merge")
def identity_merge(
    kept: Annotated[str, typer.Argument(help="Id of a Patient.")],
    other: Annotated[str, typer.Argument(help="Id of a Patient whose person is the same.")],
    reason: Reason,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Say that two people are one."""
    from minkang.app import identity_commands

    identity_commands.merge(_settings(data=data, database_url=database_url), kept, other, reason)


@identity.command("undo")
def identity_undo(
    event: Annotated[int, typer.Argument(help="Number of an event, as show tells it.")],
    reason: Reason,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Take back what an event did."""
    from minkang.app import identity_commands

    identity_commands.undo(_settings(data=data, database_url=database_url), event, reason)


@identity.command("evaluate")
def identity_evaluate(
    file: Annotated[
        Path | None, typer.Argument(help="NDJSON of Patients with their truth; without it invented ones.")
    ] = None,
    size: Annotated[int, typer.Option(min=10, max=5_000_000, help="How many registrations to invent.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same.")] = 1,
) -> None:
    """Measure matching on registrations whose truth is known: precision, recall, F1, and what is left to people."""
    from minkang.app import identity_evaluate as evaluating

    evaluating.evaluate(file, size=size, seed=seed)


@identity.command("train")
def identity_train(
    file: Annotated[Path, typer.Argument(help="NDJSON of Patients, as minkang export writes it.")],
    out: Annotated[Path, typer.Option(help="File for the weights.")] = Path("weights.toml"),
    version: Annotated[str, typer.Option(help="Name of these weights.")] = "trained",
) -> None:
    """Learn weights from a population, without knowing who is who."""
    from minkang.app import identity_evaluate as evaluating

    evaluating.train(file, out=out, version=version)


@share.command("run")
def share_run(
    agreement: Annotated[Path, typer.Argument(help="File of the agreement (TOML).")],
    to: Annotated[str, typer.Option(help="URL of the recipient's database, or a folder for CSV files.")],
    whole: Annotated[bool, typer.Option(help="Everything again, not only what has changed.")] = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Give a recipient what has changed since the last time, as the agreement says, and write it down."""
    from minkang.app import sharing

    sharing.run(_settings(data=data, database_url=database_url), agreement, to, whole=whole)


@share.command("log")
def share_log(
    count: Annotated[int, typer.Option(min=1, max=1_000, help="How many runs.")] = 50,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Say what was given to whom and when, newest first."""
    from minkang.app import sharing

    sharing.show(_settings(data=data, database_url=database_url), count)


@intake.command("status")
def intake_status(data: Data = None, database_url: Database = None) -> None:
    """How many messages were taken, and how many wait in quarantine."""
    from minkang.app import intake_commands

    intake_commands.status(_settings(data=data, database_url=database_url))


@intake.command("list")
def intake_list(
    outcome: Annotated[
        str | None, typer.Option(help="Only these: accepted, warnings, quarantined or rejected.")
    ] = None,
    sender: Sender = None,
    count: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 20,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """The newest receipts."""
    from minkang.app import intake_commands

    intake_commands.receipts(_settings(data=data, database_url=database_url), outcome, sender, count)


@intake.command("show")
def intake_show(
    id: Annotated[str, typer.Argument(help="Of a receipt.")], data: Data = None, database_url: Database = None
) -> None:
    """Everything about one message: what it became, or what is wrong with it and what to do."""
    from minkang.app import intake_commands

    intake_commands.show(_settings(data=data, database_url=database_url), id)


@intake.command("forget")
def intake_forget(
    dry_run: Annotated[bool, typer.Option(help="Only count.")] = False,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Take old messages out of the log, as the platform does each night (MINKANG_INTAKE_KEEP and the like)."""
    from minkang.app import intake_commands

    intake_commands.forget(_settings(data=data, database_url=database_url), dry_run=dry_run)


@intake.command("replay")
def intake_replay(
    id: Annotated[str | None, typer.Argument(help="Of one receipt; without it all in quarantine.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only messages that this rule stopped.")] = None,
    sender: Sender = None,
    corrected: Annotated[
        Path | None, typer.Option(help="A file to be read in the place of the original (with one receipt).")
    ] = None,
    data: Data = None,
    database_url: Database = None,
) -> None:
    """Read messages in quarantine once more, as after a correction here or there. What was taken is left alone."""
    from minkang.app import intake_commands

    if corrected is not None and id is None:
        raise Trouble("--corrected goes with one receipt.")
    intake_commands.replay(_settings(data=data, database_url=database_url), id, rule, sender, corrected)


@app.command()
def version() -> None:
    """Print the version."""
    from minkang.app.status import versions

    Console(highlight=False).print(versions())


def main() -> None:
    """Runs a command. What a person can mend is one sentence on standard error, without a traceback."""
    try:
        app()
    except Trouble as trouble:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"minkang: {trouble}")
        sys.exit(trouble.exit_code)
    except OSError as error:  # a full disk, a folder of somebody else's: the machine's matter, not a bug
        log.set_up("error")
        logging.getLogger(__name__).exception("stopped")
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"minkang: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
