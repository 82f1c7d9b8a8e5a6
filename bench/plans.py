"""First pages of the searches that every day asks of a city, one at a time: each within a tenth of a second, or refused
at once with words. `make bench-plans` asks them at ten million resources.
"""

from __future__ import annotations

import http.client
import statistics
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import orjson

from bench import city
from bench.serving import NATIONAL_ID, Bench, Figures

TIMES = 7
"""The median of so many askings, the first one not counted."""

ORGANIZATION = "Organization/qingxi-community-centre"


def questions(bench: Bench) -> dict[str, str]:
    """Name -> path. The first ten must be answered; the last ones are built to hurt and may be refused."""
    number = bench.residents // 2
    last_week = "ge2026-10-25"
    since = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    heart = f"code={city.HEART_RATE}"
    return {
        "identifier": f"Patient?identifier={NATIONAL_ID}|{city.id_number_of(number)}",
        "name_and_birth": "Patient?name=张丽&birthdate=1981-05-21",
        "pinyin_prefix": "Patient?name=zhangl",
        "encounters_of_an_organisation": f"Encounter?service-provider={ORGANIZATION}&date={last_week}&_sort=-date",
        "open_tasks_of_an_owner": f"Task?owner=Practitioner/{city.OWNER}&status=requested",
        "one_code_newest_first": f"Observation?{heart}&_sort=-date",
        "one_code_and_a_range": f"Observation?{heart}&value-quantity=gt95&_sort=-date",
        "has_a_condition": "Patient?_has:Condition:patient:code=I10",
        "changed_since": f"Observation?_lastUpdated=ge{since}",
        "chain_to_a_name": f"Observation?{heart}&subject:Patient.name=张丽",
        "hurts_two_common_codes": f"Observation?{heart}&code=29463-7",
        "hurts_a_value_nobody_has": f"Observation?{heart}&value-quantity=gt9000",
        "hurts_many_values": "Observation?code=" + ",".join(f"x{number}" for number in range(900)),
        "hurts_a_deep_chain": "Observation?encounter.subject:Patient.general-practitioner:Practitioner.name=王",
    }


def plans(bench: Bench) -> Figures:
    """`plans.<name>.ms` of each first page, and `plans.<name>.status`: 200 answered, 403 too costly, 400 not spoken."""
    client = http.client.HTTPConnection(urlsplit(bench.running.address).netloc, timeout=90)
    found: Figures = {}
    for name, path in questions(bench).items():
        times: list[float] = []
        for _ in range(TIMES + 1):
            began = time.perf_counter()
            client.request("GET", "/fhir/" + quote(path, safe="/?&=:|,.-_"))
            answer = client.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - began) * 1e3)
        found[f"plans.{name}.ms"] = statistics.median(times[1:])
        found[f"plans.{name}.first_ms"] = times[0]
        found[f"plans.{name}.status"] = answer.status
        found[f"plans.{name}.hits"] = len(orjson.loads(body).get("entry", []))
    return found


def shown(figures: Figures) -> list[str]:
    """Lines for people."""
    names = [name.split(".")[1] for name in figures if name.startswith("plans.") and name.endswith(".status")]
    lines = [f"{'first page of':32} {'median ms':>10} {'first ms':>10} {'status':>7} {'rows':>5}"]
    for name in names:
        of = {key: figures[f"plans.{name}.{key}"] for key in ("ms", "first_ms", "status", "hits")}
        lines.append(f"{name:32} {of['ms']:10.1f} {of['first_ms']:10.1f} {of['status']:7.0f} {of['hits']:5.0f}")
    return lines
