"""What a document becomes, in a form that a person reads in one glance: a line for each resource.

`python -m tests.gateways.cda.golden` writes the files of tests/gateways/cda/golden anew; look at the difference before
committing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minkang.fhir.resource import Exact
from minkang.gateways.cda.mapping import understood
from minkang.gateways.cda.mapping.kinds import kinds
from synth.documents import document

FOLDER = Path(__file__).with_name("golden")
ALIKE = frozenset({"resourceType", "id", "subject", "encounter", "performer"})
"""The same in every line."""

NUMBER = 7
"""Which of the invented residents."""


def summary(kind: str) -> str:
    reading = understood(document(kind, NUMBER))
    lines = [f"{kind}: {len(reading.resources)} resources, {len(reading.findings)} findings"]
    places = {f"{one['resourceType']}/{one['id']}": at for at, one in enumerate(reading.resources)}
    return "\n".join([*lines, *(_line(one, at, places) for at, one in enumerate(reading.resources)), ""])


def _line(tree: dict[str, Any], at: int, places: dict[str, int]) -> str:
    own = {name: value for name, value in tree.items() if name not in ALIKE}
    return f"{at} {tree['resourceType']} {' '.join(_told(own, '', places))}"


def _told(value: Any, path: str, places: dict[str, int]) -> Iterator[str]:
    """`code=2.16.156.10011.2.2.1|DE04.01.119.00(主诉)`, `valueString=头痛`, `subject=#0`."""
    if isinstance(value, list):
        for one in value:
            yield from _told(one, path, places)
    elif not isinstance(value, dict):
        said = value.text if isinstance(value, Exact) else value
        yield f"{path}={said}"
    elif "reference" in value:
        yield f"{path}=#{places.get(value['reference'], '?')}"
    elif "system" in value and "code" in value and "value" not in value:
        shown = f"({value['display']})" if "display" in value else ""
        system = value["system"].rpartition("/")[2].removeprefix("urn:oid:")
        yield f"{path.removesuffix('.coding')}={system}|{value['code']}{shown}"
    else:
        name = value.get("url", "").rpartition("cda-")[2]
        if name != "document":
            for key, one in value.items():
                if key != "url":
                    yield from _told(one, f"{path}.{name or key}".lstrip("."), places)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for kind in kinds():
        (FOLDER / f"{kind.code}.txt").write_text(summary(kind.code), encoding="utf-8")


if __name__ == "__main__":
    main()
