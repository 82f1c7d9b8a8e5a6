"""`minkang hl7v2 check`: files as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from minkang.app.hl7v2_check import check
from minkang.gateways.hl7v2.wire import framed
from minkang.kit.trouble import Trouble
from tests.gateways.hl7v2.examples import ADMISSION, PID, RESULTS, message


def checked(tmp_path: Path, content: bytes, *, show: bool = False) -> int:
    file = tmp_path / "messages.hl7"
    file.write_bytes(content)
    return check(file, show=show, zone="+08:00")


def test_good_messages_one_after_the_other_end_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert checked(tmp_path, (ADMISSION + "\n" + RESULTS).encode("gbk")) == 0
    told = capsys.readouterr().out
    assert "1: ADT^A01 C1 (2.5.1, gb18030): accepted; 1 Patient" in told
    assert "warning MSH-18 'UNICODE UTF-8' [GB18030]" in told
    assert "2 messages, 2 accepted, 0 with errors" in told


def test_a_line_captured_with_mllp_is_cut_into_its_blocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert checked(tmp_path, framed(ADMISSION.encode()) + b"\x0bMSH|cut") == 1
    told = capsys.readouterr().out
    assert "2: no whole message (never-ended, 7 bytes)" in told


def test_what_is_wrong_is_told_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert checked(tmp_path, message(PID.replace("|M|", "|Q|"), kind="ADT^A99").encode()) == 1
    told = capsys.readouterr().out
    assert "error MSH-9 'ADT^A99'" in told
    assert "不支持的消息类型或触发事件" in told
    assert "This kind of message or event is not read here" in told


def test_something_else_before_the_first_message_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert checked(tmp_path, b"hello\r\n" + ADMISSION.encode()) == 1
    assert "1: unreadable. A message begins with the segment MSH" in capsys.readouterr().out


def test_show_prints_the_resources_with_their_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert checked(tmp_path, RESULTS.encode(), show=True) == 0
    assert '"value":6.10' in capsys.readouterr().out


def test_an_empty_file_is_refused(tmp_path: Path):
    with pytest.raises(Trouble, match="holds no message"):
        checked(tmp_path, b"\n")


def test_a_zone_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(Trouble, match="--zone"):
        check(tmp_path, show=False, zone="Asia/Shanghai")
