"""The cluster of a data folder: made, started, adopted when it lives already, and stopped."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import structlog

from minkang.kit import processes
from minkang.kit.folders import DataFolder
from minkang.kit.postgres import binaries, place, tuning
from minkang.kit.postgres.account import Account, for_postgres
from minkang.kit.postgres.binaries import Binaries
from minkang.kit.trouble import Trouble

ROLE = "minkang"
DATABASE = "minkang"
STATE = Path("/var/lib/minkang")
LOG_LIMIT = 10_000_000
"""Bytes after which PostgreSQL's log is put aside at the next start; one former log is kept."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """`bin`: PostgreSQL's programs, None for the wheel's. `user` and `state` count only for root: the account that runs
    PostgreSQL, and the folder for what it must reach. `settings` win over the tuned ones (tests switch fsync off)."""

    bin: Path | None = None
    user: str = "minkang"
    state: Path = STATE
    connections: int = 60
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says. https://www.postgresql.org/docs/18/storage-file-layout.html"""

    pid: int
    socket_folder: Path
    status: str


class Cluster:
    """One PostgreSQL over one data folder. Only the holder of the folder's lock may start or stop it."""

    def __init__(self, folder: DataFolder, options: Options | None = None) -> None:
        self.folder = folder
        self.options = options or Options()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path | None:
        """PostgreSQL's own data directory, None before the first start."""
        return place.existing(self.folder)

    def running(self) -> Postmaster | None:
        """The living postmaster of this cluster, whoever started it."""
        home = self.home
        found = _postmaster(home) if home else None
        return found if found and home and _is_ours(found.pid, home) else None

    @property
    def url(self) -> str:
        """How to connect: a URL for asyncpg and for PostgreSQL's own programs. Raises Trouble when it does not run."""
        found = self.running()
        if found is None:
            raise Trouble(
                f"No database is running in {self.folder.root}. Start it with: minkang serve --data {self.folder.root}"
            )
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(found.socket_folder), safe='')}"

    def start(self) -> str:
        """Starts or adopts the cluster, waits until it answers, and returns its URL."""
        for pause in self.starting():
            time.sleep(pause)
        return self.url

    def starting(self) -> Iterator[float]:
        """The start in steps, for callers with and without an event loop: each value is a time to wait, in seconds,
        before the next step; at the end it answers. Recovery after a crash may take long and is waited for."""
        if (yield from self._adopted()):
            return
        account, home, programs = self._prepare()
        settings = self._configure(account, home)
        log.info("postgresql starts", folder=str(home), account=account.name, shared_buffers=settings["shared_buffers"])
        for attempt in range(40):
            child = self._launch(account, home, programs)
            while child.poll() is None:
                if _answers(home, child.pid):
                    return
                yield 0.02
            # After a kill -9 of the postmaster its children may hold the shared memory for a moment longer.
            if "shared memory block" not in self._last_words() and "lock file" not in self._last_words():
                break
            log.info("postgresql waits for remains of the former one", attempt=attempt)
            yield 0.25
        raise Trouble(f"PostgreSQL did not start. The end of {self.log_file}:\n{self._last_words()}")

    def stop(self, within: float = 60.0) -> None:
        """Stops it in order: open transactions are undone, everything acknowledged is on disk. Removes its socket."""
        found = self.running()
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGINT)  # "fast"
            self._wait(found.pid, within)
        if self._child is not None:
            self._child.wait()
            self._child = None
        place.forget_socket_folder(self.folder)

    @property
    def log_file(self) -> Path:
        return self.folder.logs / "postgresql.log"

    def programs(self) -> Binaries:
        """PostgreSQL's programs, as we run them ourselves (psql, pg_dump): no other account has to reach them."""
        return binaries.find(self.options.bin)

    def _wait(self, pid: int, within: float) -> None:
        deadline = time.monotonic() + within
        while processes.alive(pid):
            if self._child is not None:
                self._child.poll()
            if time.monotonic() > deadline:
                log.warning("postgresql did not stop in time and is stopped at once", seconds=within)
                os.kill(pid, signal.SIGQUIT)  # "immediate": the next start recovers
                deadline += within
            time.sleep(0.02)

    def _adopted(self) -> Generator[float, None, bool]:
        """True when a living postmaster of this cluster serves us; one that is on its way out is waited for."""
        while (found := self.running()) is not None:
            if found.status == "ready" and found.socket_folder.is_dir():
                log.info("postgresql was running and is adopted", pid=found.pid)
                (self.folder.run / "socket").write_text(f"{found.socket_folder}\n")
                return True
            if found.status == "ready":  # somebody cleaned the temporary folder: nobody can reach it any more
                os.kill(found.pid, signal.SIGINT)
            yield 0.05
        return False

    def _prepare(self) -> tuple[Account, Path, Binaries]:
        """The account, the cluster's folder (made when missing) and programs that account can run."""
        home = self.home
        account = place.owner(home) if home else for_postgres(self.options.user)
        programs = binaries.reachable_by(account, binaries.find(self.options.bin), self.options.state)
        if home is None:
            home = self._make(account, programs)
        if not account.can("-w", home):
            raise Trouble(
                f"The account {account.name}, which runs PostgreSQL, cannot reach {home}. Move the data folder back."
            )
        _forget_stale(home)
        return account, home, programs

    def _make(self, account: Account, programs: Binaries) -> Path:
        """A new cluster: made under another name and renamed, so that a half-made one is never started."""
        home = place.chosen(self.folder, account, self.options.state)
        scratch = Path(tempfile.mkdtemp(prefix="postgres-being-made-", dir=home.parent))
        account.own(scratch)
        sync = [] if self.options.settings.get("fsync") != "off" else ["--no-sync"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        common = [f"--pgdata={scratch}", f"--username={ROLE}", "--auth=peer", "--data-checksums", "--no-instructions"]
        _run([programs.program("initdb"), *common, *locale, *sync], account)
        _run(
            [programs.program("postgres"), "--single", "-D", str(scratch), "postgres"],
            account,
            f"CREATE DATABASE {DATABASE}\n",
        )
        scratch.rename(home)
        if home != self.folder.postgres.absolute():
            self.folder.postgres.symlink_to(home)
            log.warning("the database lies elsewhere: its account cannot reach the data folder", folder=str(home))
        return home

    def _configure(self, account: Account, home: Path) -> dict[str, str]:
        socket_folder = place.socket_folder(self.folder, account)
        settings = tuning.tuned(tuning.Machine.here(home), self.options.connections) | tuning.private(socket_folder)
        settings |= self.options.settings
        people = sorted({account.name, "root", _our_name()})
        # Whoever the kernel says is on the other end of the socket, and nobody else; replication is for pg_basebackup.
        hba = [f"local {database} {ROLE} peer map=minkang" for database in ("all", "replication")]
        _write(home / "minkang.conf", tuning.written(settings), account)
        _write(home / "postgresql.conf", "include 'minkang.conf'\ninclude 'local.conf'\n", account)
        if not (home / "local.conf").exists():
            _write(
                home / "local.conf",
                "# Your own settings of PostgreSQL; they win over minkang.conf and are never changed.\n",
                account,
            )
        _write(home / "pg_hba.conf", "\n".join([*hba, ""]), account)
        _write(home / "pg_ident.conf", "".join(f'minkang "{name}" {ROLE}\n' for name in people), account)
        return settings

    def _launch(self, account: Account, home: Path, programs: Binaries) -> subprocess.Popen[bytes]:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as output:
            self._child = child = subprocess.Popen[bytes](
                [programs.program("postgres"), "-D", str(home)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A session of its own: Ctrl+C in the terminal is for the supervisor, which stops things in order.
                start_new_session=True,
                # Should the supervisor be killed, PostgreSQL stops in order too instead of living on unseen.
                preexec_fn=processes.signal_when_parent_dies(signal.SIGINT),
                **account.process,
            )
        return child

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-8:])
        return ""


def _postmaster(home: Path) -> Postmaster | None:
    try:
        lines = (home / "postmaster.pid").read_text().splitlines()
        return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip() if len(lines) > 7 else "starting")
    except (OSError, ValueError, IndexError):
        return None


def _answers(home: Path, pid: int) -> bool:
    found = _postmaster(home)
    return found is not None and found.pid == pid and found.status == "ready"


def _is_ours(pid: int, home: Path) -> bool:
    """A living process of that number that works in the cluster's folder: numbers are given again after a restart."""
    if not processes.alive(pid):
        return False
    if not Path("/proc/self/cwd").exists():  # not Linux: nothing better than the number
        return True
    return pid in processes.working_in(home)


def _forget_stale(home: Path) -> None:
    """Removes the pid file of a postmaster that is gone when its number now belongs to a stranger.

    PostgreSQL would take the stranger for a postmaster and refuse to start. While any process still works in the
    folder the file stays: it names the shared memory that PostgreSQL checks for children left behind.
    """
    found = _postmaster(home)
    if found is not None and processes.alive(found.pid) and not processes.working_in(home):
        (home / "postmaster.pid").unlink(missing_ok=True)


def _run(command: list[str], account: Account, text: str = "") -> None:
    done = account.run(command, text)
    if done.returncode != 0:
        raise Trouble(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")


def _write(path: Path, text: str, account: Account) -> None:
    """Replaces the file in one step. A new file is renamed over the old one, so that root, writing into a folder of
    another account, never follows a link that account may have put there."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    account.own(Path(name))
    Path(name).replace(path)


def _our_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
