"""Reading and writing through the FHIR door of a running platform."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import city, load
from bench.machine import used
from tests.lib.serving import Platform

Figures = dict[str, float]
CONNECTIONS = (1, 8, 32)
PEOPLE = 2_000
"""Residents a reading bench asks for in turn."""

NATIONAL_ID = "urn:oid:2.16.156.10011.1.3"


@dataclass(slots=True)
class Bench:
    """A platform with `residents` ordinary residents in it; `seconds` for each figure; `seed` of new people."""

    running: Platform
    residents: int
    work: Path
    seconds: float = 4.0
    seed: int = 100_000

    def people(self) -> list[int]:
        """Numbers of residents, far apart."""
        dice = random.Random(self.residents)
        return [dice.randrange(self.residents) for _ in range(PEOPLE)]

    def get(self, name: str, paths: list[str]) -> Figures:
        """One figure at each number of connections, with what it took of the machine."""
        found: Figures = {}
        for connections in CONNECTIONS:
            before = used(self.running)
            answers = load.get(self.running.address, paths, connections, self.seconds, self.work)
            found |= _figures(f"{name}{connections}", answers)
            after = used(self.running)
            found[f"{name}{connections}.worker_cpu_ms"] = (after.workers - before.workers) / answers.requests * 1e3
            found[f"{name}{connections}.postgres_cpu_ms"] = (after.postgres - before.postgres) / answers.requests * 1e3
        return found

    def post(self, name: str, path: str, bodies: Callable[[int], Iterator[bytes]], each: float, room: int) -> Figures:
        """Bodies of new residents (`bodies(seed)`), `each` resources in one; `room`: most that a second takes."""
        found: Figures = {}
        for connections in CONNECTIONS:
            self.seed += 1
            sent = [body for _, body in zip(range(int(room * self.seconds)), bodies(self.seed), strict=False)]
            before = used(self.running)
            answers = load.post(self.running.address, path, sent, connections, self.seconds, self.work)
            found |= _figures(f"{name}{connections}", answers)
            after = used(self.running)
            resources = answers.requests * each
            found[f"{name}{connections}.resources_per_s"] = answers.rate * each
            found[f"{name}{connections}.worker_cpu_ms_per_resource"] = (
                (after.workers - before.workers) / resources * 1e3
            )
            found[f"{name}{connections}.postgres_cpu_ms_per_resource"] = (
                (after.postgres - before.postgres) / resources * 1e3
            )
        return found


def _figures(name: str, answers: load.Answers) -> Figures:
    return {
        f"{name}.requests_per_s": answers.rate,
        f"{name}.p50_ms": answers.p50,
        f"{name}.p95_ms": answers.p95,
        f"{name}.p99_ms": answers.p99,
    }


def read(bench: Bench) -> Figures:
    """A Patient by id."""
    return bench.get("read", [f"/fhir/Patient/{city.resident_of(number)}" for number in bench.people()])


def identifier(bench: Bench) -> Figures:
    """A Patient by id number."""
    numbers = map(city.id_number_of, bench.people())
    return bench.get("identifier", [f"/fhir/Patient?identifier={NATIONAL_ID}|{number}" for number in numbers])


def search(bench: Bench) -> Figures:
    """One person's observations by code, newest first, a full page of 20."""
    asked = f"code={city.HEART_RATE}&_sort=-date&_count=20"
    return bench.get("search", [f"/fhir/Observation?patient=Patient/{id}&{asked}" for id in city.often_ill()])


def search_few(bench: Bench) -> Figures:
    """The same for people with one to three readings, as the peers were measured."""
    asked = f"code={city.HEART_RATE}&_sort=-date&_count=20"
    people = map(city.resident_of, bench.people())
    return bench.get("search_few", [f"/fhir/Observation?patient=Patient/{id}&{asked}" for id in people])


def include(bench: Bench) -> Figures:
    """The same with their encounters on the page."""
    people = map(city.resident_of, bench.people())
    asked = f"code={city.HEART_RATE}&_include=Observation:encounter"
    return bench.get("include", [f"/fhir/Observation?patient=Patient/{id}&{asked}" for id in people])


def chain(bench: Bench) -> Figures:
    """Observations by the id number of their patient."""
    numbers = map(city.id_number_of, bench.people())
    asked = f"code={city.HEART_RATE}&subject:Patient.identifier={NATIONAL_ID}"
    return bench.get("chain", [f"/fhir/Observation?{asked}|{number}" for number in numbers])


def everything(bench: Bench) -> Figures:
    """The whole record of a resident, 19 resources."""
    return bench.get("everything", [f"/fhir/Patient/{city.resident_of(n)}/$everything" for n in bench.people()])


def bundle(bench: Bench) -> Figures:
    """Transactions of 6 or 7 new resources."""
    per_bundle = city.PER_RESIDENT / 3
    return bench.post("bundle", "/fhir", lambda seed: city.visits(100_000, seed), per_bundle, room=1_600)


def create(bench: Bench) -> Figures:
    """Single creates of an Observation."""

    def bodies(seed: int) -> Iterator[bytes]:
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "心率"}]},
            "effectiveDateTime": "2026-11-01T08:00:00+08:00",
            "valueQuantity": {"value": 72, "unit": "次/分", "system": "http://unitsofmeasure.org", "code": "/min"},
        }
        for number in range(100_000):
            yield orjson.dumps(observation | {"subject": {"reference": f"Patient/new-{seed}-{number}"}})

    return bench.post("create", "/fhir/Observation", bodies, 1, room=8_000)


def mixed(bench: Bench) -> Figures:
    """A day's load at once: transactions over 4 connections beside questions of all kinds over 16."""
    asked = f"code={city.HEART_RATE}&_sort=-date&_count=20"
    paths: list[str] = []
    for number in bench.people():
        id = city.resident_of(number)
        paths += [
            f"/fhir/Patient/{id}",
            f"/fhir/Patient?identifier={NATIONAL_ID}|{city.id_number_of(number)}",
            f"/fhir/Observation?patient=Patient/{id}&{asked}",
            f"/fhir/Patient/{id}/$everything",
        ]
    bench.seed += 1
    bodies = [
        body for _, body in zip(range(int(1_600 * bench.seconds)), city.visits(100_000, bench.seed), strict=False)
    ]
    address, seconds, work = bench.running.address, bench.seconds, bench.work
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(load.post, address, "/fhir", bodies, 4, seconds, work)
        reading = pool.submit(load.get, address, paths, 16, seconds, work)
        return _figures("mixed.exchanges", writing.result()) | _figures("mixed.queries", reading.result())


STEPS: dict[str, Callable[[Bench], Figures]] = {
    "read": read,
    "identifier": identifier,
    "search": search,
    "search_few": search_few,
    "include": include,
    "chain": chain,
    "everything": everything,
    "bundle": bundle,
    "create": create,
    "mixed": mixed,
}
