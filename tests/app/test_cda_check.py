"""`minkang cda check`: documents as people have them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from minkang.app.cda_check import check
from minkang.kit.trouble import Trouble
from tests.gateways.cda.making import document, observation, section, text

GOOD = document(section("10154-3", observation("DE04.01.119.00", "主诉", text("头痛"))))


def test_documents_zips_and_folders_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.xml").write_bytes(GOOD)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as made:
        made.writestr("in.xml", GOOD)
    assert check([tmp_path], show=True) == 0
    told = capsys.readouterr().out
    assert "many.zip!in.xml: C0002 门(急)诊病历 warnings; 1 Patient, 1 Encounter, 1 Composition, 1 Observation" in told
    assert '"valueString":"头痛"' in told
    assert "2 documents, 0 with errors" in told


def test_what_is_wrong_is_told_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.xml").write_bytes(GOOD.replace("李测试".encode(), b""))
    assert check([tmp_path / "bad.xml"], show=False) == 1
    told = capsys.readouterr().out
    assert "error 缺少必填项 ClinicalDocument/recordTarget/patientRole/patient/name" in told


@pytest.mark.parametrize("case", ["nothing there", "no documents", "a broken zip"])
def test_other_things_are_refused(tmp_path: Path, case: str) -> None:
    file = tmp_path / "x"
    if case == "no documents":
        file.mkdir()
    if case == "a broken zip":
        file.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(Trouble):
        check([file], show=False)
