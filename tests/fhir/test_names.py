"""The forms under which a name is found: characters, pinyin, initials, polyphones, Latin letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minkang.fhir.names import MAX_SPELLINGS, fold, forms, squeeze, written
from minkang.fhir.pinyin import is_han, readings, surnames


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("张丽", {"zhangli", "zl"}),
        ("单丹", {"shandan", "dandan", "sd", "dd"}),
        ("仇英", {"qiuying", "chouying", "qy", "cy"}),
        ("解晓东", {"xiexiaodong", "jiexiaodong", "xxd", "jxd"}),
        ("曾伟", {"zengwei", "cengwei"}),
        ("吕梁", {"lvliang", "luliang", "lyuliang", "ll"}),
        ("欧阳娜娜", {"ouyangnana", "oynn"}),
        ("尉迟恭", {"yuchigong", "ycg"}),
        ("重庆", {"chongqing", "zhongqing"}),
        ("張麗", {"zhangli", "zl"}),
        ("张Peter", {"zhangpeter", "zp"}),
        ("𠀀𬊤", {"hechan", "hc"}),
    ],
)
def test_a_chinese_name_is_spelt_every_usual_way(name, spellings):
    assert spellings <= set(forms(name).all)
    assert forms(name).text == fold(name)


@pytest.mark.parametrize(
    ("char", "used"), [("邓", {"deng"}), ("单", {"dan", "chan", "shan"}), ("晟", {"cheng", "sheng"})]
)
def test_readings_of_old_texts_only_do_not_count(char, used):
    assert set(readings(char)) == used


@pytest.mark.parametrize("char", ["𠀀", "冇", "〇"])
def test_a_character_that_no_modern_dictionary_has_keeps_a_reading(char):
    assert readings(char)


@pytest.mark.parametrize(("surname", "reading"), surnames().items())
def test_a_surname_is_read_as_a_surname_first(surname, reading):
    assert forms(surname).spellings[0] == reading


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José O’Brien-Ångström", "jose obrien angstrom"),
        ("ＺＨＡＮＧ　Ｌｉ", "zhang li"),
        ("阿不都·热合曼", "阿不都热合曼"),
        ("Ødegård", "odegard"),
        ("STRASSE", "Straße"),
        ("zhang li", "ZhangLi"),
    ],
)
def test_names_are_blind_to_case_accents_width_and_separators(one, other):
    assert squeeze(one) == squeeze(other)


def test_fold_keeps_what_matters_in_ordinary_text():
    assert fold(" A+  阳性 ") == "a+ 阳性"
    assert fold("が") != fold("か")


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ({"family": "张", "given": ["丽"]}, ["张丽", "张", "丽"]),
        ({"text": "张丽", "family": "张", "given": ["丽"]}, ["张丽", "张", "丽"]),
        ({"text": "张丽"}, ["张丽"]),
        ({"given": ["丽"]}, ["丽"]),
        ({"family": "Li", "given": ["Mei", "Ann"]}, ["Li Mei Ann", "Mei Ann Li", "Li", "Mei", "Ann"]),
        ({"family": "Li", "prefix": ["Dr"], "suffix": ["PhD"]}, ["Li", "Dr", "PhD"]),
        ({"given": [None, "Ann"], "_given": [{"id": "x"}, None]}, ["Ann"]),
        ({"use": "old"}, []),
    ],
)
def test_a_human_name_is_found_as_a_whole_and_by_its_parts(name, texts):
    assert written(name) == texts


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_has_few_forms_and_breaks_nothing(text):
    found = forms(text)
    assert 1 <= len(found.all) <= 2 * MAX_SPELLINGS + 1
    assert found.text == squeeze(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=6))
def test_the_commonest_reading_of_every_character_is_a_form(text):
    plain = "".join(readings(char)[0] if readings(char) else char for char in text)
    if text[:1] not in surnames() and text[:2] not in surnames():
        assert forms(text).spellings[0] == plain


def test_characters_of_the_extensions_are_chinese_and_letters_are_not():
    assert all(map(is_han, "张㐀𠀀〇"))
    assert not any(map(is_han, "a가あ1·"))
