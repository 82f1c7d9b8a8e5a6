"""The code systems that come with the platform are resources that can be stored and asked."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from minkang.app.terms_shipped import code_systems, write
from minkang.fhir.terminology.asking import is_needed
from minkang.fhir.terminology.operations import look_up
from minkang.fhir.terminology.wishes import Given
from minkang.fhir.validation import faults
from minkang.kit.trouble import Trouble


def test_every_value_domain_is_a_code_system_without_faults(tmp_path: Path) -> None:
    file = tmp_path / "terms.ndjson"
    write(file)
    written = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert len(written) == len(list(code_systems())) > 100
    assert len({one["id"] for one in written}) == len({one["url"] for one in written}) == len(written)
    assert [fault for one in written for fault in faults(one)] == []


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "terms.ndjson"
    file.write_text("mine")
    with pytest.raises(Trouble, match="exists"):
        write(file)
    assert file.read_text() == "mine"


def test_a_code_of_them_is_looked_up() -> None:
    asked = {"system": "urn:oid:2.16.156.10011.2.3.1.1", "code": "3"}
    asking = look_up(Given([{"name": name, "valueString": text} for name, text in asked.items()]), "2026")
    need = next(asking)
    with pytest.raises(StopIteration) as done:
        asking.send([one for one in code_systems() if is_needed(need, one)])
    assert {"name": "display", "valueString": "护照"} in done.value.value["parameter"]
