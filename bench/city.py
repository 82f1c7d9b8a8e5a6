"""A city of any size as NDJSON, quickly: some thousand invented residents, and as many copies of each as are needed.

Nineteen resources a resident (the Patient and three visits of six) of about 0.9 KB. A copy has ids, id number and
identifiers of its own; names, codes and dates repeat, as they do in a city. One in fifty has a task that waits for
somebody. Beside them a few who are often ill: 40 visits, with more than twenty readings of the heart rate each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from synth import bundles as city
from synth.id_number import check_digit

SEED = 41
TEMPLATES = 1_000
PER_RESIDENT = city.PER_RESIDENT

OFTEN_ILL = 300
"""Residents of that kind, whatever the size of the city."""

OFTEN = 40
"""Their visits."""

HEART_RATE = "http://loinc.org|8867-4"
OWNER = "yunzhou-doctor-1"
_WHO, _NUMBER = "@WHO@", "@NUMBER@"
_FIRST_OFTEN_ILL = 90_000_000


def resident_of(number: int) -> str:
    """The Patient id of the number-th resident."""
    return f"b{number:08d}"


def often_ill() -> list[str]:
    """Patient ids of those with long records."""
    return [resident_of(_FIRST_OFTEN_ILL + number) for number in range(OFTEN_ILL)]


def id_number_of(number: int) -> str:
    """The id number of the number-th resident: well-formed, of a province that does not exist."""
    born = f"19{50 + number % 50:02d}0{number % 9 + 1}1{number % 10}"
    bare = f"39{number % 9000 + 1000:04d}{born}{number // 9000 % 1000:03d}"
    return bare + check_digit(bare)


def write(path: Path, resources: int) -> int:
    """A file of about so many resources, those of the often ill among them; how many ordinary residents it holds."""
    ill = OFTEN_ILL * (1 + 6 * OFTEN)
    residents = max((resources - ill) // PER_RESIDENT, 100)
    with path.open("wb") as out:
        out.writelines(_copies(_templates(TEMPLATES, city.VISITS), residents, 0))
        out.writelines(_copies(_templates(30, OFTEN), OFTEN_ILL, _FIRST_OFTEN_ILL))
    return residents


def visits(count: int, seed: int) -> Iterator[bytes]:
    """Transaction bundles of new residents, three a resident."""
    return (orjson.dumps(bundle) for bundle in city.bundles(count, seed))


def _copies(made: list[bytes], residents: int, first: int) -> Iterator[bytes]:
    for number in range(first, first + residents):
        text = made[number % len(made)].replace(_WHO.encode(), resident_of(number).encode())
        yield text.replace(_NUMBER.encode(), id_number_of(number).encode())


@cache
def _templates(count: int, often: int) -> list[bytes]:
    """The lines of each template resident, with marks where a copy differs."""
    people: dict[str, list[bytes]] = {}
    for bundle in city.bundles(count, SEED, visits=often):
        who = bundle["identifier"]["value"].rpartition("-")[0]
        mine = people.setdefault(who, [])
        mine.append(_marked(bundle, who, len(mine)))
    made = [b"".join(parts) for parts in people.values()]
    return [
        text + (_task(number) if number % 50 == 0 and often == city.VISITS else b"") for number, text in enumerate(made)
    ]


def _task(number: int) -> bytes:
    """A follow-up that a doctor owes, every other one done."""
    task = {
        "resourceType": "Task",
        "id": f"{_WHO}-task",
        "status": "requested" if number % 100 else "completed",
        "intent": "order",
        "for": {"reference": f"Patient/{_WHO}"},
        "owner": {"reference": f"Practitioner/{OWNER}"} if number == 50 else {"reference": "Practitioner/others"},
        "authoredOn": f"2026-{number // 50 % 10 + 1:02d}-15T09:00:00+08:00",
    }
    return orjson.dumps(task) + b"\n"


def _marked(bundle: dict[str, Any], who: str, visit: int) -> bytes:
    names: dict[str, str] = {}
    for place, entry in enumerate(bundle["entry"]):
        resource = entry["resource"]
        is_patient = resource["resourceType"] == "Patient"
        resource["id"] = _WHO if is_patient else f"{_WHO}-{visit}-{place}"
        for identifier in resource.get("identifier", []):
            is_number = identifier["system"].endswith(".10011.1.3")
            identifier["value"] = _NUMBER if is_number else f"{_WHO}{visit}{place}"
        names[entry["fullUrl"]] = f"{resource['resourceType']}/{resource['id']}"
    text = b"".join(orjson.dumps(entry["resource"]) + b"\n" for entry in bundle["entry"])
    for url, name in names.items():
        text = text.replace(url.encode(), name.encode())
    return text.replace(f"Patient/{who}".encode(), f"Patient/{_WHO}".encode())
