"""Search by uri (http://hl7.org/fhir/R4/search.html#uri)."""

from tests.spec.language import Chapter, Row


def _set(url: str | None) -> dict[str, object]:
    return {"status": "active", **({"url": url} if url else {})}


CHAPTER = Chapter(
    title="Searching by uri",
    text="Compared letter by letter; `:below` asks for what lies under a path, `:above` for what it lies under.",
    resources={
        "ValueSet/a": _set("http://minkang.example/vs"),
        "ValueSet/b": _set("http://minkang.example/vs/sex"),
        "ValueSet/c": _set("http://minkang.example/vs/sex/adult"),
        "ValueSet/d": _set("http://minkang.example/vsex"),
        "ValueSet/e": _set("urn:oid:2.16.156.10011"),
        "ValueSet/f": _set(None),
    },
    cases=[
        Row("GET ValueSet?url=http://minkang.example/vs", "a"),
        Row("GET ValueSet?url=http://minkang.example/VS", "nothing", "case-sensitive"),
        Row("GET ValueSet?url=urn:oid:2.16.156.10011", "e"),
        Row("GET ValueSet?url=http://minkang.example/vs,urn:oid:2.16.156.10011", "a e"),
        Row("GET ValueSet?url:below=http://minkang.example/vs", "a b c", "itself and what lies under it"),
        Row("GET ValueSet?url:below=http://minkang.example/vs/sex", "b c"),
        Row("GET ValueSet?url:above=http://minkang.example/vs/sex", "a b", "itself and what it lies under"),
        Row("GET ValueSet?url:above=http://minkang.example/vs/sex/adult", "a b c"),
        Row("GET ValueSet?url:missing=true", "f"),
    ],
)
