"""The quick verdict never says yes to what the walk refuses, whatever is done to a resource."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from minkang.fhir.validation import faults, surely_valid
from minkang.fhir.validation.walk import Walk

CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "pulse"}
SEEDS: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "a",
        "meta": {"lastUpdated": "2024-02-28T10:00:00.123+08:00", "profile": ["http://x.org/p"]},
        "text": {"status": "generated", "div": "<div>a</div>"},
        "extension": [{"url": "http://x.org/e", "valueCoding": {"code": "1"}}],
        "identifier": [{"use": "official", "system": "urn:oid:2.16.1", "value": "1"}],
        "active": True,
        "name": [{"family": "单", "given": ["丽", "华"], "period": {"start": "2001"}}],
        "birthDate": "2001-02-03",
        "_birthDate": {"id": "b"},
        "deceasedBoolean": False,
        "multipleBirthInteger": 2,
        "contact": [{"relationship": [CODE], "telecom": [{"system": "phone", "value": "1", "rank": 1}]}],
        "link": [{"other": {"reference": "Patient/b"}, "type": "refer"}],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "contained": [{"resourceType": "Practitioner", "id": "d", "qualification": [{"code": CODE}]}],
        "code": CODE,
        "subject": {"reference": "Patient/a", "display": "x"},
        "performer": [{"reference": "#d"}, {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}],
        "effectivePeriod": {"start": "2024-01-31T10:00:00Z", "end": "2024-02-29"},
        "component": [{"code": CODE, "valueQuantity": {"value": 6.5, "comparator": "<", "code": "mm"}}],
        "referenceRange": [{"low": {"value": 1}, "age": {"high": {"value": 2}}}],
    },
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a",
                "resource": {"resourceType": "Basic", "code": CODE},
                "request": {"method": "POST", "url": "Basic"},
            }
        ],
    },
    {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "valueBase64Binary": "QUJD"},
            {"name": "b", "part": [{"name": "c", "valueUri": "x"}]},
        ],
    },
    {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [
            {
                "linkId": "1",
                "type": "choice",
                "enableWhen": [{"question": "0", "operator": "=", "answerDecimal": 1.5}],
                "answerOption": [{"valueTime": "10:00:00"}],
                "item": [{"linkId": "2", "type": "string", "maxLength": 3}],
            }
        ],
    },
]  # fmt: skip
VALUES = st.sampled_from(
    [
        *(
            None,
            "",
            " ",
            "a",
            "a b",
            "a  b",
            "\u00a0",
            "a\n",
            "2024",
            "2024-02-30",
            "2024-02-29",
            "2023-02-29",
            "2024-13-01",
        ),
        *("10:00:00", "2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-12-31T23:59:60+14:00", "final", "QUJ"),
        *("Patient/a", "Patient/" + "a" * 65, "Robot/1", "Claim/1", "http://a", "#d", "#x", "urn:uuid:1"),
        *(
            "<div>",
            "<div><b></div>",
            '<div><p onclick="x"/></div>',
            '<div><a href="javascript:x"/></div>',
            "<div>&#1;</div>",
        ),
        *(0, 1, -1, 1.0, 1.5, True, False, 2**31, [], {}, [None], [""], [{}], [[]], {"a": 1}, {"id": "x"}, ["a"], [1]),
        *({"extension": []}, {"resourceType": "Basic"}, {"resourceType": "Patient"}, {"url": "a"}, {"value": "1"}),
        *({"reference": "Patient/a", "type": "x"}, {"reference": "Patient/a", "type": []}, {"reference": "#d"}),
        [{"resourceType": "Patient", "contained": [{"resourceType": "Basic"}]}],
    ]
)
KEYS = st.sampled_from(
    [
        *(
            "id",
            "extension",
            "modifierExtension",
            "_status",
            "_given",
            "given",
            "valueString",
            "valueQuantity",
            "value",
        ),
        *("valueInteger", "_valueString", "contained", "resource", "resourceType", "text", "div", "status", "type"),
        *("reference", "identifier", "period", "start", "url", "part", "outcome"),
    ]
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """(owner, key) of everything inside a tree."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        found += places(item)
    return found


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_a_quick_yes_is_never_wrong(seed: dict[str, Any], data: st.DataObject) -> None:
    tree = copy.deepcopy(seed)
    for _ in range(data.draw(st.integers(0, 3))):
        every = places(tree)
        owner, key = every[data.draw(st.integers(0, len(every) - 1))]
        match data.draw(st.sampled_from(["replace", "remove", "add", "move"])):
            case "replace":
                owner[key] = copy.deepcopy(data.draw(VALUES))
            case "remove":
                del owner[key]
            case "add" if isinstance(owner, dict):
                owner[data.draw(KEYS)] = copy.deepcopy(data.draw(VALUES))
            case _ if isinstance(owner, dict):
                owner[data.draw(KEYS)] = owner.pop(key)
        if not places(tree):
            break
    found = Walk(trusting=False).run(tree)
    assert not (surely_valid(tree) and found)
    # Whatever the tree is, both halves answer, and believing the quick one about entries changes nothing.
    assert faults(tree) == found


def test_the_quick_verdict_is_quick_for_ordinary_resources() -> None:
    ordinary = [SEEDS[0], SEEDS[2], SEEDS[3], SEEDS[4]]
    assert [surely_valid(seed) for seed in ordinary] == [True] * len(ordinary)
