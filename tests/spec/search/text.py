"""Search by the words of a resource (http://hl7.org/fhir/R4/search.html#content)."""

from __future__ import annotations

import base64
from typing import Any

from tests.spec.language import Caller, Chapter, Row, Story


def _narrative(html: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{html}</div>'}


def _composition(html: str | None, title: str, **more: Any) -> Any:
    return {
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5", "display": "Discharge summary"}]},
        "date": "2024-03-01",
        "author": [{"reference": "Practitioner/d"}],
        "title": title,
        **({"text": _narrative(html)} if html else {}),
        **more,
    }


NOTE = base64.b64encode("突发胸痛三小时".encode()).decode()
PICTURE = base64.b64encode(b"chest pain").decode()

CHAPTER = Chapter(
    title="Searching by the words of a resource",
    text="""
`_text` looks at the narrative, `_content` at all a resource says: narrative, strings, codes, displays, attached texts.
A Chinese run of characters is found wherever it stands, another word only as a whole, `word*` by its beginning. Several
words must all be there; `OR`, `AND`, parentheses and "quoted phrases" are understood. Case, accents and full-width
forms do not count. The words of documents are indexed (`store/index_rules.json`); other types are looked
through resource by resource.
""",
    resources={
        "Composition/a": _composition("<p>急性<b>心</b>肌梗死，行支架植入术。</p><p>Type 2 diabetes</p>", "出院小结"),
        "Composition/b": _composition("<p>慢性心力衰竭</p><p>diabetic foot</p>", "门诊病历"),
        "Composition/c": _composition(None, "Résumé: COVID-19 pneumonia", subject={"reference": "Patient/p"}),
        "Composition/d": _composition("<p>正常 &amp; 健康 &lt;ok&gt;</p>", "体检"),
        "DocumentReference/n": {
            "status": "current",
            "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": NOTE}}],
        },
        "DocumentReference/x": {
            "status": "current",
            "description": "心电图",
            "content": [{"attachment": {"contentType": "image/png", "data": PICTURE, "url": "http://a.example/chest"}}],
        },
        "Observation/o": {
            "status": "final",
            "code": {"text": "心肌酶"},
            "subject": {"reference": "Patient/p"},
            "note": [{"text": "复查 tomorrow"}],
        },
    },
    callers={"west": Caller("west-hospital", 390102, divisions=frozenset({390102}))},
    cases=[
        Row("GET Composition?_text=心肌梗死", "a", "a tag inside a word does not part it"),
        Row("GET Composition?_text=梗死", "a", "from any character on"),
        Row("GET Composition?_text=心", "a b", "one character"),
        Row("GET Composition?_text=心衰", "nothing", "characters that do not stand side by side"),
        Row("GET Composition?_text=梗死行", "nothing", "a comma parts them"),
        Row("GET Composition?_text=心肌 支架", "a", "both, wherever they stand"),
        Row("GET Composition?_text=心肌 衰竭", "nothing"),
        Row("GET Composition?_text=心肌 OR 衰竭", "a b", "either"),
        Row("GET Composition?_text=心肌,衰竭", "a b", "a comma means or"),
        Row("GET Composition?_text=(心肌 OR 衰竭) AND diabetes", "a"),
        Row("GET Composition?_text=diabetes", "a", "a whole word"),
        Row("GET Composition?_text=diabet", "nothing"),
        Row("GET Composition?_text=diabet*", "a b", "the beginning of a word"),
        Row("GET Composition?_text=di*", "a b", "also a short one"),
        Row("GET Composition?_text=DIABETES", "a", "case does not count"),
        Row("GET Composition?_text=ｄｉａｂｅｔｅｓ", "a", "nor does full width"),
        Row('GET Composition?_text="type 2 diabetes"', "a", "a phrase"),
        Row('GET Composition?_text="diabetes type"', "nothing"),
        Row("GET Composition?_text=diabetes type", "a", "words in any order"),
        Row("GET Composition?_text=健康 ok", "d", "entities are characters"),
        Row("GET Composition?_text=小结", "nothing", "the title is not in the narrative"),
        Row("GET Composition?_content=小结", "a", "but in the content"),
        Row("GET Composition?_content=resume covid-19", "c", "accents and hyphens do not count"),
        Row("GET Composition?_content=discharge", "a b c d", "a display"),
        Row("GET Composition?_content=18842-5 体检", "d", "a code"),
        Row("GET Composition?_content=Practitioner", "nothing", "references and urls are no words"),
        Row("GET Composition?_text:missing=true", "c"),
        Row("GET Composition?_text:missing=false&_content=体检", "d"),
        Row("GET Composition?subject=Patient/p&_content=covid", "c", "of one person"),
        Row("GET Composition?_id=a,c&_content=discharge", "a c"),
        Row("GET Composition?type=18842-5&_content=心肌", "a"),
        Row("GET Composition?_text=心&_content=门诊", "b"),
        Row("GET Composition?_content=discharge&_sort=title&_count=3&_total=accurate", "c d a / b [4]"),
        Row("GET DocumentReference?_content=胸痛", "n", "a text that is attached"),
        Row("GET DocumentReference?_content=chest", "nothing", "not the bytes of a picture, nor an address"),
        Row("GET Observation?_content=心肌酶", "o", "a type without an index of words"),
        Row("GET Observation?patient=p&_content=tomorrow", "o"),
        Row("GET ?_type=Composition,DocumentReference&_content=心", "a b x", "several types"),
        Row("GET ?_type=Composition,Observation&_content=心肌", "a o"),
        Row("GET Composition?_text=心", "nothing", "within the scope", by="west"),
        Row("GET Composition?_text=(心肌", "Incorrect", "a parenthesis is not closed"),
        Row('GET Composition?_text="心肌', "Incorrect"),
        Row("GET Composition?_text=心肌 OR", "Incorrect"),
        Row("GET Composition?_text=，", "Incorrect", "no word in it"),
        Row("GET Composition?_text=心肌 NOT 梗死", "Unsupported"),
        Row("GET Composition?_text:exact=心肌", "Incorrect"),
        Row("GET Composition?_sort=_content", "Unsupported"),
    ],
    stories=[
        Story(
            "Words follow their resource",
            [
                Row("PUT Composition/a", "updated Composition/a 2", body=_composition("<p>痊愈</p>", "x")),
                Row("GET Composition?_text=心肌", "nothing"),
                Row("GET Composition?_text=痊愈", "a"),
                Row(
                    "PUT Composition/a",
                    "updated Composition/a 3",
                    "it moves to a patient",
                    _composition("<p>痊愈</p>", "x", subject={"reference": "Patient/q"}),
                ),
                Row("GET Composition?_text=痊愈", "a"),
                Row("DELETE Composition/a", "deleted Composition/a 4"),
                Row("GET Composition?_text=痊愈", "nothing"),
                Row("PUT Composition/a", "created Composition/a 5", body=_composition("<p>痊愈</p>", "x")),
                Row("GET Composition?_text=痊愈", "a"),
                Row("EXPUNGE Composition/a", "5 versions"),
                Row("GET Composition?_text=痊愈", "nothing"),
                Row("POST Composition", "created Composition/$x 1", body=_composition("<p>痊愈</p>", "x")),
                Row("GET Composition?_text=痊愈", "$x"),
                Row(
                    "TRANSACTION",
                    "deleted Composition/$x 2, created Composition/$y 1, updated Composition/b 2",
                    body=[
                        ("DELETE Composition/$x", None),
                        ("POST Composition", _composition("<p>痊愈</p>", "y")),
                        ("PUT Composition/b", _composition("<p>痊愈</p>", "b")),
                    ],
                ),
                Row("GET Composition?_text=痊愈", "$y b"),
            ],
        )
    ],
)
