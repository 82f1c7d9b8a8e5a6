"""`minkang serve` as a person meets it: it starts from nothing, says what is wrong, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from minkang.kit.postgres.cluster import Cluster, Options
from tests.lib.serving import Platform, get, gone, platform, until

SLOW = "tests.lib.slow_app:create"


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    """One platform for the tests that only look at it."""
    with platform(app=SLOW) as made:
        made.start()
        yield made


def test_it_starts_from_nothing_and_says_where(running):
    assert get(f"{running.address}/readyz")[0] == 200
    assert f"{running.address}/fhir" in running.words


def test_all_workers_answer_at_one_address(running):
    until(lambda: len(running.workers) == 2, "two workers run")
    seen: set[int] = set()
    until(lambda: seen.add(int(get(running.address)[1])) or seen == set(running.workers), "each worker has answered")


def test_the_socket_is_closed_to_others(running):
    found = Cluster(running.folder).running()
    assert found is not None
    mode = found.socket_folder.stat().st_mode
    assert stat.S_IMODE(mode) == 0o700
    assert len(os.fsencode(found.socket_folder / ".s.PGSQL.5432")) < 100


def test_postgresql_listens_on_no_network_and_trusts_nobody(running):
    home = Cluster(running.folder).home
    assert home is not None
    assert "trust" not in (home / "pg_hba.conf").read_text()
    inodes = {str(entry.readlink()) for entry in Path(f"/proc/{running.postmaster}/fd").iterdir()}
    tables = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    listening = {f"socket:[{line.split()[9]}]" for line in tables.splitlines() if line.split()[3] == "0A"}
    assert inodes & listening == set()


def test_the_keys_are_for_their_owner_alone(running):
    assert stat.S_IMODE(running.folder.keys.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in running.folder.keys.iterdir()] == [0o600]


def test_a_second_start_on_the_same_folder_says_who_has_it(running):
    second = Platform(running.folder.root, app=SLOW)
    second.output = running.output.with_suffix(".second")
    process = second.launch()
    assert process.wait(30) == 1
    assert f"is in use by another Minkang (process {running.process.pid})" in second.words
    assert get(f"{running.address}/readyz")[0] == 200


def test_status_tells_what_runs(running):
    done = _minkang("status", "--data", str(running.folder.root))
    assert done.returncode == 0
    assert running.address in done.stdout
    assert str(running.postmaster) in done.stdout


def test_psql_opens_on_the_running_database(running):
    done = _minkang("psql", "--data", str(running.folder.root), "-Atc", "SELECT current_user, current_database()")
    assert done.stdout == "minkang|minkang\n", done.stderr


def test_a_taken_port_is_named_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken, platform() as made:
        port = taken.getsockname()[1]
        made = Platform(made.folder.root, port=port)
        assert made.launch().wait(30) == 1
        assert f"Port {port} on 127.0.0.1 is taken by another program. Choose another with --port" in made.words
        assert "Traceback" not in made.words
        assert Cluster(made.folder).home is None, "nothing was started for a port that cannot be had"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "eighty"], "--port must be a whole number from 0 to 65535, not 'eighty'."),
        (["--workers", "0"], "--workers must be a whole number from 1 to 256, not '0'."),
        (["--token", "short"], "--token must be at least 8 letters, digits or -._~+/=, not what is given."),
        (["--host", "0.0.0.0"], "Listening on 0.0.0.0 lets other machines in, so a token is needed"),
        (["--database-url", "mysql://x"], "--database-url must be a URL like postgresql://user@host/database"),
    ],
)
def test_a_bad_argument_is_one_sentence_and_ends_with_2(arguments, sentence, tmp_path):
    done = _minkang("serve", "--data", str(tmp_path / "data"), *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("minkang: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    done = _minkang("serve", "--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_that_cannot_start_end_the_start():
    with platform(app="tests.lib.slow_app:broken") as made:
        assert made.launch().wait(60) == 1
        assert "The workers cannot start; the reason stands in the log above." in made.words
        assert Cluster(made.folder).running() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_leaves_no_process_and_no_socket_folder(number):
    with platform(app=SLOW) as made:
        made.start()
        until(lambda: len(made.workers) == 2, "two workers run")
        family, socket_folder = made.family, Cluster(made.folder).running().socket_folder
        assert len(family) > 4
        assert made.stop(number) == 0
        assert gone(family)
        assert not socket_folder.exists()
        assert sorted(path.name for path in made.folder.run.iterdir()) == []


def test_a_request_under_way_is_answered_before_the_stop():
    with platform(app=SLOW) as made:
        made.start()
        answers: list[int] = []
        asking = threading.Thread(target=lambda: answers.append(get(f"{made.address}/slow")[0]))
        asking.start()
        until(lambda: (made.folder.root / "under-way").exists(), "the request is under way")
        made.process.send_signal(signal.SIGTERM)
        until(lambda: '"stopping"' in made.words, "the stop has begun")
        (made.folder.root / "go-on").touch()
        assert made.process.wait(30) == 0
        asking.join(30)
        assert answers == [200]


def test_after_kill_9_of_the_supervisor_nothing_lives_on_and_it_starts_again():
    with platform(app=SLOW) as made:
        made.start()
        until(lambda: len(made.workers) == 2, "two workers run")
        family = made.family
        made.kill()
        made.start()  # at once, while the former one's are still on their way out
        assert get(f"{made.address}/readyz")[0] == 200
        until(lambda: gone(family), "all of the former platform is gone")


def test_a_killed_worker_is_replaced():
    with platform(app=SLOW) as made:
        made.start()
        until(lambda: len(made.workers) == 2, "two workers run")
        first, second = made.workers
        os.kill(first, signal.SIGKILL)
        until(lambda: len(set(made.workers) - {first, second}) == 1, "another worker has come")
        assert get(f"{made.address}/readyz")[0] == 200


def test_a_killed_postgresql_is_started_again_at_the_same_place():
    with platform(app=SLOW) as made:
        made.start()
        former = Cluster(made.folder).running()
        os.kill(former.pid, signal.SIGKILL)
        until(lambda: "postgresql answers again" in made.words, "it answers again")
        now = Cluster(made.folder).running()
        assert now.pid != former.pid
        assert now.socket_folder == former.socket_folder


def test_a_living_postgresql_is_adopted():
    with platform(app=SLOW) as made:
        made.start()
        made.stop()
        cluster = Cluster(made.folder, Options(state=Path(made.environment["MINKANG_STATE"])))
        cluster.start()
        pid = made.postmaster
        made.start()
        assert made.postmaster == pid
        assert "postgresql was running and is adopted" in made.words
        assert made.stop() == 0
        assert Cluster(made.folder).running() is None
        cluster.stop()


def test_a_pid_file_whose_number_belongs_to_a_stranger_does_not_stop_the_start():
    with platform(app=SLOW) as made:
        made.start()
        made.stop()
        home = Cluster(made.folder).home
        lines = [str(os.getpid()), str(home), "1700000000", "5432", "/nowhere", "", "1 1", "ready   ", ""]
        (home / "postmaster.pid").write_text("\n".join(lines))
        made.start()
        assert get(f"{made.address}/readyz")[0] == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that PostgreSQL's account cannot reach")
@pytest.mark.parametrize("where", ["below a closed folder", "the closed folder itself"])
def test_as_root_it_runs_in_a_closed_folder_and_opens_nothing(where):
    with platform(app=SLOW) as outer:
        closed = outer.folder.root / "closed"
        closed.mkdir(parents=True)
        closed.chmod(0o700)
        made = Platform(closed / "data" if where.startswith("below") else closed, app=SLOW)
        made.output = outer.folder.root / "output"
        made._environment = {"MINKANG_STATE": outer.environment["MINKANG_STATE"]}
        before = {path: path.stat().st_mode for path in [closed, *closed.parents]}
        made.start()
        assert get(f"{made.address}/readyz")[0] == 200
        home = Cluster(made.folder).home
        assert home.is_relative_to(made.environment["MINKANG_STATE"])
        assert "the database lies elsewhere" in made.words
        assert made.stop() == 0
        assert {path: path.stat().st_mode for path in before} == before


def _minkang(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MINKANG_")}
    command = [sys.executable, "-m", "minkang.app.cli", *arguments]
    return subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=60)
