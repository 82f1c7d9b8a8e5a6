"""The city as clinical documents: any kind of the Chinese shared documents, every element of its sections filled in.

For tests and for measuring; invented people only (`synth.people`). The same kind and number give the same bytes.
"""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

from minkang.gateways.cda.mapping.kinds import kinds
from minkang.gateways.cda.mapping.tables import Field, fields, sections, value_sets
from minkang.gateways.cda.mapping.writing.entries import element, related
from minkang.gateways.cda.mapping.writing.markup import tag, words
from synth.people import Resident, residents

TODAY = date(2026, 11, 1)
"""No document is later."""

_ICD = (("I10", "特发性高血压"), ("E11.900", "2型糖尿病"), ("J18.900", "肺炎"), ("K35.800", "急性阑尾炎"))
_TCM = (("BNG070", "眩晕病"), ("BNW010", "感冒病"), ("ZYGA30", "肝阳上亢证"))
_OPERATIONS = (("47.0100", "腹腔镜阑尾切除术"), ("74.1x00", "子宫下段剖宫产术"))
_DRUGS = ("阿莫西林胶囊", "硝苯地平缓释片", "盐酸二甲双胍片")
_VACCINES = (("1", "乙型肝炎疫苗"), ("5", "麻疹疫苗"))
_USUAL = {
    "kg": (4, 90),
    "cm": (40, 180),
    "mmHg": (60, 180),
    "次/min": (60, 100),
    "℃": (36, 39),
    "C": (36, 39),
    "mmol/L": (4, 12),
}
"""Plausible numbers by unit; others are between 1 and 100."""


def document(kind: str, number: int, seed: int = 1) -> bytes:
    """One document of a kind (`C0002`), of the resident of this number."""
    random = Random(f"document:{seed}:{kind}:{number}")
    found = next(one for one in kinds() if one.code == kind)
    resident = next(residents(1, seed, today=TODAY, first=number))
    day = f"2026{random.randint(1, 10):02}{random.randint(1, 28):02}"
    body = "".join(_section(name, rows, random, day) for name, rows in fields(kind).items())
    head = _head(found.code, found.title, found.template, number, resident, day, seed)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{head}'
        f"<component><structuredBody>{body}</structuredBody></component></ClinicalDocument>"
    ).encode()


def _head(code: str, title: str, template: str, number: int, resident: Resident, day: str, seed: int) -> str:
    own = {"root": "2.16.156.10011.1.1", "extension": f"{code}-{seed}-{number}"}
    hospital = {"root": "2.16.156.10011.1.5", "extension": f"H{number % 10}"}
    visit = "12" if "C0030" <= code <= "C0053" else "11"
    numbers = ((visit, f"V{number}"), ("19", resident.card))
    who = tag(
        "patient",
        tag("id", root="2.16.156.10011.1.3", extension=resident.id_number) if resident.id_number else "",
        words("name", resident.name.text),
        tag("administrativeGenderCode", code=1 if resident.sex == "male" else 2, codeSystem="2.16.156.10011.2.3.3.4"),
        tag("birthTime", value=resident.born.strftime("%Y%m%d")),
    )
    doctor = tag("assignedPerson", words("name", "王医生"))
    house = tag("representedCustodianOrganization", tag("id", **hospital), words("name", f"第{number % 10}医院"))
    return "".join(
        (
            tag("realmCode", code="CN"),
            tag("typeId", root="2.16.840.1.113883.1.3", extension="POCD_MT000040"),
            tag("templateId", root=template),
            tag("id", **own),
            tag("code", code=code, codeSystem="2.16.156.10011.2.4"),
            words("title", title),
            tag("effectiveTime", value=f"{day}103000"),
            tag("confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25"),
            tag("languageCode", code="zh-CN"),
            tag("setId", **own),
            tag("versionNumber", value=1),
            tag(
                "recordTarget",
                tag("patientRole", *(tag("id", root=f"2.16.156.10011.1.{x}", extension=y) for x, y in numbers), who),
            ),
            tag(
                "author",
                tag("time", value=f"{day}093000"),
                tag("assignedAuthor", tag("id", root="2.16.156.10011.1.7", extension=f"D{number % 50}"), doctor),
            ),
            tag("custodian", tag("assignedCustodian", house)),
        )
    )


def _section(name: str, rows: tuple[Field, ...], random: Random, day: str) -> str:
    code = (
        tag(
            "code",
            code=name,
            codeSystem="2.16.840.1.113883.6.1",
            displayName=sections()[name].title if name in sections() else "",
        )
        if name[0].isdigit()
        else tag("code", displayName=name)
    )
    entries: list[str] = []
    holder = ""
    inside: list[str] = []
    for row in rows:
        if row.id in ("procedure", "substanceAdministration"):
            entries += [_held(holder, name, inside, random, day)] if holder else []
            holder, inside = row.id, []
        elif row.inside and holder:
            inside.append(_observed(row, random, day))
        else:
            entries.append(_observed(row, random, day))
    entries += [_held(holder, name, inside, random, day)] if holder else []
    return tag("component", tag("section", code, tag("text"), *(tag("entry", one) for one in entries)))


def _held(kind: str, section: str, inside: list[str], random: Random, day: str) -> str:
    rest = [related(one) for one in inside]
    if kind == "procedure":
        code, name = random.choice(_OPERATIONS)
        what = tag("code", code=code, codeSystem="2.16.156.10011.2.3.3.12", displayName=name)
        return tag(kind, what, tag("effectiveTime", value=f"{day}110000"), *rest, classCode="PROC", moodCode="EVN")
    if section == "11369-6":
        code, name = random.choice(_VACCINES)
        coded = tag("code", code=code, codeSystem="2.16.156.10011.2.3.1.210", displayName=name)
        drug = tag("manufacturedMaterial", coded, words("lotNumberText", f"L{random.randint(1000, 9999)}"))
    else:
        drug = tag("manufacturedLabeledDrug", words("name", random.choice(_DRUGS)))
    return tag(
        kind,
        tag("effectiveTime", value=f"{day}090000") if section == "11369-6" else "",
        tag("routeCode", code="1", codeSystem="2.16.156.10011.2.3.1.158", displayName="口服"),
        tag("doseQuantity", value="0.5", unit="g"),
        tag("consumable", tag("manufacturedProduct", drug)),
        *rest,
        classCode="SBADM",
        moodCode="EVN",
    )


def _observed(row: Field, random: Random, day: str) -> str:
    return element(row.id, _value(row, random, day), named=row.name)


def _value(row: Field, random: Random, day: str) -> str:
    kind = {"xsi:type": row.type or "ST"}
    if row.type == "CD":
        code, name = _coded(row, random)
        return tag("value", **kind, code=code, codeSystem=row.system or "2.16.156.10011.2.3.9.1", displayName=name)
    if row.type in ("PQ", "REAL", "INT", "MO"):
        low, high = _USUAL.get(row.unit, (1, 100))
        shown: Any = random.randint(low, high) if row.type == "INT" else f"{random.uniform(low, high):.1f}"
        money = {"currency": "元"} if row.type == "MO" else {}
        return tag("value", **kind, value=shown, unit=row.unit, **money)
    if row.type == "BL":
        return tag("value", **kind, value="true")
    if row.type == "TS":
        return tag("value", **kind, value=f"{day}080000")
    return words("value", f"{row.name or '内容'}{random.randint(1, 99)}", **kind)


def _coded(row: Field, random: Random) -> tuple[str, str]:
    if ".2.3.3.14" in row.system:
        return random.choice(_TCM)
    if ".2.3.3.11" in row.system:
        return random.choice(_ICD)
    if ".2.3.3.12" in row.system:
        return random.choice(_OPERATIONS)
    known = value_sets().get(row.system)
    return random.choice(list(known["codes"].items())) if known else ("1", row.name)
