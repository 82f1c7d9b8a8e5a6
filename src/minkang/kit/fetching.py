"""Fetching a file from a target that was allowed (`targets.py`): one GET, no redirects, no proxy, bounded in size.

It blocks; call it in a thread. A file that is there is whole: it is written beside and renamed.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from minkang.kit.folders import created
from minkang.kit.outgoing import NoAnswer
from minkang.kit.targets import Target, reachable

_PIECE = 1 << 20


class TooMuch(Exception):
    """The file is longer than what may be fetched."""


def fetch(target: Target, file: Path, *, most: int, idle: float, going: Callable[[], None]) -> None:
    """`most`: bytes; `idle`: seconds without a byte after which it is given up; `going` is called at each piece and may
    raise to stop it. Raises NoAnswer, TooMuch, OSError of the file."""
    draft = file.with_name(f"{file.name}.draft")
    connection = _connected(target, idle)
    try:
        with created(draft) as out:
            _copy(_answer(connection, target), out.write, most, going)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        connection.close()
        draft.unlink(missing_ok=True)


def _connected(target: Target, idle: float) -> http.client.HTTPConnection:
    """To the address that was looked at, whatever the name leads to a moment later."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=idle)
    try:
        line = socket.create_connection((_address(target), target.port), idle)
        if target.scheme == "https":
            line = ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
    except ssl.SSLError as error:
        raise NoAnswer(f"The target's certificate or TLS is not accepted: {error.reason}.") from None
    except OSError as error:
        raise NoAnswer(f"The target cannot be reached: {type(error).__name__}.") from None
    connection.sock = line
    return connection


def _address(target: Target) -> str:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for entry in found:
        address = str(entry[4][0])
        if reachable(target, address):
            return address
    raise NoAnswer("The name of the target leads to an address that must not be asked.")


def _answer(connection: http.client.HTTPConnection, target: Target) -> http.client.HTTPResponse:
    try:
        connection.request("GET", target.path, headers={"Host": target.authority, "Accept-Encoding": "identity"})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"The target does not answer in HTTP: {type(error).__name__}.") from None
    if answer.status != 200:
        answer.close()
        raise NoAnswer(f"The target answered {answer.status}; only 200 is taken, and redirects are not followed.")
    return answer


def _copy(
    answer: http.client.HTTPResponse, write: Callable[[bytes], object], most: int, going: Callable[[], None]
) -> None:
    total = 0
    with contextlib.closing(answer):
        while True:
            try:
                piece = answer.read(_PIECE)
            except (OSError, http.client.HTTPException) as error:
                raise NoAnswer(f"The file broke off after {total:,} bytes: {type(error).__name__}.") from None
            if not piece:
                break
            total += len(piece)
            if total > most:
                raise TooMuch(f"The file is longer than {most:,} bytes.")
            write(piece)
            going()
    if answer.length:  # what was announced and did not come
        raise NoAnswer(f"The file broke off after {total:,} bytes; {answer.length:,} more were announced.")
