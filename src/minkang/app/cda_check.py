"""`minkang cda check`: clinical documents, understood and judged without a platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from minkang.fhir.problem import Incorrect
from minkang.fhir.resource import from_exact
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.checking import Report, checked
from minkang.gateways.cda.wire import Member, is_archive, members
from minkang.kit.trouble import Trouble

MAX_FILE = 256 << 20


def check(files: Sequence[Path], *, show: bool) -> int:
    """Prints a line for each document and each finding. 0 when none has an error, else 1."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    good = bad = 0
    for member in _documents(files):
        report = checked(member.content)
        _tell(console, member.name, report)
        if show and report.resources:
            for resource in understood(member.content).resources:
                console.print(from_exact(resource).text.decode())
        bad += report.outcome == "errors"
        good += report.outcome != "errors"
    if not good + bad:
        raise Trouble("There is no document here: name .xml files, ZIPs of them, or folders.")
    console.print(f"{good + bad} documents, {bad} with errors")
    return 1 if bad else 0


def _documents(files: Sequence[Path]) -> Iterator[Member]:
    for file in files:
        if not file.exists():
            raise Trouble(f"{file} is not there.")
        inside = sorted(one for one in file.rglob("*") if one.suffix.lower() in (".xml", ".zip", ".cda", ".ccda"))
        for one in inside if file.is_dir() else [file]:
            yield from _read(one)


def _read(file: Path) -> Iterator[Member]:
    if file.stat().st_size > MAX_FILE:
        raise Trouble(f"{file} is larger than {MAX_FILE >> 20} MiB: check it in parts.")
    content = file.read_bytes()
    if not is_archive(content):
        yield Member(str(file), content)
        return
    try:
        for one in members(content):
            yield Member(f"{file}!{one.name}", one.content)
    except Incorrect as error:
        raise Trouble(f"{file}: {error.text}") from None


def _tell(console: Console, name: str, report: Report) -> None:
    told = ", ".join(f"{count} {kind}" for kind, count in report.resources.items()) or "nothing"
    console.print(f"{name}: {report.kind} {report.title} {report.outcome}; {told}")
    for one in report.findings:
        console.print(f"   {one.severity} {one.zh} {one.do_zh}")
        console.print(f"      {one.en}. {one.do_en}. ({one.place or one.clause})")
