"""POST /files: a table in, what became of each row out; /files/$preview without writing; GET /files/templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

import orjson

from minkang.fhir.problem import Busy, Incorrect, NotAllowed, NotFound, Problem, TooLarge, Unprocessable
from minkang.fhir.validation import faults
from minkang.gateways.files.mapping import Column, columns_of, datasets, guess, matched, template, understood
from minkang.gateways.files.wire import Table, read, written
from minkang.kit.http import BodyTooLarge, Header, Receive, Scope, joined_headers, read_body
from minkang.platform.intake.findings import Rule, told
from minkang.platform.intake.reading import Finding, Reading, id_of
from minkang.platform.intake.taking import Intake, Message, apart

DOOR = "files"
JSON = [(b"content-type", b"application/json; charset=utf-8")]
SHOWN = 200
"""Rows that an answer tells of one by one: those with faults first."""

REASON = "原因 reason"
"""The heading that is added to a table of faulty rows."""


class Answer(NamedTuple):
    status: int
    headers: list[Header]
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """`sender`: id of its Organization; `whole`: all rows or none; `as_csv`: answer with the faulty rows as a table."""

    dataset: str
    sender: str
    whole: bool
    as_csv: bool
    name: str
    chosen: Mapping[str, str]


@dataclass(slots=True)
class _Line:
    number: int
    cells: dict[str, str]
    reading: Reading
    outcome: str = ""
    receipt: str = ""


async def answer(scope: Scope, receive: Receive, intake: Intake, rules: Mapping[str, Rule], limit: int) -> Answer:
    """Raises NotFound, NotAllowed, Incorrect, Unprocessable, TooLarge, Busy."""
    parts = scope["path"].strip("/").split("/")[1:]
    if parts and parts[0] == "templates":
        _must(scope, "GET")
        return _template(parts[1] if len(parts) == 2 else "")
    if parts == ["columns"]:
        return await _columns(scope, receive, intake, limit)
    if parts not in ([], ["$preview"]):
        raise NotFound("Tables go to POST /files, or to POST /files/$preview first; templates are at /files/templates.")
    _must(scope, "POST")
    asked = _asked(scope)
    return await taken(intake, rules, await _body(scope, receive, limit), asked, preview=bool(parts))


async def taken(
    intake: Intake, rules: Mapping[str, Rule], content: bytes, asked: Asked, *, preview: bool = False
) -> Answer:
    """One table. Raises Incorrect, Unprocessable, Busy."""
    asked = replace(asked, sender=intake.sender or asked.sender or id_of(DOOR, "Organization", "unknown"))
    table = await apart(len(content), read, content)
    if not asked.chosen:
        dataset = asked.dataset or guess(table.headings)
        asked = replace(asked, chosen=await _remembered(intake, asked.sender, dataset))
    # A row takes some hundred times as long as its text tells.
    places, lines, dataset = await apart(100 * len(content), _lines, table, asked, rules)
    bad = [one for one in lines if _severity(one.reading, rules) == "error"]
    if not preview and not (asked.whole and bad):
        await _take(intake, lines, dataset, asked)
    return _told(table, places, lines, dataset, asked, rules, preview=preview)


async def _remembered(intake: Intake, sender: str, dataset: str) -> dict[str, str]:
    return await intake.remembered(sender, f"columns of {dataset}") if dataset else {}


async def _columns(scope: Scope, receive: Receive, intake: Intake, limit: int) -> Answer:
    """GET or PUT /files/columns?dataset=&sender=: which headings of a sender's tables are which columns."""
    asked = _asked(scope)
    sender = intake.sender or asked.sender
    if not asked.dataset or not sender:
        raise Incorrect("Name the dataset and the sender: ?dataset=...&sender=...")
    if scope["method"] == "PUT":
        chosen = _chosen(await _body(scope, receive, limit))
        known = {one.key for one in columns_of(asked.dataset)} | {""}
        strange = next((key for key in chosen.values() if key not in known), None)
        if strange is not None:
            raise Incorrect(
                f"{strange[:64]!r} is no column of {asked.dataset}; there are {', '.join(sorted(known - {''}))}."
            )
        await intake.remember(sender, f"columns of {asked.dataset}", chosen)
    elif scope["method"] != "GET":
        raise NotAllowed("GET, PUT")
    return Answer(200, [*JSON], orjson.dumps(await intake.remembered(sender, f"columns of {asked.dataset}")))


def _chosen(text: bytes | str) -> dict[str, str]:
    try:
        return {str(heading): str(key) for heading, key in dict(orjson.loads(text)).items()}
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise Incorrect('Columns are JSON: {"heading": "column"}.') from None


def _must(scope: Scope, method: str) -> None:
    if scope["method"] != method:
        raise NotAllowed(method)


def _asked(scope: Scope) -> Asked:
    pairs = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    dataset = pairs.get("dataset", "")
    if dataset and dataset not in datasets():
        raise Incorrect(f"dataset takes {', '.join(datasets())}, not {dataset[:64]!r}.")
    mode = pairs.get("rows", "good")
    if mode not in ("good", "all"):
        raise Incorrect("rows takes good (the good ones go in) or all (all or none), not more.")
    chosen = _chosen(pairs["columns"]) if "columns" in pairs else {}
    name = pairs.get("name", "")[:200]
    return Asked(dataset, pairs.get("sender", ""), mode == "all", pairs.get("answer") == "csv", name, chosen)


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    declared = joined_headers(scope["headers"]).get(b"content-length")
    try:
        return await read_body(receive, limit, declared)
    except BodyTooLarge:
        raise TooLarge(f"The file is longer than {limit} bytes. Send it in parts.") from None


def _lines(table: Table, asked: Asked, rules: Mapping[str, Rule]) -> tuple[dict[int, Column], list[_Line], str]:
    """Every row, understood. Raises Unprocessable when nobody knows what table it is."""
    dataset = asked.dataset or guess(table.headings)
    if not dataset:
        finding = Finding("files-unknown-dataset", value="、".join(table.headings[:20]), expected="/files/templates")
        raise Unprocessable(" ".join(told([finding], rules)[0][5:9]))
    places = matched(dataset, table.headings, asked.chosen)
    lines: list[_Line] = []
    for number, row in zip(table.numbers, table.rows, strict=True):
        cells = {column.key: row[at] for at, column in places.items() if row[at]}
        reading = understood(dataset, cells, asked.sender)
        for tree in reading.resources:
            for issue in faults(tree):
                if issue.severity == "error":
                    reading.findings.append(Finding("intake-invalid", tree["resourceType"], issue.text))
        lines.append(_Line(number, cells, reading))
    return places, lines, dataset


def _severity(reading: Reading, rules: Mapping[str, Rule]) -> str:
    found = {rules[one.rule].severity for one in reading.findings if one.rule in rules}
    return next((one for one in ("error", "warning") if one in found), "")


async def _take(intake: Intake, lines: list[_Line], dataset: str, asked: Asked) -> None:
    """Each row is a message of its own: sent again it is once, and a bad one waits in quarantine."""
    sender = asked.sender
    for line in lines:
        content = orjson.dumps({"dataset": dataset, "row": line.cells}, option=orjson.OPT_SORT_KEYS)
        message = Message(DOOR, content, "application/json", sender, f"{asked.name}#{line.number}")
        receipt = await intake.take(message, lambda _, reading=line.reading: reading)
        line.outcome, line.receipt = receipt.outcome, receipt.id


def replayed(message: Message) -> Reading:
    """A row that waits in quarantine, read once more."""
    try:
        found = orjson.loads(message.content)
        dataset, row = found["dataset"], found["row"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Incorrect('A corrected row is JSON: {"dataset": "...", "row": {"column": "text"}}.') from None
    if dataset not in datasets() or not isinstance(row, dict):
        raise Incorrect(f"dataset takes {', '.join(datasets())}; row is an object of texts.")
    return understood(dataset, {str(key): str(value) for key, value in row.items()}, message.sender)


def _told(
    table: Table,
    places: dict[int, Column],
    lines: list[_Line],
    dataset: str,
    asked: Asked,
    rules: Mapping[str, Rule],
    *,
    preview: bool,
) -> Answer:
    faulty = [one for one in lines if _severity(one.reading, rules) == "error"]
    if asked.as_csv:
        return _corrections(table, faulty, dataset, rules)
    refused = asked.whole and bool(faulty) and not preview
    outcomes = Counter(one.outcome or _severity(one.reading, rules) or "good" for one in lines)
    order = sorted(lines, key=lambda one: (one not in faulty, not one.reading.findings, one.number))
    body: dict[str, Any] = {
        "dataset": dataset,
        "title": datasets()[dataset],
        "columns": {heading: places[at].key if at in places else None for at, heading in enumerate(table.headings)},
        "missing": [one.names[0] for one in columns_of(dataset) if one.required and one not in places.values()],
        "rows": len(lines),
        "written": not preview and not refused,
        "outcomes": dict(outcomes),
        "lines": [_line(one, rules) for one in order[:SHOWN]],
    }
    if refused:
        body["next"] = "Nothing was written, for all rows or none were wanted. Correct the rows, or send rows=good."
    return Answer(422 if refused else 200, [*JSON], orjson.dumps(body))


def _line(line: _Line, rules: Mapping[str, Rule]) -> dict[str, Any]:
    found = {"row": line.number, "outcome": line.outcome, "receipt": line.receipt, "findings": _findings(line, rules)}
    return {name: value for name, value in found.items() if value not in ("", [])}


def _findings(line: _Line, rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    return [one.json() for one in told(line.reading.findings, rules)]


def _corrections(table: Table, faulty: list[_Line], dataset: str, rules: Mapping[str, Rule]) -> Answer:
    """The faulty rows as they came, each with the reason, to be corrected and sent again."""
    by_number = dict(zip(table.numbers, table.rows, strict=True))
    rows = [(*by_number[one.number], _reason(one, rules)) for one in faulty]
    return _csv(f"{dataset}-corrections.csv", written((*table.headings, REASON), rows))


def _reason(line: _Line, rules: Mapping[str, Rule]) -> str:
    return "；".join(f"{one.zh}，{one.do_zh}" for one in told(line.reading.findings, rules))


def _template(dataset: str) -> Answer:
    if not dataset:
        found = {name: {"title": title, "columns": template(name)} for name, title in datasets().items()}
        return Answer(200, [*JSON], orjson.dumps(found))
    if dataset not in datasets():
        raise NotFound(f"There is no data set {dataset[:64]!r}; there are {', '.join(datasets())}.")
    return _csv(f"{datasets()[dataset]}.csv", written(template(dataset), []))


def _csv(name: str, content: bytes) -> Answer:
    place = f"attachment; filename*=UTF-8''{quote(name)}".encode()
    return Answer(200, [(b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", place)], content)


def refused(problem: Problem) -> Answer:
    headers: list[Header] = [*JSON]
    if isinstance(problem, Busy):
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if isinstance(problem, NotAllowed):
        headers.append((b"allow", problem.allow.encode()))
    return Answer(problem.status, headers, orjson.dumps({"error": problem.text}))
