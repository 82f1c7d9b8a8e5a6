"""Bytes to message: delimiters, escapes, character sets, MLLP blocks, answers; and any bytes at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.gateways.hl7v2.wire import Cut, Fault, Frames, Unreadable, answer, framed, parse
from minkang.gateways.hl7v2.wire.charset import decoded
from minkang.gateways.hl7v2.wire.message import escaped, unescaped
from tests.gateways.hl7v2.examples import ADMISSION, message

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_fields_components_and_repetitions_count_from_one():
    found = parse(ADMISSION.encode())
    pid = found.first("PID")
    assert pid is not None
    assert (found.kind, found.control, found.version) == ("ADT^A01", "C1", "2.5.1")
    assert pid.text(3) == "12345"
    assert pid.text(3, 4, 2) == "1.2.156.38.1"
    assert pid.inside(pid.repeats(3)[1], 5) == "NI"
    assert found.header.field(1) == "|"
    assert pid.text(99) == ""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_is_read(end: str):
    assert len(parse(ADMISSION.replace("\r", end).encode()).segments) == 9


def test_other_delimiters_are_taken_from_the_message():
    found = parse(b"MSH$*@!%$A$B$$$$$ORU*R01$7$P$2.3\rPID$1$$9*8@7\r")
    pid = found.first("PID")
    assert pid is not None
    assert found.kind == "ORU^R01"
    assert (pid.text(3, 2), len(pid.repeats(3))) == ("8", 2)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("a\\.br\\b", "a\nb"),
        ("\\XE5BCA0\\", "张"),
        ("\\Xzz\\", "\\Xzz\\"),
        ("a\\.sp+2\\b\\.sp+ 3\\c\\.sp" + "9" * 5000 + "\\d", "a\n\nb\nc\nd"),
        ("\\H\\bold\\N\\", "bold"),
        ("\\Zown\\", "\\Zown\\"),
        ("100\\", "100\\"),
    ],
)
def test_escapes(written: str, meant: str):
    assert unescaped(written, parse(ADMISSION.encode()).delimiters) == meant


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_what_is_escaped_comes_back(text: str):
    cut = parse(ADMISSION.encode()).delimiters
    assert unescaped(escaped(text, cut), cut) == text


@pytest.mark.parametrize(
    ("says", "sent", "lied"),
    [
        ("UNICODE UTF-8", "utf-8", False),
        ("UNICODE UTF-8", "gb18030", True),
        ("GB 18030-2000", "gb18030", False),
        ("GB 18030-2000", "utf-8", True),
        ("8859/1", "gbk", True),
        ("ASCII", "gbk", True),
        ("", "gbk", False),
        ("", "utf-8", False),
    ],
)
def test_the_character_set_is_found_by_decoding(says: str, sent: str, lied: bool):
    found = parse(message("PID|1||7||张^三", head=says).encode(sent))
    pid = found.first("PID")
    assert pid is not None
    assert pid.text(5) == "张"
    assert found.decoded.lied is lied


def test_gbk_characters_that_hold_a_delimiter_stay_whole():
    word = "".join(
        sign for sign in map(chr, range(0x4E00, 0x9FA5)) if sign.encode("gbk")[-1:] in (b"|", b"^", b"\\", b"~")
    )
    pid = parse(message(f"PID|1||7||{word}^三", head="").encode("gbk")).first("PID")
    assert pid is not None
    assert (pid.text(5), pid.text(5, 2)) == (word, "三")


def test_a_gbk_word_that_is_valid_utf8_is_believed_to_its_sender():
    assert decoded(message("PID|1||7||联通", head="GBK").encode("gbk")).text.rstrip().endswith("联通")


def test_western_text_is_not_taken_for_chinese():
    assert decoded(message("PID|1||7||M\xfcller", head="8859/1").encode("latin-1")).text.rstrip().endswith("Müller")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "begins with the segment MSH"),
        (b"PID|1", "begins with the segment MSH"),
        (b"MSH", "MSH-1"),
        (b"MSH|^^\\&|", "four different signs"),
        (b"MSH|^~\\&|A\rbroken line\r", "Line 2"),
        (b"MSH|^~\\&|A\rMSH|^~\\&|B\r", "second MSH"),
        (b"MSH|^~\\&|A\r" + b"NTE|1\r" * 20_001, "20000 segments"),
    ],
)
def test_what_is_no_message_is_refused_in_words(content: bytes, told: str):
    with pytest.raises(Unreadable, match=told):
        parse(content)


@given(st.binary(max_size=400), st.sampled_from([b"", b"MSH|^~\\&|", b"MSH|^~\\&|A|B|C|D|E||ADT^A01|1|P|2.5\rPID|"]))
def test_any_bytes_are_a_message_or_unreadable(content: bytes, head: bytes):
    try:
        found = parse(head + content)
    except Unreadable:
        return
    assert found.segments[0].name == "MSH"


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 7))
def test_blocks_come_whole_however_the_line_cuts_them(contents: list[bytes], step: int):
    contents = [one.replace(b"\x0b", b"").replace(b"\x1c", b"") for one in contents]
    line = b"".join(framed(one) for one in contents)
    frames = Frames(1000)
    found = [one for at in range(0, len(line), step) for one in frames.feed(line[at : at + step])]
    assert found == contents
    assert frames.end() == []


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_on_the_line_keep_the_frames_bounded(pieces: list[bytes]):
    frames = Frames(16)
    for piece in pieces:
        for found in frames.feed(piece):
            assert (
                found.reason in ("garbage", "never-ended", "too-large") if isinstance(found, Cut) else len(found) <= 16
            )
    frames.end()
    assert not frames.waiting


def test_a_block_cut_in_the_middle_costs_itself_only():
    frames = Frames(100)
    assert frames.feed(b"\x0bone") == []
    assert frames.feed(b"\x0btwo\x1c\rjunk\x0bthree\x1c\r") == [
        Cut("never-ended", 3),
        b"two",
        Cut("garbage", 4),
        b"three",
    ]
    assert frames.feed(b"\x0bfour") == []
    assert frames.end() == [Cut("never-ended", 4)]


def test_a_block_of_50_mb_is_dropped_as_it_comes_and_the_next_is_read():
    frames = Frames(1 << 20)
    assert frames.feed(b"\x0b") == []
    for _ in range(50):
        assert frames.feed(b"x" * (1 << 20)) == []
    assert frames.feed(b"\x1c\r" + framed(b"next")) == [Cut("too-large", 50 << 20), b"next"]


def test_an_answer_goes_back_to_the_sender_in_its_own_characters():
    asked = parse(message("PID|1||7||张", head="GBK").encode("gbk"))
    made = answer(asked, "error", NOW, "77", [Fault("101", "缺|少", "OBX[3]-5")])
    assert made is not None
    header, msa, err = made.decode("gbk").split("\r")[:3]
    assert header == "MSH|^~\\&|MINKANG|REGION|HIS|H1|20260105000000+0000||ACK^A01^ACK|77|P|2.5.1||||||GBK"
    assert msa == "MSA|AE|C1"
    assert err == "ERR||OBX^3^5|101|E||||缺\\F\\少"


def test_before_2_5_an_error_stands_in_one_field():
    asked = parse(message("PID|1", version="2.3").encode())
    made = answer(asked, "rejected", NOW, "77", [Fault("101", "x", "PID-3")])
    assert made is not None
    assert b"MSA|AR|C1\rERR|PID^1^3^101&x\r" in made


@pytest.mark.parametrize(
    ("wanted", "outcome", "told"),
    [
        ("AL", "accepted", "CA"),
        ("AL", "error", "CE"),
        ("AL", "rejected", "CR"),
        ("ER", "accepted", None),
        ("ER", "error", "CE"),
        ("SU", "accepted", "CA"),
        ("SU", "rejected", None),
        ("NE", "rejected", None),
    ],
)
def test_enhanced_mode_answers_as_the_sender_asks(wanted: str, outcome: str, told: str | None):
    asked = parse(f"MSH|^~\\&|A|B|C|D|20260101||ADT^A08|9|P|2.5|||{wanted}|NE\rPID|1".encode())
    made = answer(asked, outcome, NOW, "1")
    assert (made.split(b"\r")[1].decode() if made else None) == (f"MSA|{told}|9" if told else None)


def test_what_cannot_be_read_is_answered_all_the_same():
    made = answer(None, "rejected", NOW, "1", [Fault("207", "no message")])
    assert made is not None
    reply = parse(made)
    assert (reply.kind, reply.segments[1].raw) == ("ACK", "MSA|AR|")
