"""Who sends: an Organization and its Endpoint with a key, the doors it uses, what it is expected to send, and whether
that counts already (live) or is only checked (test).

http://hl7.org/fhir/R4/endpoint.html. The key is shown once; what is kept is its hash. Its first part names the sender,
so that one read finds whose it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from minkang.fhir.problem import Conflict, Gone, Incorrect, NotFound, Unauthenticated
from minkang.fhir.resource import Resource, exact, from_exact
from minkang.fhir.search import grammar
from minkang.kit import ids
from minkang.platform.intake.reading import id_of
from minkang.platform.intake.receipt import CODES
from minkang.store.contract import Repository

PREFIX = "mk_"
"""What keys of senders begin with."""

DOORS = ("cda", "hl7v2", "files", "fhir")
INSTITUTIONS = "urn:oid:2.16.156.10011.1.5"
"""The system of institutions' codes (医疗卫生机构 组织机构代码)."""

KEY, EXPECTED = (f"https://minkang.example/StructureDefinition/sender-{name}" for name in ("key", "expected"))
_KEY = re.compile(rf"{PREFIX}([A-Za-z0-9\-.]{{1,64}})_([A-Za-z0-9_\-]{{20,100}})")
_CODE = re.compile(r"[0-9A-Za-z\-]{1,64}")


@dataclass(frozen=True, slots=True)
class Sender:
    """`id`: of its Organization, as receipts name it; `code`: the institution's; `expected`: kind to how many a day."""

    id: str
    name: str
    code: str
    doors: tuple[str, ...]
    live: bool = False
    expected: Mapping[str, int] = field(default_factory=dict[str, int])
    key_hash: str = ""

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "code": self.code,
            "doors": list(self.doors),
            "mode": "live" if self.live else "test",
            "expected": dict(self.expected),
        }


class Senders:
    """For one caller's repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def add(
        self, name: str, code: str, doors: tuple[str, ...], expected: Mapping[str, int] | None = None
    ) -> tuple[Sender, str]:
        """In test mode, with its key. Raises Incorrect, and Conflict for a code that is there already."""
        if not name.strip() or not _CODE.fullmatch(code):
            raise Incorrect("A sender has a name, and the code of its institution (letters, digits, hyphens).")
        if not doors or set(doors) - set(DOORS):
            raise Incorrect(f"doors are of {', '.join(DOORS)}.")
        sender = Sender(id_of("sender", "Organization", code), name.strip(), code, doors, False, dict(expected or {}))
        if await self._found(sender.id) is not None:
            raise Conflict(f"The institution {code} is a sender already: {sender.id}.")
        return await self._with_new_key(sender)

    async def one(self, id: str) -> Sender:
        """Raises NotFound."""
        found = await self._found(id)
        if found is None:
            raise NotFound(f"There is no sender {id}.")
        return found

    async def listed(self) -> list[Sender]:
        """By name; at most 1,000."""
        pairs = [("identifier", f"{CODES}/sender|"), ("_count", "1000")]
        page = await self._repository.search(grammar.parse("Endpoint", pairs, strict=True))
        trees = [orjson.loads(hit.stored.content) for hit in page.hits]
        found = [await self._found(tree["id"]) for tree in trees]
        return sorted((one for one in found if one is not None), key=lambda one: one.name)

    async def set_live(self, id: str, live: bool) -> Sender:
        """From now on what it sends counts, or does not. Raises NotFound."""
        sender = replace(await self.one(id), live=live)
        await self._write(sender)
        return sender

    async def new_key(self, id: str) -> tuple[Sender, str]:
        """The former key is void. Raises NotFound."""
        return await self._with_new_key(await self.one(id))

    async def by_key(self, key: str) -> Sender:
        """Raises Unauthenticated for a key that is nobody's."""
        parts = _KEY.fullmatch(key)
        found = await self._found(parts[1]) if parts else None
        if found is None or not hmac.compare_digest(found.key_hash, _hash(key)):
            raise Unauthenticated("This is no sender's key.")
        return found

    async def _with_new_key(self, sender: Sender) -> tuple[Sender, str]:
        key = f"{PREFIX}{sender.id}_{ids.random()}{ids.random()}"
        sender = replace(sender, key_hash=_hash(key))
        await self._write(sender)
        return sender, key

    async def _write(self, sender: Sender) -> None:
        organization = _organization(sender)
        there = (await self._repository.read_many([("Organization", sender.id)])).get(("Organization", sender.id))
        if there is not None:  # the registry of institutions knows more of it than a name
            organization = {**organization, **exact(there.content), "endpoint": organization["endpoint"]}
        for tree in (organization, _endpoint(sender)):
            await self._repository.update(tree["resourceType"], tree["id"], from_exact(tree))

    async def _found(self, id: str) -> Sender | None:
        try:
            organization = orjson.loads((await self._repository.read("Organization", id)).content)
            endpoint = orjson.loads((await self._repository.read("Endpoint", id)).content)
        except (NotFound, Gone):
            return None
        return _sender(organization, endpoint)


def _hash(key: str) -> str:
    """Of 200 random bits: nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def _organization(sender: Sender) -> Resource:
    return {
        "resourceType": "Organization",
        "id": sender.id,
        "identifier": [{"system": INSTITUTIONS, "value": sender.code}],
        "active": True,
        "name": sender.name,
        "endpoint": [{"reference": f"Endpoint/{sender.id}"}],
    }


def _endpoint(sender: Sender) -> Resource:
    expected = [
        {"url": EXPECTED, "extension": [{"url": "kind", "valueString": kind}, {"url": "daily", "valueInteger": daily}]}
        for kind, daily in sender.expected.items()
    ]
    return {
        "resourceType": "Endpoint",
        "id": sender.id,
        "extension": [{"url": KEY, "valueString": sender.key_hash}, *expected],
        "identifier": [{"system": f"{CODES}/sender", "value": sender.code}],
        "status": "active" if sender.live else "test",
        "connectionType": {"system": f"{CODES}/door", "code": sender.doors[0]},
        "name": sender.name,
        "managingOrganization": {"reference": f"Organization/{sender.id}"},
        "payloadType": [{"coding": [{"system": f"{CODES}/door", "code": door}]} for door in sender.doors],
        "address": f"urn:x-minkang:sender:{sender.id}",
    }


def _sender(organization: Resource, endpoint: Resource) -> Sender:
    expected: dict[str, int] = {}
    key_hash = ""
    for one in endpoint.get("extension", ()):
        if one["url"] == KEY:
            key_hash = one["valueString"]
        elif one["url"] == EXPECTED:
            told = {part["url"]: part for part in one["extension"]}
            expected[told["kind"]["valueString"]] = told["daily"]["valueInteger"]
    return Sender(
        organization["id"],
        organization["name"],
        organization["identifier"][0]["value"],
        tuple(one["coding"][0]["code"] for one in endpoint["payloadType"]),
        endpoint["status"] == "active",
        expected,
        key_hash,
    )
