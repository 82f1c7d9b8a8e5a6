"""The reference of the mapping of clinical documents, from its data files: docs/reference/cda.md."""

from __future__ import annotations

from collections.abc import Iterable

from minkang.gateways.cda.mapping.kinds import Kind, kinds
from minkang.gateways.cda.mapping.tables import Field, facts, fields, groups, groups_of, loinc, same, sections, targets

MADE_OF = {
    "diagnosis": "Condition",
    "result": "Observation, Specimen",
    "blood-pressure": "Observation with two components",
    "drug": "MedicationRequest (prescriptions, orders) or MedicationStatement",
    "administration": "MedicationRequest or MedicationStatement; Immunization in the section of vaccinations",
    "order": "MedicationRequest (drugs) or ServiceRequest",
    "allergy": "AllergyIntolerance",
    "planned-procedure": "ServiceRequest",
    "procedure": "Procedure",
}
"""What a target of elements.toml makes."""

INTRODUCTION = """
How Chinese shared documents become FHIR, as the data files of `gateways/cda/` have it (each says its source and how
sure it is; an expert corrects there). A data element that belongs to no group becomes an Observation with its own code,
in the category of its section. International documents (C-CDA) are read by their templates.
[How to send documents](../how-to/connect-by-cda.md).
"""

COUNTED = """
Elements: as `documents.toml` lists them, from public samples and from memory, not the standard's complete tables. Of
them a resource of its own kind, an Observation under LOINC too, and an Observation under the data element alone. All
are kept; all go out again.
"""


def parts() -> list[str]:
    return [
        INTRODUCTION,
        "## Kinds of documents",
        COUNTED,
        _table(
            ["Code", "Title", "Template", "Certainty", "Elements", "Own resource", "LOINC", "Element"],
            map(_kind, kinds()),
        ),
        "## Elements that say one thing together",
        _table(["Group", "Becomes", "Parts"], _groups()),
        "## Elements with a LOINC code",
        _table(
            ["Data element", "LOINC"], ([f"{id} {_name(id)}", f"{code} {name}"] for id, (code, name) in loinc().items())
        ),
        "## Elements that say something of the visit or the person, too",
        _table(
            ["Data element", "Element"],
            ([f"{id} {_name(id)}", f"{kind}.{name}"] for id, (kind, name) in facts().items()),
        ),
        "## Sections",
        _table(
            ["Code or title", "Title", "Category of observations", "Role of diagnoses"],
            ([code, one.title, one.category, one.role] for code, one in sections().items()),
        ),
        "## Templates of international documents",
        _table(["Template", "Becomes"], sorted([root, name] for root, name in targets().items())),
        "## Each kind, section by section",
        *(part for kind in kinds() for part in _whole(kind)),
    ]


def _rows(kind: Kind) -> list[tuple[str, Field]]:
    return [(section, row) for section, rows in fields(kind.code).items() for row in rows]


def _becomes(section: str, row: Field) -> str:
    id = same().get(row.id, row.id)
    if row.id in ("procedure", "substanceAdministration"):
        return MADE_OF["procedure" if row.id == "procedure" else "administration"]
    if row.type == "MO":
        return "Invoice"
    for group in groups_of(id):
        if (
            row.inside
            and group.name == {"procedure": "procedure"}.get(row.inside, "administration")
            and not group.anchors
        ):
            return f"{group.parts[id]} of {MADE_OF[group.target]}"
        if id in group.anchors and not row.inside and section not in group.apart:
            return MADE_OF[group.target]
        if group.anchors and id not in group.anchors and not row.inside and _begun(section, group.name):
            return f"{group.parts[id]} of {MADE_OF[group.target]}"
    return "Observation, LOINC" if id in loinc() else "Observation"


def _begun(section: str, group: str) -> bool:
    """Whether a section of this name begins the group in any kind of document."""
    anchors = next(one.anchors for one in groups() if one.name == group)
    return any(same().get(row.id, row.id) in anchors for kind in kinds() for row in fields(kind.code).get(section, ()))


def _kind(kind: Kind) -> list[str]:
    found = [_becomes(section, row) for section, row in _rows(kind)]
    plain, known = found.count("Observation"), found.count("Observation, LOINC")
    counts = [str(one) for one in (len(found), len(found) - plain - known, known, plain)]
    return [kind.code, kind.title, f"…{kind.template.rpartition('.')[2]}", kind.certainty, *counts]


def _groups() -> Iterable[list[str]]:
    for group in groups():
        parts: dict[str, list[str]] = {}
        for id, part in group.parts.items():
            parts.setdefault(part, []).append(f"{id} {_name(id)}".strip())
        told = "<br>".join(f"{part}: {', '.join(ids)}" for part, ids in parts.items())
        yield [group.name, MADE_OF[group.target], told]


def _name(id: str) -> str:
    names = (row.name for kind in kinds() for _, row in _rows(kind) if same().get(row.id, row.id) == id)
    return next(names, "")


def _whole(kind: Kind) -> list[str]:
    rows = [
        [
            section,
            sections()[section].title if section in sections() else "",
            f"{row.id} {row.name}".strip(),
            row.type,
            _becomes(section, row),
        ]
        for section, row in _rows(kind)
    ]
    return (
        [f"### {kind.code} {kind.title}", _table(["Section", "Title", "Element", "Type", "Becomes"], rows)]
        if rows
        else []
    )


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)])
