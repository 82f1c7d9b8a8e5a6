"""Processes: is it alive, wait for its end, and end together with the parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""<linux/prctl.h>: the signal this process gets when its parent dies."""


def alive(pid: int) -> bool:
    """True while the process runs; a zombie, which only waits to be collected, does not count."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def working_in(folder: Path) -> list[int]:
    """Processes whose current folder is this one. Linux only; elsewhere nothing is found."""
    wanted = str(folder.resolve())
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((entry / "cwd").readlink()) == wanted:
                found.append(int(entry.name))
    return found


async def end_of(pid: int) -> None:
    """Returns when the process has ended, whether or not it is our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # an older kernel, or not Linux
        while alive(pid):  # noqa: ASYNC110 - nothing tells us of the end but looking
            await asyncio.sleep(0.25)
        return
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_reader(handle, lambda: done.done() or done.set_result(None))
    try:
        await done
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def signal_when_parent_dies(number: int) -> Callable[[], None] | None:
    """For `preexec_fn`: the child gets this signal when its parent dies. None where the system cannot do that."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return bind


def end_with_parent(grace: float) -> None:
    """Ends this process when its standard input closes, which is when the parent that holds the other end is gone.

    First SIGTERM to ourselves, so that requests under way are finished; after `grace` seconds the hard way. A thread
    does it because the event loop may be the very thing that hangs.
    """

    def watch() -> None:
        # The descriptor itself, not sys.stdin: a daemon thread inside a buffered read holds its lock, and the
        # interpreter's shutdown aborts over that.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
