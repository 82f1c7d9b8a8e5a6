"""Derives the pinyin table (which syllables a Chinese character may be read as) from the repository pinyin-data.

    git clone --branch v0.15.0 https://github.com/mozillazg/pinyin-data FOLDER
    python scripts/pinyin_table.py FOLDER

Writes `src/minkang/fhir/definitions/pinyin.tsv`: one line per syllable without tones; the second column holds the
characters whose first (commonest) reading it is, the third those whose second, and so on up to the fourth.

Which readings count: the commonest, and those that a modern dictionary lists (通用规范汉字字典 of 2013, whose
characters are the ones names are registered with; 现代汉语词典 of 1983, which has the traditional forms too). Readings
that only the dictionaries of old texts know are left out, else the search for shan finds everybody called 邓. A
character that is in neither modern dictionary keeps all its readings. Surnames read in a way of their own stand in
`surnames.tsv`.

The table is committed because the package pypinyin, which has the same data, costs each process 0.4 s and 65 MB to
import (measured), and this table 10 ms and a few MB. Licence of the data: MIT.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/minkang/fhir/definitions/pinyin.tsv"
MODERN = ("kTGHZ2013.txt", "kXHC1983.txt")
READINGS = 4
LINE = re.compile(r"U\+([0-9A-F]+): (\S+)")


def readings(file: Path) -> dict[int, list[str]]:
    """Code point to its syllables without tones, in the file's order."""
    lines = filter(None, map(LINE.match, file.read_text(encoding="utf-8").splitlines()))
    return {int(line[1], 16): list(dict.fromkeys(filter(None, map(plain, line[2].split(","))))) for line in lines}


def plain(syllable: str) -> str:
    """A syllable without its tone, ü written v as keyboards have it."""
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(letter for letter in letters if "a" <= letter <= "z")


def in_use(known: list[str], modern: set[str]) -> list[str]:
    """Of the readings of one character those that count."""
    return [reading for reading in known if reading in modern or reading == known[0]] if modern else known


def main(folder: Path) -> None:
    modern: dict[int, set[str]] = defaultdict(set)
    for name in MODERN:
        for point, syllables in readings(folder / name).items():
            modern[point] |= set(syllables)
    columns: dict[str, list[list[str]]] = defaultdict(lambda: [[] for _ in range(READINGS)])
    for point, syllables in sorted(readings(folder / "pinyin.txt").items()):
        if 0xE000 <= point <= 0xF8FF:
            continue  # private use: means something else on every machine
        for rank, reading in enumerate(in_use(syllables, modern[point])[:READINGS]):
            columns[reading][rank].append(chr(point))
    lines = [
        "\t".join([syllable, *("".join(column) for column in ranks)]).rstrip("\t")
        for syllable, ranks in columns.items()
    ]
    TARGET.write_text("\n".join(sorted(lines)) + "\n")
    print(f"{len(lines)} syllables")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("which folder is pinyin-data in? See the head of this file.")
    main(Path(sys.argv[1]))
