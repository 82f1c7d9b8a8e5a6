"""One worker process: takes the listening socket from the supervisor and answers requests until told to stop.

Started as `python -m minkang.app.worker APP` with the settings and MINKANG_LISTEN_FD in the environment. Its standard
input is a pipe the supervisor holds. One line comes through it: the database's URL, when the database is ready. When
the pipe closes, the supervisor is gone and the worker ends too.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import uvicorn

from minkang.app.accepting import Server
from minkang.app.listener import DRAIN, LISTEN_FD
from minkang.app.protocol import Protocol
from minkang.gateways.rest.sockets import LONGEST
from minkang.kit import log, processes, settings
from minkang.kit.http import App
from minkang.kit.settings import Settings


def main(app: str) -> int:
    """Serves `app`, a "module:function" that makes an application of Settings. Returns the process's exit code."""
    chosen = settings.load()
    log.set_up(chosen.log_level)
    make = _found(app)  # the long part of a start; PostgreSQL comes up meanwhile
    url = sys.stdin.buffer.readline().decode().strip()
    if not url:
        return 0  # the supervisor gave up
    processes.end_with_parent(grace=DRAIN + 2)
    listener = socket.socket(fileno=int(os.environ[LISTEN_FD]))
    server = Server(
        uvicorn.Config(
            make(replace(chosen, database_url=url)),
            loop="uvloop",
            http=Protocol,
            ws="websockets-sansio",
            ws_max_size=LONGEST * 4,  # what clients say is short; what they are told is not limited by it
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the public address is a setting, not what a client's header claims
            timeout_keep_alive=75,  # longer than usual proxies keep theirs, so that they are the ones to close
            timeout_graceful_shutdown=DRAIN,
            backlog=2048,
        )
    )
    # What was imported stays for good; the collector need not look at it each time, nor after every 700 objects.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    server.run(sockets=[listener])
    return 0 if server.started else 3


def _found(app: str) -> Callable[[Settings], App]:
    module, _, name = app.partition(":")
    return getattr(import_module(module), name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
