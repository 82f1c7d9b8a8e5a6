"""Parameters of every resource (http://hl7.org/fhir/R4/search.html#all)."""

from typing import Any

from tests.spec.language import Chapter, Row

ROOM = "http://minkang.example/room"
SECRET = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PROFILE = "http://minkang.example/StructureDefinition/resident"


def _meta(**meta: Any) -> Any:
    return {"meta": meta}


CHAPTER = Chapter(
    title="Parameters of every resource",
    text="""
`_id`, `_lastUpdated`, `_tag`, `_profile`, `_security` and `_source` go with every type, and with several: a search of
the whole system, narrowed by `_type`.
""",
    resources={
        "Patient/a": _meta(
            tag=[{"system": ROOM, "code": "1", "display": "Room one"}],
            profile=[f"{PROFILE}|1.0"],
            security=[{"system": SECRET, "code": "R"}],
            source="http://minkang.example/his/east#17",
        ),
        "Patient/b": _meta(tag=[{"code": "1"}], profile=[PROFILE], source="http://minkang.example/his"),
        "Patient/c": {},
        "Organization/a": _meta(tag=[{"system": ROOM, "code": "2"}], security=[{"system": SECRET, "code": "N"}]),
        "Location/d": _meta(tag=[{"system": ROOM, "code": "1"}]),
        "Location/e": {},
    },
    cases=[
        Row("GET Patient?_tag=1", "a b"),
        Row(f"GET Patient?_tag={ROOM}|1", "a"),
        Row("GET Patient?_tag=|1", "b"),
        Row(f"GET Patient?_tag={ROOM}|", "a"),
        Row("GET Patient?_tag:not=1", "c"),
        Row("GET Patient?_tag:text=room", "a"),
        Row("GET Patient?_tag:missing=true", "c"),
        Row(f"GET Patient?_profile={PROFILE}", "a b", "any version of it"),
        Row(f"GET Patient?_profile={PROFILE}|1.0", "a"),
        Row("GET Patient?_profile:below=http://minkang.example/StructureDefinition", "a b"),
        Row("GET Patient?_profile:missing=true", "c"),
        Row(f"GET Patient?_security={SECRET}|R", "a"),
        Row("GET Patient?_security:not=R", "b c"),
        Row("GET Patient?_source=http://minkang.example/his", "b"),
        Row("GET Patient?_source=http://minkang.example/his/east#17", "a"),
        Row("GET Patient?_source:below=http://minkang.example/his", "a b"),
        Row("GET Patient?_source:above=http://minkang.example/his/west", "b"),
        Row("GET ?_tag=1", "a b d", "of all types"),
        Row("GET ?_type=Patient,Location&_tag=1", "a b d"),
        Row("GET ?_type=Organization,Location&_tag=1,2", "a d"),
        Row("GET ?_type=Organization,Location&_tag:not=2", "d e"),
        Row(f"GET ?_type=Patient,Organization&_security={SECRET}|R,{SECRET}|N", "a a", "two of one id"),
        Row("GET ?_type=Patient,Location&_profile:missing=false", "a b"),
        Row("GET ?_type=Patient&gender:missing=true", "a b c", "one type: its own parameters, too"),
        Row("GET ?_type=Patient,Location&gender=male", "Incorrect", "several: only those of all"),
        Row("GET ?_id=a,d", "a a d"),
        Row("GET ?_type=Organization,Location&_id=a,d", "a d"),
        Row("GET ?_type=Patient,Location&_id=a,d,zz&_tag=1&_sort=_id&_count=1", "a / d"),
        Row("GET Patient?_id=c,a&_sort=_id&_total=accurate", "a c [2]"),
        Row("GET Patient?_id=a&_id=b", "nothing"),
        Row("GET Patient?_id=|a", "a", "an id has no system"),
        Row("GET Patient?_id=x|a", "nothing"),
        Row("GET Patient?_id:not=a", "b c"),
        Row("GET ?_type=Patient,Location&_lastUpdated=gt2000", "a b c d e"),
        Row("GET Patient?_lastUpdated=lt2000", "nothing"),
        Row("GET ?_type=Nothing", "Incorrect"),
        Row("GET Patient?_type=Location", "Incorrect"),
        Row("GET Patient?_filter=gender eq male", "Unsupported"),
    ],
)
