"""Derives the pinyin table (which syllables a Chinese character may be read as) from the PyPI package pypinyin.

    pip install pypinyin==0.55.0
    python scripts/pinyin_table.py

Writes `src/minkang/fhir/definitions/pinyin.tsv`: one line per syllable without tones; the second column holds the
characters whose first (commonest) reading it is, the third those whose second, and so on up to the fourth. Committed
because importing the package costs each process 0.4 s and 65 MB (measured), and this table 10 ms and a few MB.
Source of the data: https://github.com/mozillazg/pinyin-data (MIT), as shipped in pypinyin (MIT).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path

from pypinyin.pinyin_dict import pinyin_dict

TARGET = Path(__file__).parents[1] / "src/minkang/fhir/definitions/pinyin.tsv"
READINGS = 4


def plain(syllable: str) -> str:
    """A syllable without its tone, ü written v as keyboards have it."""
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(letter for letter in letters if "a" <= letter <= "z")


def main() -> None:
    columns: dict[str, list[list[str]]] = defaultdict(lambda: [[] for _ in range(READINGS)])
    for point, syllables in sorted(pinyin_dict.items()):
        if 0xE000 <= point <= 0xF8FF:
            continue  # private use: means something else on every machine
        readings = list(dict.fromkeys(filter(None, map(plain, syllables.split(",")))))
        for rank, reading in enumerate(readings[:READINGS]):
            columns[reading][rank].append(chr(point))
    lines = [
        "\t".join([syllable, *("".join(column) for column in ranks)]).rstrip("\t")
        for syllable, ranks in columns.items()
    ]
    TARGET.write_text("\n".join(sorted(lines)) + "\n")
    print(f"{len(lines)} syllables")


if __name__ == "__main__":
    main()
