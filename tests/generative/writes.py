"""Random writes on a few resources, so that they meet: every verb, with conditions, alone and in transactions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.generative.vocabulary import CARD, CARDS, GENDERS, IDS, RESOURCES
from tests.lib.builders import a_resource
from tests.spec.language import Row

TYPES = ["Patient", "Observation", "Organization"]
CALLERS = [None, None, "east", "west"]

_bodies: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Patient": st.builds(
        lambda card, gender: a_resource(identifier=[{"system": CARD, "value": card}], gender=gender),
        st.sampled_from(CARDS),
        st.sampled_from(GENDERS),
    ),
    **{
        type: RESOURCES[type].map(lambda body: {name: body[name] for name in body if name != "resourceType"})
        for type in TYPES[1:]
    },
}
_conditions = {
    "Patient": [*(f"identifier={CARD}|{card}" for card in CARDS), "gender=female", "_id=a", "identifier=nobody"],
    "Observation": ["subject=Patient/a", "code=bp", "status=amended", "_id=b"],
    "Organization": ["name=south", "partof=Organization/a", "active=true"],
}
_patches = {
    "Patient": [{"op": "add", "path": "/active", "value": True}],
    "Observation": [{"op": "replace", "path": "/status", "value": "amended"}],
    "Organization": [{"op": "add", "path": "/name", "value": "south gate"}],
}
_ids = st.sampled_from(IDS[:3])
_if_match = st.sampled_from(["", "", "", "; If-Match: 1", "; If-Match: 2"])
URNS = [f"urn:uuid:6a0f3a1e-0001-4000-8000-00000000000{n}" for n in range(3)]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Any]:
    """A writing request and its body."""
    type = draw(st.sampled_from(TYPES))
    body = draw(_bodies[type])
    where = draw(st.sampled_from(_conditions[type]))
    target = f"{type}/{draw(_ids)}"
    if_match = draw(_if_match)
    return draw(
        st.sampled_from(
            [
                (f"PUT {target}{if_match}", body),
                (f"PUT {target}{if_match}", body),
                (f"PUT {target}; If-None-Match: *", body),
                (f"POST {type}", body),
                (f"POST {type}; If-None-Exist: {where}", body),
                (f"PUT {type}?{where}", body),
                (f"PUT {type}?{where}", {"id": target.split("/")[1], **body}),
                (f"PATCH {target}{if_match}", _patches[type]),
                (f"PATCH {type}?{where}", _patches[type]),
                (f"DELETE {target}{if_match}", None),
                (f"DELETE {type}?{where}", None),
            ]
        )
    )


@st.composite
def transactions(draw: st.DrawFn) -> list[tuple[str, Any, str | None]]:
    """Requests of a transaction; some have a fullUrl, and some refer to one."""
    entries: list[tuple[str, Any, str | None]] = []
    for place, (request, body) in enumerate(draw(st.lists(requests(), min_size=1, max_size=4))):
        full_url = URNS[place] if place < len(URNS) and request.startswith(("POST", "PUT")) else None
        if isinstance(body, dict) and "Observation" in request and draw(st.booleans()):
            body = {**body, "subject": {"reference": draw(st.sampled_from(URNS))}}
        entries.append((request, body, full_url))
    if draw(st.booleans()):
        entries.append((f"GET Patient/{draw(_ids)}", None, None))
    return entries


def steps() -> st.SearchStrategy[Row]:
    """One request, or a transaction; by one of the callers, the unlimited one mostly."""
    callers = st.sampled_from(CALLERS)
    alone = st.builds(lambda request, by: Row(request[0], "", body=request[1], by=by), requests(), callers)
    together = st.builds(lambda body, by: Row("TRANSACTION", "", body=body, by=by), transactions(), callers)
    message = st.builds(
        lambda body, id, by: Row(
            f"TRANSACTION; source: his; message: {id}", "", body=[each for each in body if each[0][:3] != "GET"], by=by
        ),
        transactions(),
        st.sampled_from("12"),
        callers,
    )
    removal = st.builds(lambda type, id: Row(f"EXPUNGE {type}/{id}", ""), st.sampled_from(TYPES), _ids)
    return st.one_of(alone, alone, alone, alone, together, together, message, removal)
