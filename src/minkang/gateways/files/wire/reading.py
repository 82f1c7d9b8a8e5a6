"""CSV (UTF-8 or GB18030, comma, semicolon or tab) and Excel files to headings and rows of text."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, datetime, time
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from minkang.fhir.problem import Incorrect

ROWS, COLUMNS, CELL = 20_000, 300, 10_000
UNPACKED = 200 * 1024 * 1024
"""Bytes of an Excel file once it is unpacked."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that no text of a record may hold."""

_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


class Table(NamedTuple):
    """`rows` are as long as `headings`; `numbers` are those that the program shows beside the rows."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]


def read(content: bytes) -> Table:
    """Raises Incorrect, saying what to change, for what is no table or too large."""
    if not content.strip():
        raise Incorrect("The file is empty.")
    grid = _excel(content) if content.startswith((b"PK\x03\x04", _OLD_EXCEL)) else _csv(content)
    return _table(grid)


def _excel(content: bytes) -> list[list[Any]]:
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                size = sum(one.file_size for one in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise Incorrect(f"This is no sound Excel file ({error}). Save it again.") from None
        if size > UNPACKED:
            raise Incorrect(f"Unpacked the file has {size} bytes; at most {UNPACKED} are read. Send it in parts.")
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        grid: list[list[Any]] = []
        for row in sheet.iter_rows():
            grid.append(list(row))
            if len(grid) > ROWS + 100:
                raise Incorrect(f"The table has more than {ROWS} rows. Send it in parts.")
        return grid
    except (CalamineError, ValueError, IndexError, OSError) as error:
        raise Incorrect(f"This is no Excel file that can be read ({error}). Save it as .xlsx or .csv.") from None


def _csv(content: bytes) -> list[list[Any]]:
    for name in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(name)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Incorrect("The bytes are neither UTF-8 nor GB18030. Save the file as CSV in UTF-8.")
    if "\0" in text:
        raise Incorrect("This is no text. Send CSV or Excel.")
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    grid: list[list[Any]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            grid.append(list(row))
            if len(grid) > ROWS + 100:
                raise Incorrect(f"The table has more than {ROWS} rows. Send it in parts.")
    except csv.Error as error:
        raise Incorrect(f"Row {len(grid) + 1} cannot be read: {error}. Is a quotation mark left open?") from None
    return grid


def _table(grid: list[list[Any]]) -> Table:
    cells = [[_text(cell) for cell in row] for row in grid]
    top = next((at for at, row in enumerate(cells) if sum(map(bool, row)) >= 2), None)
    if top is None:
        raise Incorrect("The file holds no table: a row of at least two headings comes first.")
    headings = tuple(one.strip() for one in cells[top])
    while headings and not headings[-1]:
        headings = headings[:-1]
    if len(headings) > COLUMNS:
        raise Incorrect(f"The table has {len(headings)} columns; at most {COLUMNS} are read.")
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    for number, row in enumerate(cells[top + 1 :], top + 2):
        if any(row):
            rows.append((*row, *[""] * len(headings))[: len(headings)])
            numbers.append(number)
    if len(rows) > ROWS:
        raise Incorrect(f"The table has {len(rows)} rows; at most {ROWS} are taken at once. Send it in parts.")
    return Table(headings, tuple(rows), tuple(numbers))


def _text(cell: Any) -> str:
    """As a person reads it: whole numbers without a point, dates as dates."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else _CONTROL.sub("", str(cell)).strip()[:CELL]
