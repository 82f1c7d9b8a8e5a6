"""How a job stands: GET and DELETE of the address that the kick-off gave.

http://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

from __future__ import annotations

from typing import Any

from minkang.fhir.problem import NotFound
from minkang.gateways.bulk.asking import FHIR_JSON, Answer, Asked, json_answer
from minkang.kit.http import http_date
from minkang.store.bulk.desk import UNDER_WAY, Desk, Job

RETRY_AFTER = 3
"""Seconds between two questions of a client that does as it is told."""


async def look(asked: Asked, desk: Desk, id: str, *, guarded: bool) -> Answer:
    """202 while it is under way, 200 with the manifest, or the refusal it ended with. `guarded`: files need a token."""
    job = await desk.look(id)
    if job.status in UNDER_WAY:
        progress = f"{job.status}: {job.rows} resources, {job.done:.0%}{_pace(job)}"
        return Answer(202, b"", [(b"x-progress", progress.encode()), (b"retry-after", b"%d" % RETRY_AFTER)])
    state = job.state or {}
    if job.status == "failed":
        return json_answer(state["status"], state["outcome"], media=FHIR_JSON)
    expires = [] if job.expires is None else [(b"expires", http_date(job.expires))]
    return json_answer(200, outcome_of(asked, job, state, guarded=guarded), expires)


def _pace(job: Job) -> str:
    """Rate and time left, of a job that tells them."""
    state = job.state or {}
    rate = f", {state['rate']} resources/s" if "rate" in state else ""
    return rate + (f", {state['left']} s left" if state.get("left") is not None else "")


def outcome_of(asked: Asked, job: Job, state: dict[str, Any], *, guarded: bool) -> dict[str, Any]:
    """The manifest of an export or an import, the counts of a removal."""
    if job.kind == "delete":
        return _removed(job, state)
    files = {
        kind: [
            {"type": file["type"], "url": f"{asked.base}/bulk-files/{job.id}/{file['name']}", "count": file["count"]}
            for file in state["files"]
            if file["kind"] == kind
        ]
        for kind in ("output", "deleted", "error")
    }
    counts = {name: state[name] for name in ("created", "updated", "unchanged", "rejected") if name in state}
    return {
        "transactionTime": state["time"].replace("+00:00", "Z"),
        "request": job.asked["request"],
        "requiresAccessToken": guarded,
        **counts,
        **files,
    }


def _removed(job: Job, state: dict[str, Any]) -> dict[str, Any]:
    """What a $bulk-delete did, or would do: http://hl7.org/fhir/R4/parameters.html"""
    by_type = [
        {"name": "removed", "part": [{"name": "type", "valueCode": type}, {"name": "count", "valueInteger": count}]}
        for type, count in sorted(state["removed"].items())
    ]
    told = [{"name": "dryRun", "valueBoolean": job.asked["dry_run"]}, *by_type]
    told += [{"name": name, "valueInteger": state[name]} for name in ("restored", "kept", "versions")]
    return {"resourceType": "Parameters", "parameter": told}


async def cancel(desk: Desk, id: str) -> Answer:
    """202: it stops soon, its files go."""
    await desk.cancel(id)
    return Answer(202)


def file_of(job: Job, name: str) -> dict[str, Any]:
    """One file of a finished export or import. Raises NotFound for any name that its manifest does not have."""
    if job.kind not in ("export", "import") or job.status != "finished" or job.state is None:
        raise NotFound("There is no such file.")
    for file in job.state["files"]:
        if file["name"] == name:
            return file
    raise NotFound("There is no such file.")
