"""Invented residents: who they are, and the Patient resource of each.

The first few are written by hand, so that whoever starts the demo finds a name that reads two ways, a character outside
the first plane, a newborn without an id number and a person of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from synth import names
from synth.id_number import id_number
from synth.names import Name
from synth.tables import table

# http://terminology.hl7.org/CodeSystem/v2-0203 has no Chinese id number: NNxxx is its pattern, here for CHN.
ID_TYPE = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "NNCHN"}],
    "text": "居民身份证",
}
# The object identifiers under which the shared documents of WS/T 500-2016 write the id number and the health card.
ID_SYSTEM = "urn:oid:2.16.156.10011.1.3"
CARD_SYSTEM = "urn:oid:2.16.156.10011.1.19"

CITY = table("city")
_COUNTIES: list[dict[str, Any]] = CITY["counties"]


@dataclass(frozen=True, slots=True)
class Resident:
    """`number` counts from 0; `id_number` is empty for the newborn and for foreigners."""

    number: int
    id: str
    name: Name
    sex: str
    born: date
    county: int
    id_number: str
    card: str


# name, sex, days of age
_CAST: list[tuple[Name, str, int]] = [
    (Name("张丽", "张", "丽"), "female", 16_600),
    (Name("单雪梅", "单", "雪梅"), "female", 13_900),
    (Name("仇建国", "仇", "建国"), "male", 26_400),
    (Name("欧阳𬍛", "欧阳", "𬍛"), "male", 11_300),
    (Name("王一诺", "王", "一诺"), "female", 12),
    (Name("陈沐宸", "陈", "沐宸"), "male", 250),
    (Name("李秀英", "李", "秀英"), "female", 36_700),
    (Name("阿依古丽·买买提", "", ""), "female", 9_900),
    (Name("Anna Müller", "Müller", "Anna"), "female", 12_400),
]


def residents(count: int, seed: int, *, today: date, first: int = 0) -> Iterator[Resident]:
    """Residents `first` to `first + count - 1` of the city with this seed. Each depends on seed and number alone,
    so that several processes can each make a part."""
    for number in range(first, first + count):
        yield _resident(number, Random(f"resident:{seed}:{number}"), seed, today)


def patient(resident: Resident) -> dict[str, Any]:
    """The Patient resource, as a registration desk would send it."""
    county = _COUNTIES[resident.county]
    random = Random(resident.id)
    street = random.choice(county["streets"])
    house = random.randrange(1, 400)
    return {
        "resourceType": "Patient",
        "id": resident.id,
        "identifier": _identifiers(resident),
        "active": True,
        "name": [_human_name(resident.name)],
        "telecom": [{"system": "phone", "value": f"100{random.randrange(10**8):08d}", "use": "mobile"}],
        "gender": resident.sex,
        "birthDate": resident.born.isoformat(),
        "address": [
            {
                "use": "home",
                "text": f"{CITY['province']}{CITY['name']}{county['name']}{street}{house}号",
                "line": [f"{street}{house}号"],
                "city": CITY["name"],
                "district": county["name"],
                "state": CITY["province"],
                "postalCode": f"{county['code']}",
                "country": "CN",
            }
        ],
        "managingOrganization": {"reference": f"Organization/{CITY['institutions'][2]['id']}"},
    }


def _resident(number: int, random: Random, seed: int, today: date) -> Resident:
    if number < len(_CAST):
        name, sex, days = _CAST[number]
        born = today - timedelta(days=days)
    else:
        sex = "female" if random.random() < 0.5 else "male"
        # Two draws make the age pyramid of an ageing city: few above 90, most between 20 and 65.
        born = today - timedelta(days=int(random.triangular(1, 34_000, 17_500)))
        name = names.draw(random, sex, born.year)
    county = random.randrange(len(_COUNTIES))
    sequence = random.randrange(0, 500) * 2 + (sex == "male")
    foreign = name.family != "" and not name.text.startswith(name.family)
    has_id = (today - born).days > 60 and not foreign
    return Resident(
        number=number,
        id=f"r{seed}-{number}",
        name=name,
        sex=sex,
        born=born,
        county=county,
        id_number=id_number(_COUNTIES[county]["code"], born, sequence) if has_id else "",
        card=f"YZ{seed % 1000:03d}{number:09d}",
    )


def _human_name(name: Name) -> dict[str, Any]:
    if not name.family:
        return {"use": "official", "text": name.text}
    return {"use": "official", "text": name.text, "family": name.family, "given": [name.given]}


def _identifiers(resident: Resident) -> list[dict[str, Any]]:
    card = {"use": "secondary", "type": {"text": "电子健康卡"}, "system": CARD_SYSTEM, "value": resident.card}
    if not resident.id_number:
        return [card]
    return [{"use": "official", "type": ID_TYPE, "system": ID_SYSTEM, "value": resident.id_number}, card]
