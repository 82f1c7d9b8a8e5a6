"""Kick-offs: an order is read, checked and put on the desk; the answer says where to ask for it.

http://hl7.org/fhir/R4/async.html, http://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from minkang.fhir.bulk import NDJSON, check_id, export_wish, removal_wish
from minkang.fhir.problem import Incorrect
from minkang.gateways.bulk.asking import Answer, Asked, single
from minkang.store.bulk.desk import Desk
from minkang.store.contract import Repository

Kickoff = Callable[[Asked, Desk, Repository], Awaitable[Answer]]


def accepted(asked: Asked, id: str) -> Answer:
    """202 with the address of the status."""
    return Answer(202, b"", [(b"content-location", f"{asked.base}/bulk-status/{id}".encode())])


async def export(asked: Asked, desk: Desk, repository: Repository) -> Answer:
    """`/$export`, `/Patient/$export`, `/Group/[id]/$export`."""
    asked.expect_async()
    pairs = await asked.parameters()
    wanted = single(pairs, "_outputFormat")
    if wanted is not None and wanted.replace(" ", "+").lower() not in NDJSON:
        raise Incorrect(f"_outputFormat={wanted[:64]} is not written here; only {NDJSON[0]} is.")
    rest = [pair for pair in pairs if pair[0] != "_outputFormat"]
    segments = asked.segments
    level = "system" if len(segments) == 1 else segments[0]
    group = check_id(segments[1]) if level == "Group" else None
    wish = export_wish(rest, level=level, group=group)
    if group is not None:
        await repository.read("Group", group)  # whoever asks for a group that is not there should hear it now
    id = await desk.order("export", wish.to_json() | {"request": asked.url})
    return accepted(asked, id)


async def bulk_delete(asked: Asked, desk: Desk, _: Repository) -> Answer:
    """`/$bulk-delete`: what a source sent, some batches wrote, or some searches find."""
    asked.expect_async()
    wish = removal_wish(await asked.parameters())
    return accepted(asked, await desk.order("delete", wish.to_json()))
