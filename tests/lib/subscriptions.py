"""Subscriptions as clients write them, and a target that listens on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from minkang.fhir.subscriptions.wish import FILTER, PAYLOAD

CHANGED = "https://minkang.example/SubscriptionTopic/resource-changed"


def a_topic_subscription(endpoint: str, *filters: str, content: str = "id-only", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": CHANGED,
        "_criteria": {"extension": [{"url": FILTER, "valueString": one} for one in filters]},
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": PAYLOAD, "valueCode": content}]},
        },
        **more,
    }


def an_r4_subscription(endpoint: str, criteria: str, payload: str | None = None, **more: Any) -> dict[str, Any]:
    channel = {"type": "rest-hook", "endpoint": endpoint} | ({"payload": payload} if payload else {})
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": criteria,
        "channel": channel,
        **more,
    }


@dataclass(frozen=True, slots=True)
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> dict[str, Any]:
        return orjson.loads(self.body)

    @property
    def kind(self) -> str:
        """handshake, heartbeat, event-notification."""
        return next(one["valueCode"] for one in self._status if one["name"] == "type")

    @property
    def numbers(self) -> list[int]:
        """Of the events told."""
        events = [one["part"] for one in self._status if one["name"] == "notification-event"]
        return [int(part["valueString"]) for parts in events for part in parts if part["name"] == "event-number"]

    @property
    def focus(self) -> list[str]:
        """`Type/id` of the events told."""
        events = [one["part"] for one in self._status if one["name"] == "notification-event"]
        found = [p["valueReference"]["reference"] for parts in events for p in parts if p["name"] == "focus"]
        return ["/".join(one.split("/")[-2:]) for one in found]

    @property
    def _status(self) -> list[dict[str, Any]]:
        return self.tree["entry"][0]["resource"]["parameter"]


@dataclass
class Listener:
    """A target. `answers` decides the status by what was heard; `None` never answers (until the end)."""

    address: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: Callable[[Heard], int | None] = lambda _: 200
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[Heard]:
        return [one for one in list(self.heard) if one.body and one.kind == "event-notification"]


@contextmanager
def listening(answers: Callable[[Heard], int | None] = lambda _: 200) -> Iterator[Listener]:
    made = Listener(answers=answers)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            heard = Heard(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            made.heard.append(heard)
            status = made.answers(heard)
            if status is None:
                made.over.wait(60)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_PUT = _any

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a sender that went away

    server = Server(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
