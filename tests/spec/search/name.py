"""Search by name: characters, pinyin, initials, polyphones; Latin names."""

from tests.spec.language import Chapter, Row


def _called(text: str, family: str, given: str) -> dict[str, object]:
    return {"name": [{"text": text, "family": family, "given": [given]}]}


CHAPTER = Chapter(
    title="Searching by name",
    text="""
A Chinese name is found by its characters, by full pinyin with or without spaces, and by initials; a character with
several readings by each of them. Latin names are found blind to case and accents. Given from the beginning, or with
`:contains` anywhere.
""",
    resources={
        "Patient/a": _called("张丽", "张", "丽"),
        "Patient/b": _called("张力", "张", "力"),
        "Patient/c": _called("单雄信", "单", "雄信"),
        "Patient/d": _called("解晓东", "解", "晓东"),
        "Patient/e": _called("欧阳娜娜", "欧阳", "娜娜"),
        "Patient/f": {"name": [{"family": "Müller", "given": ["José", "Carlos"]}]},
        "Patient/g": {"name": [{"text": "𠮷田"}]},
        "Patient/h": {"name": [{"use": "old", "family": "王", "given": ["芳"]}, {"use": "usual", "text": "李芳"}]},
        "Patient/i": {"gender": "female"},
        "Patient/j": _called("邓有才", "邓", "有才"),
        "Practitioner/a": _called("张丽", "张", "丽"),
    },
    cases=[
        Row("GET Patient?name=张丽", "a"),
        Row("GET Patient?name=张", "a b", "the beginning"),
        Row("GET Patient?name=zhangli", "a b", "full pinyin; tones do not matter"),
        Row("GET Patient?name=zhang li", "a b"),
        Row("GET Patient?name=ZhangLi", "a b"),
        Row("GET Patient?name=zhang", "a b"),
        Row("GET Patient?name=zl", "a b", "initials"),
        Row("GET Patient?name=shan", "c", "单 as a family name; that old texts read 邓 so, too, does not count"),
        Row("GET Patient?name=dan", "c", "单 as a word"),
        Row("GET Patient?name=deng", "j"),
        Row("GET Patient?name=shanxiongxin", "c"),
        Row("GET Patient?name=xie", "d"),
        Row("GET Patient?name=jie", "d"),
        Row("GET Patient?name=欧阳", "e"),
        Row("GET Patient?name=ouyang", "e"),
        Row("GET Patient?name=oynn", "e"),
        Row("GET Patient?name=muller", "f", "accent-blind"),
        Row("GET Patient?name=JOSE", "f"),
        Row("GET Patient?name=carlos", "f", "any given name"),
        Row("GET Patient?name=𠮷", "g", "a character outside the basic plane"),
        Row("GET Patient?name=王芳", "h", "a former name, though only its parts are given"),
        Row("GET Patient?name=李芳", "h"),
        Row("GET Patient?name=lifang", "h"),
        Row("GET Patient?name:contains=雄", "c"),
        Row("GET Patient?name:contains=娜", "e"),
        Row("GET Patient?name:exact=张丽", "a"),
        Row("GET Patient?name:exact=zhangli", "nothing"),
        Row("GET Patient?family=张", "a b"),
        Row("GET Patient?family=zhang", "a b"),
        Row("GET Patient?given=丽", "a"),
        Row("GET Patient?given=li", "a b"),
        Row("GET Patient?family=zhang&given=丽", "a"),
        Row("GET Patient?family=李", "nothing", "the text alone tells no family name"),
        Row("GET Patient?name:missing=true", "i"),
        Row("GET Patient?name=张丽,单雄信", "a c"),
        Row("GET Practitioner?name=zl", "a"),
    ],
)
