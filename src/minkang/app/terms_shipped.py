"""The code systems that come with the platform: the value domains by which documents are checked, as resources.

Their source and its certainty stand in `gateways/cda/value_sets.toml`. They are told to be fragments, for some are not
known whole: a code that is missing is let through by `$validate-code` with a warning, never refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import typer

from minkang.gateways.cda.mapping.tables import value_sets
from minkang.kit.trouble import Trouble

VERSION = "2011"
_CERTAINTY = (
    "Read from a public listing of the tables of WS 364-2011; leading zeros were lost there, some may be missing."
)


def code_systems() -> Iterator[dict[str, Any]]:
    """A CodeSystem for each value domain, by the OID under which documents name it."""
    for oid, table in value_sets().items():
        yield {
            "resourceType": "CodeSystem",
            "id": f"ws364-{table['table'].replace('.', '-')}",
            "url": f"urn:oid:{oid}",
            "version": VERSION,
            "name": table["table"].replace(".", "_"),
            "title": table["name"],
            "status": "active",
            "language": "zh-CN",
            "description": _CERTAINTY,
            "caseSensitive": True,
            "content": "fragment",
            "concept": [{"code": code, "display": text} for code, text in table["codes"].items()],
        }


def write(file: Path) -> None:
    """All of them as NDJSON. Raises Trouble where the file exists or cannot be written."""
    found = list(code_systems())
    try:
        with file.open("xb") as out:
            out.writelines(orjson.dumps(one) + b"\n" for one in found)
    except FileExistsError:
        raise Trouble(f"{file} exists; name another file.") from None
    except OSError as error:
        raise Trouble(f"{file} cannot be written: {error.strerror}.") from None
    count = sum(len(one["concept"]) for one in found)
    typer.echo(f"{len(found)} code systems with {count} codes are in {file}. Load them with: minkang import {file}")
