"""Documents are read safely and told apart; what cannot be read says why."""

from __future__ import annotations

import pytest

from minkang.fhir.problem import Incorrect
from minkang.gateways.cda.mapping.kinds import kind_of, kinds
from minkang.gateways.cda.wire import document as wire

V3 = 'xmlns="urn:hl7-org:v3"'
TEMPLATE = '<templateId root="2.16.156.10011.2.1.1.22"/>'


def document(inside: str, encoding: str = "UTF-8") -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?><ClinicalDocument {V3}>{inside}</ClinicalDocument>'.encode(
        encoding
    )


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "GB2312", "GB18030", "UTF-16"])
def test_chinese_is_read_in_the_declared_encoding(encoding: str):
    title = wire.read(document("<title>门(急)诊病历</title>", encoding)).first("title")
    assert title is not None
    assert title.text == "门(急)诊病历"


def test_gb2312_in_name_may_hold_more():
    content = document("<title>X</title>", "GB2312").replace(b"X", "镕".encode("gb18030"))
    title = wire.read(content).first("title")
    assert title is not None
    assert title.text == "镕"


BOMB = (
    b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><ClinicalDocument xmlns="urn:hl7-org:v3">&c;</ClinicalDocument>'
)
FAULTS = {
    "entities": (BOMB, "DOCTYPE"),
    "outside file": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DOCTYPE"),
    "cut off": (document(TEMPLATE)[:-9], "well-formed"),
    "empty": (b"", "well-formed"),
    "other namespace": (b'<ClinicalDocument xmlns="urn:other"/>', "urn:other"),
    "no namespace": (b"<ClinicalDocument/>", "starts with ClinicalDocument"),
    "unknown encoding": (b'<?xml version="1.0" encoding="rot13"?><a/>', "rot13"),
    "wrong encoding": (document("") + b"\xff", "not utf-8"),
    "deep": (document("<a>" * 100 + "</a>" * 100), "deep"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_and_says_why(fault: str):
    content, words = FAULTS[fault]
    with pytest.raises(Incorrect, match=words):
        wire.read(content)


@pytest.mark.parametrize(("limit", "value", "words"), [("BYTES", 50, "bytes"), ("ELEMENTS", 3, "elements")])
def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, value: int, words: str):
    monkeypatch.setattr(wire, limit, value)
    with pytest.raises(Incorrect, match=words):
        wire.read(document("<a/>" * 4))


def test_all_shared_documents_are_told_apart():
    assert len({kind.code for kind in kinds()}) == len({kind.template for kind in kinds()}) == 73
    for kind in kinds():
        assert kind_of(wire.read(document(f'<templateId root="{kind.template}"/>'))) == kind
        assert kind_of(wire.read(document(f'<code code="{kind.code}"/>'))) == kind
    assert all(kind.sections for kind in kinds() if kind.code.startswith("C"))


def test_the_template_wins_over_the_code_and_an_unknown_one_is_nobodys():
    found = kind_of(wire.read(document(TEMPLATE + '<code code="C0007"/>')))
    assert found is not None
    assert (found.code, found.title) == ("C0002", "门(急)诊病历")
    assert kind_of(wire.read(document('<templateId root="1.2.3"/><code code="X"/>'))) is None
