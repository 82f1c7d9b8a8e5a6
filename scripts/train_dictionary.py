"""Train the compression dictionary of contents: python scripts/train_dictionary.py EXAMPLES.tgz NUMBER.

EXAMPLES is the archive of npm package hl7.fhir.r4.examples (CC0), from which the definitional resources are left out:
their text is prose. As many records of the invented city stand beside them, because they look like what our own doors
write. A dictionary is never changed, for what was sealed with it could not be read again: a better one gets the next
NUMBER.
"""

import random
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import zstandard

from minkang.fhir.definitions.structures import resource_types
from synth.bundles import bundles

SIZE = 32 * 1024
"""Bytes; twice and three times as many gained nothing on either kind of text."""

LONGEST = 8_000
PROSE = {"Bundle", "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ImplementationGuide"}
PROSE |= {"NamingSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "ValueSet"}
FOLDER = Path(__file__).parents[1] / "src" / "minkang" / "store" / "dictionaries"


def main(archive: str, number: str) -> None:
    published = list(examples(archive))
    city = [orjson.dumps(entry["resource"]) for each in bundles(150, seed=977) for entry in each["entry"]]
    random.Random(5).shuffle(published)  # noqa: S311 - no secret
    made = zstandard.train_dictionary(SIZE, published + city[: len(published)])
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{int(number)}.zdict").write_bytes(made.as_bytes())
    print(f"{len(published)} published and {min(len(published), len(city))} invented resources")


def examples(archive: str) -> Iterator[bytes]:
    with tarfile.open(archive) as files:
        for member in files:
            file = files.extractfile(member) if member.name.endswith(".json") else None
            tree = orjson.loads(file.read()) if file else None
            if isinstance(tree, dict) and tree.get("resourceType") in resource_types() - PROSE:
                tree.pop("text", None)
                text = orjson.dumps(tree)
                if len(text) < LONGEST:
                    yield text


if __name__ == "__main__":
    main(*sys.argv[1:])
