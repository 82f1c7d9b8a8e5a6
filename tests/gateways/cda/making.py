"""Chinese shared documents with invented people, for tests: a header, and sections of entries as they are written."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

V3 = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ELEMENTS = "2.16.156.10011.2.2.1"
ID_NUMBER = "380102198501010021"
"""Of a province that there is not; born 1985-01-01, female, with the right check digit."""


def value(type: str, content: str = "", **attributes: str) -> str:
    told = "".join(f" {name}={quoteattr(one)}" for name, one in attributes.items())
    return f'<value xsi:type="{type}"{told}>{escape(content)}</value>'


def text(words: str) -> str:
    return value("ST", words)


def coded(code: str, system: str, name: str = "") -> str:
    return value("CD", code=code, codeSystem=system, displayName=name)


def measured(number: str, unit: str) -> str:
    return value("PQ", value=number, unit=unit)


def observation(element: str, name: str = "", content: str = "", *inside: str, more: str = "") -> str:
    """An observation of a data element, others inside of it."""
    nested = "".join(f'<entryRelationship typeCode="COMP">{one}</entryRelationship>' for one in inside)
    return (
        f'<observation classCode="OBS" moodCode="EVN"><code code="{element}" displayName="{name}"'
        f' codeSystem="{ELEMENTS}"/>{more}{content}{nested}</observation>'
    )


def cluster(*inside: str) -> str:
    parts = "".join(f"<component>{one}</component>" for one in inside)
    return f'<organizer classCode="CLUSTER" moodCode="EVN"><statusCode/>{parts}</organizer>'


def section(code: str, *entries: str, words: str = "") -> str:
    """`code`: LOINC's, or a title."""
    named = (
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
        if code[0].isdigit()
        else f'<code displayName="{code}"/>'
    )
    told = "".join(f"<entry>{one}</entry>" for one in entries)
    return f"<component><section>{named}<text>{words}</text>{told}</section></component>"


def document(
    *sections: str,
    code: str = "C0002",
    template: str = "22",
    number: str = "D1",
    version: int = 1,
    patient: str | None = None,
    ids: str | None = None,
    more: str = "",
) -> bytes:
    """`template`: the last arc of its OID; `ids`: of the patientRole; `patient`: what stands inside of it."""
    if patient is None:
        patient = (
            f'<id root="2.16.156.10011.1.3" extension="{ID_NUMBER}"/><name>李测试</name>'
            '<administrativeGenderCode code="2" codeSystem="2.16.156.10011.2.3.3.4"/><birthTime value="19850101"/>'
            '<age unit="岁" value="41"/>'
        )
    if ids is None:
        ids = '<id root="2.16.156.10011.1.11" extension="V7"/>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument {V3}>
<realmCode code="CN"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_MT000040"/>
<templateId root="2.16.156.10011.2.1.1.{template}"/><id root="2.16.156.10011.1.1" extension="{number}.{version}"/>
<code code="{code}" codeSystem="2.16.156.10011.2.4"/><title>测试文档</title><effectiveTime value="20260302090000"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="zh-CN"/>
<setId root="2.16.156.10011.1.1" extension="{number}"/><versionNumber value="{version}"/>
<recordTarget typeCode="RCT"><patientRole classCode="PAT">{ids}<patient classCode="PSN">{patient}</patient>
</patientRole></recordTarget><author><time value="20260302083000"/><assignedAuthor>
<id root="2.16.156.10011.1.7" extension="D9"/><assignedPerson><name>王医生</name></assignedPerson>
</assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="2.16.156.10011.1.5" extension="H1"/>
<name>第一医院</name></representedCustodianOrganization></assignedCustodian></custodian>
{more}<component><structuredBody>{"".join(sections)}</structuredBody></component>
</ClinicalDocument>""".encode()
