"""A hospital's system that is sent HL7 v2 messages: remembers them, and answers as it is told."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from minkang.gateways.hl7v2.wire import Frames, framed, parse


class Receiver:
    """`answer`: the code of MSA-1 for what comes next."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.answer = "AA"
        self.port = 0

    def kinds(self) -> list[str]:
        """`ADT^A31 p1` ... of what came: event and the patient's number."""
        found: list[str] = []
        for text in self.messages:
            lines = {line[:3]: line.split("|") for line in text.split("\r")}
            found.append(f"{'^'.join(lines['MSH'][8].split('^')[:2])} {lines['PID'][3].split('^')[0]}")
        return found


@contextmanager
def receiver(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    made = Receiver()

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if tls is None:
                self.talk(self.request)
            else:
                with suppress(ssl.SSLError), tls.wrap_socket(self.request, server_side=True) as line:
                    self.talk(line)

        def talk(self, line: socket.socket) -> None:
            frames = Frames(1 << 20)
            while data := line.recv(65536):
                for found in frames.feed(data):
                    line.sendall(framed(_answered(made, found)))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", port), Line) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)


def _answered(made: Receiver, found: Any) -> bytes:
    made.messages.append(found.decode())
    control = parse(found).first("MSH").text(10)  # type: ignore[union-attr]
    return f"MSH|^~\\&|||||20261101||ACK|A|P|2.5.1\rMSA|{made.answer}|{control}\r".encode()
