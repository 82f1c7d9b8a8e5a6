"""What every request passes before a door: HTTP itself, the token, the health pages; and what the log says of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import orjson
import pytest

from minkang.app.bearer import guarded
from minkang.kit.http import send_bytes
from tests.lib.serving import Platform, children, get, platform, until

TOKEN = "a-token-of-the-test"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
MARKED = "标记姓名"


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    with platform(environment={"MINKANG_TOKEN": TOKEN, "MINKANG_MAX_BODY": "100k"}) as made:
        made.start()
        yield made


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_needs_no_token(running, path):
    assert get(running.address + path)[0] == 200


@pytest.mark.parametrize("path", ["/fhir/metadata", "/fhir/Patient", "/metrics", "/healthz/", "/fhir/../readyz"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}],
    ids=["none", "wrong", "basic", "longer"],
)
def test_without_the_token_there_is_only_an_operation_outcome(running, path, headers):
    status, body = get(running.address + path, headers)
    assert status == 401
    assert orjson.loads(body)["issue"][0]["code"] == "login"


def test_the_refusal_says_how_to_come_in(running):
    answer = _raw(running, b"GET /fhir/Patient HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").lower()
    assert b'www-authenticate: bearer realm="minkang"' in answer
    assert b"content-type: application/fhir+json" in answer


def test_with_the_token_the_door_answers(running):
    assert get(f"{running.address}/fhir/metadata", AUTHORIZED)[0] == 200
    assert get(f"{running.address}/fhir/metadata", {"authorization": f"bearer {TOKEN}"})[0] == 200


def test_two_authorizations_are_none():
    sent: list[dict] = []

    async def app(scope, receive, send):
        await send_bytes(send, 200, [], b"in")

    async def send(message):
        sent.append(message)

    header = (b"authorization", f"Bearer {TOKEN}".encode())
    scope = {"type": "http", "method": "GET", "path": "/fhir", "headers": [header, header]}
    asyncio.run(guarded(app, TOKEN, lambda _: False)(scope, None, send))
    assert sent[0]["status"] == 401


def test_metrics_add_up_over_the_workers(running):
    before = _created(running)
    for _ in range(8):  # new connections, so that more than one worker gets some
        assert _post(running, b'{"resourceType":"Patient"}').startswith(b"HTTP/1.1 201")
    assert _created(running) == before + 8


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET /fhir/Patient SMTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"POST /fhir HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-long: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-many: 1\r\n" * 20_000 + b"\r\n", b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"431"),
    ],
    ids=[
        "TLS",
        "another protocol",
        "a broken url",
        "a negative length",
        "a long header",
        "many headers",
        "a long address",
    ],
)
def test_what_is_not_http_is_refused_with_an_operation_outcome(running, sent, status):
    head, _, body = _raw(running, sent).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert orjson.loads(body)["resourceType"] == "OperationOutcome"
    assert get(f"{running.address}/readyz")[0] == 200


def test_an_upgrade_that_is_not_spoken_is_answered_as_if_not_asked_for(running):
    head = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n"
    assert _raw(running, head).startswith(b"HTTP/1.1 200")


def test_a_body_over_the_limit_is_refused(running):
    assert _post(running, b'{"resourceType":"Patient","x":"' + b"a" * 200_000 + b'"}').startswith(b"HTTP/1.1 413")


def test_readyz_says_no_while_the_database_does_not_answer_and_healthz_still_yes(running):
    stopped = [running.postmaster, *children(running.postmaster)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert get(f"{running.address}/readyz")[0] == 503
        assert get(f"{running.address}/healthz")[0] == 200
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    until(lambda: get(f"{running.address}/readyz")[0] == 200, "it is ready again")


def test_no_log_names_a_patient(running):
    body = f'{{"resourceType":"Patient","name":[{{"text":"{MARKED}"}}]}}'.encode()
    assert _post(running, body).startswith(b"HTTP/1.1 201")
    assert _post(running, body.replace(b'"text"', b'"txt"')).startswith(b"HTTP/1.1 4")
    assert get(f"{running.address}/fhir/Patient?name={quote(MARKED)}", AUTHORIZED)[0] == 200
    assert get(f"{running.address}/fhir/Patient?nam={quote(MARKED)}", AUTHORIZED)[0] == 400
    assert get(f"{running.address}/fhir/{quote(MARKED)}", AUTHORIZED)[0] == 404
    logs = [running.words, *(path.read_text() for path in running.folder.logs.iterdir())]
    assert all(logs), "there is something in each log"
    for form in (MARKED, quote(MARKED), orjson.dumps(MARKED).decode(), ascii(MARKED)[1:-1]):
        assert not any(form in log for log in logs)


def _created(running: Platform) -> float:
    status, body = get(f"{running.address}/metrics", AUTHORIZED)
    assert status == 200
    lines = [line for line in body.decode().splitlines() if line.startswith("minkang_fhir_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'interaction="create"' in line and '"201"' in line)


def _post(running: Platform, body: bytes) -> bytes:
    head = f"POST /fhir/Patient HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n"
    return _raw(
        running, f"{head}content-type: application/fhir+json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )


def _raw(running: Platform, sent: bytes) -> bytes:
    """What comes back until the server closes; it may close before it has read everything."""
    target = urlsplit(running.address)
    with socket.create_connection((target.hostname, target.port), timeout=30) as connection:
        received = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    return received
