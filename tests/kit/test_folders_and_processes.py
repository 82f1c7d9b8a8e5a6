"""Folders keep their permissions, locks end with their process, and processes end with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys

import pytest

from minkang.kit import processes
from minkang.kit.folders import DataFolder, held, make_folder
from minkang.kit.trouble import Trouble
from tests.lib.serving import until


def test_new_folders_have_their_permissions_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        folder = DataFolder(tmp_path / "a" / "data")
        folder.make()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder.root, folder.keys, folder.logs)}
    assert modes == {"data": 0o711, "keys": 0o700, "logs": 0o700}


def test_an_existing_folder_keeps_its_permissions(tmp_path):
    tmp_path.chmod(0o750)
    make_folder(tmp_path, 0o711)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_a_lock_is_held_once_and_names_its_holder(tmp_path):
    again = held(tmp_path / "lock", "taken by {pid}")
    with held(tmp_path / "lock", ""), pytest.raises(Trouble, match=f"taken by {os.getpid()}"), again:
        pass
    with held(tmp_path / "lock", "taken by {pid}"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_ends_with_a_process_that_was_killed(tmp_path):
    holding = (
        "import sys, time\nfrom pathlib import Path\nfrom minkang.kit.folders import held\n"
        "with held(Path(sys.argv[1]), ''):\n print('held', flush=True)\n sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Trouble, match=str(holder.pid)), held(tmp_path / "lock", "taken by {pid}"):
            pass
        holder.kill()
    with held(tmp_path / "lock", ""):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_process_that_waits_to_be_collected_does_not_count_as_alive():
    child = subprocess.Popen(["/bin/true"])
    until(lambda: not processes.alive(child.pid), "the child has ended")
    assert child.wait() == 0


def test_a_process_is_found_by_the_folder_it_works_in(tmp_path):
    with subprocess.Popen(["/bin/cat"], cwd=tmp_path, stdin=subprocess.PIPE) as child:
        until(lambda: processes.working_in(tmp_path) == [child.pid], "cat works there")
        assert child.stdin is not None
        child.stdin.close()
    assert processes.working_in(tmp_path) == []


def test_the_end_of_a_process_is_noticed():
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as child:
        child.terminate()
        asyncio.run(processes.end_of(child.pid))
        assert child.wait() == -signal.SIGTERM
    asyncio.run(processes.end_of(child.pid))  # of one that is gone already, too


def test_a_child_gets_the_signal_when_its_parent_is_killed(tmp_path):
    parent_of = (
        "import signal, subprocess, sys\nfrom minkang.kit import processes\n"
        "child = subprocess.Popen(['/bin/sleep', '600'],"
        " preexec_fn=processes.signal_when_parent_dies(signal.SIGTERM))\n"
        "print(child.pid, flush=True)\nchild.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent_of], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        assert processes.alive(child)
        parent.kill()
    until(lambda: not processes.alive(child), "the child has ended too")


def test_a_process_ends_when_its_parent_lets_go_even_if_it_hangs(tmp_path):
    hanging = (
        "import signal, threading\nfrom minkang.kit import processes\n"
        "signal.signal(signal.SIGTERM, lambda *_: open('asked', 'w').close())\n"
        "processes.end_with_parent(grace=0.2)\nprint('up', flush=True)\n"
        "while True:\n threading.Event().wait(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hanging], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"up\n"
        child.stdin.close()
        assert child.wait(30) == 1
    assert (tmp_path / "asked").exists()
