"""NDJSON is cut at the ends of lines, the same way each time, with bounded memory, whatever the file is like."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
import zstandard

from minkang.store.bulk.lines import Chunk, Damaged, chunks, files_of, opened

LINES = [b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * (n * 7 % 90)) for n in range(200)]
TEXT = b"".join(LINES)


def cut(text: bytes, size: int = 256, longest: int = 10_000) -> list[Chunk]:
    return list(chunks(io.BytesIO(text), size, longest))


@pytest.mark.parametrize("size", [1, 64, 100, 255, 1_000, 10**6])
def test_nothing_is_lost_or_cut_through_and_numbers_are_right(size: int) -> None:
    found = cut(TEXT, size)
    assert b"".join(one.data for one in found) == TEXT
    for one in found:
        assert one.data.endswith(b"\n")
        assert TEXT[one.begin :].startswith(one.data)
        assert TEXT[: one.begin].count(b"\n") == one.line - 1


def test_a_last_line_without_an_end_counts() -> None:
    assert b"".join(one.data for one in cut(TEXT[:-1])) == TEXT[:-1]
    assert cut(b"") == []


def test_a_line_without_end_is_left_out_and_the_rest_keeps_its_numbers() -> None:
    found = cut(LINES[0] + b"y" * 5_000 + b"\n" + LINES[1], size=100, longest=1_000)
    told = [(one.line, one.overlong) for one in found]
    assert told == [(1, False), (2, True), (3, False)]
    assert (found[0].data, found[1].data, found[2].data) == (LINES[0], b"", LINES[1])
    assert len({one.begin for one in found}) == 3
    assert [one.overlong for one in cut(b"y" * 5_000, size=100, longest=1_000)] == [True]


def test_a_byte_order_mark_does_not_spoil_the_first_line() -> None:
    assert cut(b"\xef\xbb\xbf" + TEXT, size=10**6)[0].data == TEXT


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz", "a.ndjson.zst"])
def test_packed_files_give_the_same_chunks(tmp_path: Path, name: str) -> None:
    assert _read(_packed(tmp_path / name, TEXT)) == cut(TEXT)


@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.ndjson.zst"])
def test_a_file_packed_in_several_pieces_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    first, second = _packed(tmp_path / name, TEXT[:5_000]).read_bytes(), _packed(tmp_path / name, TEXT[5_000:])
    second.write_bytes(first + second.read_bytes())
    assert b"".join(one.data for one in _read(second)) == TEXT


@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.ndjson.zst"])
@pytest.mark.parametrize("spoil", [lambda data: data[:-40], lambda data: data[:60] + b"\0" * 60 + data[120:]])
def test_a_damaged_file_is_told(tmp_path: Path, name: str, spoil) -> None:
    path = _packed(tmp_path / name, TEXT)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Damaged, match=name):
        _read(path)


def test_folders_are_looked_through_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b.ndjson", "sub/a.ndjson.gz", "a.jsonl", "letter.txt", "c.ndjson.zst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(one.relative_to(tmp_path)) for one in files_of([tmp_path])] == [
        "a.jsonl",
        "b.ndjson",
        "c.ndjson.zst",
        "sub/a.ndjson.gz",
    ]
    with pytest.raises(FileNotFoundError, match="there is no file"):
        files_of([tmp_path, tmp_path / "none.ndjson"])


def _packed(path: Path, text: bytes) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text))
    elif path.suffix == ".zst":
        path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(text))
    else:
        path.write_bytes(text)
    return path


def _read(path: Path) -> list[Chunk]:
    with opened(path) as (stream, _):
        return list(chunks(stream, 256, 10_000))
