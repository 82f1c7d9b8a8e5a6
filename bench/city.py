"""A city of any size as NDJSON, quickly: some thousand invented residents, and as many copies of each as are needed.

Nineteen resources a resident (the Patient and three visits of six) of about 0.9 KB. A copy has ids, id number and
identifiers of its own; names, codes and dates repeat, as they do in a city.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import orjson

from synth import bundles as city
from synth.id_number import check_digit

SEED = 41
TEMPLATES = 1_000
PER_RESIDENT = city.PER_RESIDENT
_WHO, _NUMBER = "@WHO@", "@NUMBER@"


def resident_of(number: int) -> str:
    """The Patient id of the number-th resident."""
    return f"b{number:08d}"


def id_number_of(number: int) -> str:
    """The id number of the number-th resident: well-formed, of a province that does not exist."""
    born = f"19{50 + number % 50:02d}0{number % 9 + 1}1{number % 10}"
    bare = f"39{number % 9000 + 1000:04d}{born}{number // 9000 % 1000:03d}"
    return bare + check_digit(bare)


def lines(residents: int, first: int = 0) -> Iterator[bytes]:
    """The records of so many residents, each as lines of NDJSON."""
    made = _templates()
    for number in range(first, first + residents):
        text = made[number % TEMPLATES].replace(_WHO.encode(), resident_of(number).encode())
        yield text.replace(_NUMBER.encode(), id_number_of(number).encode())


def write(path: Path, resources: int) -> int:
    """A file of about so many resources; how many residents they are of."""
    residents = max(resources // PER_RESIDENT, 1)
    with path.open("wb") as out:
        out.writelines(lines(residents))
    return residents


@cache
def _templates() -> list[bytes]:
    """The lines of each template resident, with marks where a copy differs."""
    people: dict[str, list[bytes]] = {}
    for bundle in city.bundles(TEMPLATES, SEED):
        who = bundle["identifier"]["value"].rpartition("-")[0]
        people.setdefault(who, []).append(_marked(bundle, who, len(people[who]) if who in people else 0))
    return [b"".join(parts) for parts in people.values()]


def _marked(bundle: dict, who: str, visit: int) -> bytes:
    names: dict[str, str] = {}
    for place, entry in enumerate(bundle["entry"]):
        resource = entry["resource"]
        is_patient = resource["resourceType"] == "Patient"
        resource["id"] = _WHO if is_patient else f"{_WHO}-{visit}{place}"
        for identifier in resource.get("identifier", []):
            is_number = identifier["system"].endswith(".10011.1.3")
            identifier["value"] = _NUMBER if is_number else f"{_WHO}{visit}{place}"
        names[entry["fullUrl"]] = f"{resource['resourceType']}/{resource['id']}"
    text = b"".join(orjson.dumps(entry["resource"]) + b"\n" for entry in bundle["entry"])
    for url, name in names.items():
        text = text.replace(url.encode(), name.encode())
    return text.replace(f"Patient/{who}".encode(), f"Patient/{_WHO}".encode())
