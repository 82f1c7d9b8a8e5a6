"""Documents out of the record.

GET /cda/Composition/{id}      the document that a Composition is, as the record has it today
GET /cda/Encounter/{id}?kind=  a document of a kind, made of what the record holds of a visit
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, quote

from minkang.fhir.problem import Incorrect, NotAllowed, NotFound
from minkang.fhir.resource import exact, instant
from minkang.fhir.search import grammar
from minkang.gateways.cda.endpoint.taking import Answer
from minkang.gateways.cda.mapping.draft import Tree
from minkang.gateways.cda.mapping.writing.sources import kind_in, kind_named, of_composition, of_visit
from minkang.kit import clock
from minkang.kit.http import Scope
from minkang.store.contract import Repository

MOST = 2_000
"""Resources of one document."""

OF_VISIT = ("Observation", "Condition", "Procedure", "MedicationRequest", "ServiceRequest", "DiagnosticReport")
OF_PATIENT = ("AllergyIntolerance", "Immunization")


async def get(scope: Scope, repository: Repository) -> Answer:
    """Raises NotAllowed, NotFound, Gone, Incorrect, Busy."""
    parts = scope["path"].strip("/").split("/")
    if len(parts) != 3 or parts[1] not in ("Composition", "Encounter"):
        raise NotFound("Documents are at /cda/Composition/{id} and /cda/Encounter/{id}?kind=C0053.")
    if scope["method"] not in ("GET", "HEAD"):
        raise NotAllowed("GET, HEAD")
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    content, name = await document(repository, parts[1], parts[2], asked.get("kind", [""])[0])
    named = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = [(b"content-type", b"application/xml; charset=utf-8"), (b"content-disposition", named.encode())]
    return Answer(200, headers, content)


async def document(repository: Repository, type: str, id: str, kind: str = "") -> tuple[bytes, str]:
    """The document of a Composition, or one of a kind made of an Encounter, and a name for its file. Raises NotFound,
    Gone, Incorrect, Busy."""
    if type == "Composition":
        return await _composition(repository, id)
    if not kind:
        raise Incorrect("Say which document: kind C0053 (discharge summary), C0002 (outpatient record) ...")
    return await _visit(repository, id, kind)


async def _read(repository: Repository, type: str, id: str) -> Tree:
    return exact((await repository.read(type, id)).content)


async def _composition(repository: Repository, id: str) -> tuple[bytes, str]:
    tree = await _read(repository, "Composition", id)
    kind = kind_in(tree)
    wanted = [tree["subject"]["reference"], *(_references(tree.get("section", ())))]
    if "encounter" in tree:
        wanted.append(tree["encounter"]["reference"])
    all_ = await _all(repository, wanted)
    specimens = [one["specimen"] for one in all_.values() if one["resourceType"] == "Observation" and "specimen" in one]
    all_ |= await _all(repository, [one["reference"] for one in specimens if "reference" in one])
    if tree["subject"]["reference"] not in all_:
        raise NotFound("The patient of this document is no longer in the record.")
    return of_composition(tree, all_), f"{kind.code}-{id}.xml"


def _references(sections: Iterable[Tree]) -> Iterable[str]:
    for section in sections:
        yield from (one["reference"] for one in section.get("entry", ()) if "reference" in one)
        yield from _references(section.get("section", ()))


async def _all(repository: Repository, references: Iterable[str]) -> dict[str, Tree]:
    """Those that are there. Raises Incorrect for more than MOST."""
    wanted = [(type, id) for type, slash, id in (one.partition("/") for one in dict.fromkeys(references)) if slash]
    if len(wanted) > MOST:
        raise Incorrect(f"The document has more than {MOST} resources: it is too large to be written.")
    there = await repository.read_many(wanted)
    return {f"{type}/{id}": exact(one.content) for (type, id), one in there.items()}


async def _found(repository: Repository, type: str, pairs: list[tuple[str, str]]) -> list[Tree]:
    page = await repository.search(grammar.parse(type, pairs, strict=True))
    return [exact(hit.stored.content) for hit in page.hits]


async def _visit(repository: Repository, id: str, wanted: str) -> tuple[bytes, str]:
    kind = kind_named(wanted)
    visit = await _read(repository, "Encounter", id)
    patient = await _read(repository, *visit["subject"]["reference"].split("/"))
    known: list[Tree] = []
    for type in OF_VISIT:
        known += await _found(repository, type, [("encounter", f"Encounter/{id}"), ("_count", "500")])
    known += await _found(repository, "MedicationStatement", [("context", f"Encounter/{id}"), ("_count", "500")])
    for type in OF_PATIENT:
        known += await _found(repository, type, [("patient", f"Patient/{patient['id']}"), ("_count", "100")])
    known.sort(
        key=lambda one: str(one.get("effectiveDateTime") or one.get("recordedDate") or one.get("authoredOn") or "")
    )
    content = of_visit(kind, patient, visit, known, f"{kind.code}-{id}", instant(clock.now()))
    return content, f"{kind.code}-{id}.xml"
