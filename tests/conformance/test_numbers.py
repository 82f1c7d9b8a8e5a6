"""Numbers of citizens and institutions, as python-stdnum judges them (LGPL; its modules cn.ric and cn.uscc)."""

from __future__ import annotations

import doctest
import re
from datetime import date, timedelta
from random import Random

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from minkang.fhir.institution_code import credit_code, organization_code
from minkang.fhir.resident_id import check_digit, resident_id

CASES = 2_000
LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def theirs(number: str) -> bool:
    """What stdnum says, but for the division: it must have existed in the year of birth, which we do not judge."""
    try:
        ric.get_birth_date(number)
    except (ValidationError, ValueError):
        return False
    return number[:17].isdigit() and number[17] == ric.calc_check_digit(number)


def test_numbers_of_citizens() -> None:
    """One character changed of every second one."""
    random = Random(1)  # noqa: S311 - numbers to judge, no secret
    for case in range(CASES):
        born = date(1930, 1, 1) + timedelta(days=random.randrange(33_000))
        body = f"{random.choice(('110105', '440524', '310101'))}{born:%Y%m%d}{random.randrange(1000):03d}"
        number = body + check_digit(body)
        if case % 2:
            place = random.randrange(18)
            number = number[:place] + random.choice("0123456789X") + number[place + 1 :]
        if number[0] != "0":
            assert (resident_id(number) is not None) == theirs(number), number


def test_codes_of_institutions() -> None:
    random = Random(2)  # noqa: S311 - numbers to judge, no secret
    for case in range(CASES):
        body = "91" + "".join(random.choice("0123456789") for _ in range(6)) + "".join(random.choices(LETTERS, k=9))
        code = body + uscc.calc_check_digit(body)
        if case % 2:
            place = random.randrange(18)
            code = code[:place] + random.choice(LETTERS + "IOSVZ") + code[place + 1 :]
        assert (credit_code(code) is not None) == uscc.is_valid(code), code


def test_every_number_of_their_own_examples() -> None:
    for module, ours in ((ric, lambda text: resident_id(text)), (uscc, credit_code)):
        for test in doctest.DocTestFinder().find(module):
            for example in test.examples:
                told = re.search(r"validate\('([^']+)'\)", example.source)
                if told and module.is_valid(told[1]):
                    assert ours(told[1]) is not None, told[1]
                elif told and "Component" not in (example.exc_msg or ""):  # a division that is none
                    assert ours(told[1]) is None or module is ric, told[1]


def test_the_organisation_code_inside() -> None:
    assert organization_code("D2143569-X") == "D2143569X"
    assert organization_code("D2143569-1") is None
    assert organization_code("D214356") is None
    assert credit_code("91350100m000100y43") is not None or credit_code("91350100M000100Y43") is not None
