"""Pages and totals (http://hl7.org/fhir/R4/search.html#count)."""

from tests.spec.language import Chapter, Row, Story

CHAPTER = Chapter(
    title="Pages and totals",
    text="""
A page holds at most `_count` matches and a cursor to the rest, if there is a rest. What was there throughout is shown
once, whatever is written meanwhile. A total is counted only if `_total` asks for it.
""",
    resources={f"Patient/{id}": {"active": id in "ace", "birthDate": f"19{10 + n}"} for n, id in enumerate("abcdefg")},
    cases=[
        Row("GET Patient", "a b c d e f g", "fewer than a page: no cursor"),
        Row("GET Patient?_count=7", "a b c d e f g", "exactly a page: no cursor either"),
        Row("GET Patient?_count=3", "a b c d e f g in 3+3+1"),
        Row("GET Patient?_count=1", "a b c d e f g in 1+1+1+1+1+1+1"),
        Row("GET Patient?active=true&_count=2", "a c e in 2+1", "the filter comes before the page"),
        Row("GET Patient?_total=accurate&_count=3", "a b c d e f g in 3+3+1 [7]"),
        Row("GET Patient?active=true&_total=accurate", "a c e [3]"),
        Row("GET Patient?active=true&_total=none", "a c e"),
        Row("GET Patient?_summary=count", "nothing [7]", "only the number"),
        Row("GET Patient?active=true&_summary=count", "nothing [3]"),
        Row("GET Patient?_count=0", "nothing [7]", "the same"),
        Row("GET Patient?_id=zz&_total=accurate", "nothing [0]"),
        Row("GET Patient?_cursor=not-a-cursor", "Incorrect"),
        Row("GET ?_type=Patient&_count=4", "a b c d e f g in 4+3", "the whole system"),
        Row("GET ?_type=Observation", "nothing"),
    ],
    stories=[
        Story(
            "Writing between two pages",
            [
                Row("PAGE Patient?_count=2&_sort=_id", "a b"),
                Row("DELETE Patient/b", "deleted Patient/b 2"),
                Row("PUT Patient/aa", "created Patient/aa 1", "before the place where the reader is", {"active": True}),
                Row("PUT Patient/cc", "created Patient/cc 1", "behind it", {"active": True}),
                Row("NEXT", "c cc"),
                Row("DELETE Patient/d", "deleted Patient/d 2"),
                Row("NEXT", "e f"),
                Row("NEXT", "g"),
                Row("NEXT", "nothing", "that was the last page"),
            ],
        ),
        Story(
            "Deleting what was shown already",
            [
                Row("PAGE Patient?_count=2&_sort=-birthdate", "g f"),
                Row("DELETE Patient/f", "deleted Patient/f 2"),
                Row("DELETE Patient/g", "deleted Patient/g 2"),
                Row("NEXT", "e d", "nothing is skipped"),
                Row("PUT Patient/d", "updated Patient/d 2", "now it would have come first", {"birthDate": "1999"}),
                Row("NEXT", "c b"),
                Row("NEXT", "a"),
            ],
        ),
    ],
)
