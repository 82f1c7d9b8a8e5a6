"""HL7 v2 over MLLP: admissions and laboratory reports of new patients, by turns, over several lines at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench.machine import used
from tests.lib.serving import Platform

LINES = 8
OBX = 8
"""Results of a report."""

_END = b"\x1c\r"


def messages(seed: int) -> Iterator[bytes]:
    """Framed; each of a patient of its own pair."""
    number = 0
    while True:
        yield _framed(_admission(seed, number))
        yield _framed(_report(seed, number))
        number += 1


def _framed(text: str) -> bytes:
    return b"\x0b" + text.encode() + _END


def _head(kind: str, control: str) -> str:
    return f"MSH|^~\\&|HIS|BENCH|MINKANG|CITY|20261101080000+0800||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8"


def _pid(seed: int, number: int) -> str:
    return f"PID|1||{seed}-{number}^^^BENCH^MR||张^丽{number % 97}||19{50 + number % 50}0312|F|||学府路{number % 300}号"


def _admission(seed: int, number: int) -> str:
    visit = f"PV1|1|I|W1^2^{number % 40}^BENCH||||d7^王^医||||||||||||{seed}-V{number}" + "|" * 25 + "20261101075000"
    diagnosis = "DG1|1||I10^原发性高血压^I10||20261101|A"
    return "\r".join([_head("ADT^A01", f"A{seed}-{number}"), _pid(seed, number), visit, diagnosis, ""])


def _report(seed: int, number: int) -> str:
    order = (
        f"OBR|1|P{seed}-{number}^HIS|F{seed}-{number}^LIS|BC^血常规^L|||20261101090000" + "|" * 15 + "20261101100000"
    )
    results = [_result(place, number % 90 + place) for place in range(1, OBX + 1)]
    return "\r".join([_head("ORU^R01", f"R{seed}-{number}"), _pid(seed, number), f"{order}|||F", *results, ""])


def _result(place: int, value: int) -> str:
    unit = "10*9/L^^UCUM|3.5-9.5|N|||F|||20261101093000"
    return f"OBX|{place}|NM|669{place}-2^指标{place}^LN||{value}.{place}0|{unit}"


def lines(running: Platform, port: int, seconds: float, seed: int) -> dict[str, float]:
    """Messages a second, times from sending to acknowledgement. Raises SystemExit when one is not accepted."""
    host = urlsplit(running.address).hostname or "127.0.0.1"
    before = used(running)
    times, took = asyncio.run(_all(host, port, seconds, seed))
    after = used(running)
    times.sort()
    return {
        "hl7v2.messages_per_s": len(times) / took,
        "hl7v2.p50_ms": times[len(times) // 2] * 1e3,
        "hl7v2.p95_ms": times[int(len(times) * 0.95)] * 1e3,
        "hl7v2.worker_cpu_ms": (after.workers - before.workers) / len(times) * 1e3,
        "hl7v2.postgres_cpu_ms": (after.postgres - before.postgres) / len(times) * 1e3,
    }


async def _all(host: str, port: int, seconds: float, seed: int) -> tuple[list[float], float]:
    times: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_line(host, port, began + seconds, seed * LINES + line, times) for line in range(LINES)))
    return times, time.perf_counter() - began


async def _line(host: str, port: int, until: float, seed: int, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for message in messages(seed):
        now = time.perf_counter()
        if now > until:
            break
        writer.write(message)
        said = await reader.readuntil(_END)
        if b"|AA|" not in said:
            raise SystemExit(f"not accepted: {said.decode(errors='replace')}")
        times.append(time.perf_counter() - now)
    writer.close()
