"""Clients that write all the time and remember what they were told, and the reckoning afterwards."""

from __future__ import annotations

import http.client
import itertools
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.lib.serving import Platform, until

SYSTEM = "urn:example:kill"
THREADS = 4


@dataclass
class Written:
    """`patients`: id → the bytes acknowledged; `observations`: the same of what came in bundles; `unsure`: numbers of
    writes nobody answered."""

    patients: dict[str, bytes] = field(default_factory=dict[str, bytes])
    observations: dict[str, bytes] = field(default_factory=dict[str, bytes])
    unsure: list[str] = field(default_factory=list[str])
    refused: list[int] = field(default_factory=list[int])


class Writers:
    """Threads that post patients, alone and in transactions with an observation, until told to stop."""

    def __init__(self, address: str, number: int = 0) -> None:
        self.told = Written()
        self._address = urlsplit(address)
        self._numbers = (f"{number}-{n}" for n in itertools.count())
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(THREADS)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def acknowledge(self, more: int) -> None:
        """Returns when so many more patients have been acknowledged."""
        goal = len(self.told.patients) + more
        until(lambda: len(self.told.patients) >= goal, f"{more} more writes are acknowledged: {self.told.refused[-5:]}")

    def _write(self) -> None:
        connection = self._connect()
        while not self._stop.is_set():
            with self._lock:
                number = next(self._numbers)
            write = self._patient if int(number.partition("-")[2]) % 3 else self._bundle
            try:
                write(connection, number)
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.told.unsure.append(number)
                connection.close()
                connection = self._connect()
                self._stop.wait(0.02)  # while nothing listens there is nothing to do
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)

    def _patient(self, connection: http.client.HTTPConnection, number: str) -> None:
        status, body = _post(connection, "/fhir/Patient", _a_patient(number))
        with self._lock:
            if status == 201:
                self.told.patients[orjson.loads(body)["id"]] = body
                return
        self._not_written(status, number)

    def _bundle(self, connection: http.client.HTTPConnection, number: str) -> None:
        status, body = _post(connection, "/fhir", _a_bundle(number))
        with self._lock:
            if status == 200:
                patient, observation = (orjson.loads(body)["entry"][n]["resource"] for n in (0, 1))
                self.told.patients[patient["id"]] = orjson.dumps(patient)
                self.told.observations[observation["id"]] = orjson.dumps(observation)
                return
        self._not_written(status, number)

    def _not_written(self, status: int, number: str) -> None:
        with self._lock:
            self.told.unsure.append(number)
            self.told.refused.append(status)
        self._stop.wait(0.02)  # a client that is told 503 does not insist


def check(platform: Platform, *writers: Writers) -> None:
    """Nothing acknowledged is missing or different, nothing unanswered is there by half, and the numbers add up."""
    split = urlsplit(platform.address)
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=30)
    told = [each.told for each in writers]
    statuses = {status for each in told for status in each.refused}
    faults = [line for line in platform.words.splitlines() if '"exception"' in line]
    assert statuses <= {503}, f"a kill shows as 503 or a broken connection, not as {statuses}: {faults}"
    for each in told:
        for type, expected in (("Patient", each.patients), ("Observation", each.observations)):
            for id, content in expected.items():
                status, found = _get(connection, f"/fhir/{type}/{id}")
                assert status == 200, f"{type}/{id} was acknowledged and is not there"
                assert orjson.loads(found) == orjson.loads(content)
    survived = [_survived(connection, number) for each in told for number in each.unsure]
    patients = sum(len(each.patients) for each in told) + sum(patients for patients, _ in survived)
    observations = sum(len(each.observations) for each in told) + sum(observations for _, observations in survived)
    assert _count(connection, "Patient") == patients
    assert _count(connection, "Observation") == observations
    connection.close()


def _survived(connection: http.client.HTTPConnection, number: str) -> tuple[int, int]:
    """(patients, observations) of a write nobody answered: all of it or nothing of it."""
    patients = _count(connection, f"Patient?identifier={SYSTEM}|{number}")
    observations = _count(connection, f"Observation?identifier={SYSTEM}|{number}")
    whole = (1, 0) if int(number.partition("-")[2]) % 3 else (1, 1)
    assert (patients, observations) in ((0, 0), whole), f"write {number} is there by half"
    return patients, observations


def _count(connection: http.client.HTTPConnection, search: str) -> int:
    status, body = _get(connection, f"/fhir/{search}{'&' if '?' in search else '?'}_summary=count")
    assert status == 200, body
    return orjson.loads(body)["total"]


def _a_patient(number: str) -> dict[str, Any]:
    name = [{"text": "王小明", "family": "王", "given": ["小明"]}]
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": number}], "name": name}


def _a_bundle(number: str) -> dict[str, Any]:
    observation = {
        "resourceType": "Observation",
        "identifier": [{"system": SYSTEM, "value": number}],
        "status": "final",
        "code": {"text": "收缩压"},
        "subject": {"reference": "urn:uuid:5d1f9a0c-2c6e-4a43-8f8e-000000000001"},
        "valueQuantity": {"value": 128, "unit": "mmHg"},
    }
    entries = [
        ("urn:uuid:5d1f9a0c-2c6e-4a43-8f8e-000000000001", _a_patient(number)),
        ("urn:uuid:5d1f9a0c-2c6e-4a43-8f8e-000000000002", observation),
    ]
    entry = [
        {"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        for url, resource in entries
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entry}


def _post(connection: http.client.HTTPConnection, path: str, resource: dict[str, Any]) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/fhir+json", "Prefer": "return=representation"}
    connection.request("POST", path, orjson.dumps(resource), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()
