"""The published R4 examples (CC0), where they are at hand: read one by one from the archive."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

FOLDER = Path(os.environ.get("MINKANG_CONFORMANCE") or Path(__file__).parents[2].parent / "shared" / "conformance")


def conformance(path: str) -> Path:
    """A file of the conformance folder; skips the test where it is missing."""
    found = FOLDER / path
    if not found.exists():
        pytest.skip(f"no outside test data: {path} is not in the folder MINKANG_CONFORMANCE names")
    return found


def r4_examples(*, every: int = 1) -> Iterator[dict[str, Any]]:
    """Every n-th example as a parsed tree."""
    with tarfile.open(conformance("r4-examples/hl7.fhir.r4.examples-4.0.1.tgz")) as archive:
        files = (one for one in archive if one.isfile() and one.name.endswith(".json"))
        for number, member in enumerate(files):
            if number % every == 0 and (file := archive.extractfile(member)) is not None:
                tree = orjson.loads(file.read())
                if isinstance(tree, dict) and "resourceType" in tree and "id" in tree:  # not the package's own files
                    yield tree
