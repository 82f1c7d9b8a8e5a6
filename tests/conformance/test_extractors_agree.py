"""The compiled extractors and FHIRPath find the same elements in the published examples, for every search parameter."""

import json
from collections import defaultdict

import pytest

from minkang.fhir.path import path_elements
from minkang.fhir.search.parameters import NOT_EXTRACTED, extract, parameters_of
from tests.conformance.examples import r4_examples

EVERY = 10
LARGE = 300_000
"""Characters above which FHIRPath takes seconds: a few value sets and bundles of definitions."""


@pytest.fixture(scope="module")
def examples():
    return [tree for tree in r4_examples(every=EVERY) if len(json.dumps(tree)) <= LARGE]


def plain_parameters(tree):
    known = parameters_of(tree["resourceType"]).values()
    return [one for one in known if one.kind not in NOT_EXTRACTED]


def in_order(elements):
    return sorted((kind, json.dumps(value, sort_keys=True)) for kind, value in elements)


def test_compiled_extractors_find_what_fhirpath_finds(examples):
    compared, different = 0, defaultdict(list)
    for tree in examples:
        for one in plain_parameters(tree):
            compared += 1
            if in_order(one.elements(tree)) != in_order(path_elements(one, tree)):
                different[f"{one.base}.{one.code}"].append(tree["id"])
    assert not different
    assert compared > 10_000


def test_extract_leaves_out_only_parameters_that_find_nothing(examples):
    for tree in examples[::5]:
        asked = {one.code: found for one, found in extract(tree)}
        assert asked == {one.code: found for one in plain_parameters(tree) if (found := one.elements(tree))}
