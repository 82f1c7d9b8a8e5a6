"""A table as CSV that Chinese Excel opens rightly, and in which no cell is a formula
(https://owasp.org/www-community/attacks/CSV_Injection)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def written(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with a mark, for without it Excel takes the bytes for GBK."""
    into = io.StringIO(newline="")
    writer = csv.writer(into)
    writer.writerow([_safe(one) for one in headings])
    writer.writerows([_safe(one) for one in row] for row in rows)
    return into.getvalue().encode("utf-8-sig")


def _safe(cell: str) -> str:
    if cell.startswith(_FORMULAS) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
