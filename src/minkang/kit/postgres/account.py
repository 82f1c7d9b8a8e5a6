"""The account of the operating system that runs PostgreSQL: ourselves, or one of its own when we are root.

PostgreSQL refuses to run as root, with good reason. So that root may start the platform, it runs as a system account
that is made when it is missing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minkang.kit.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def process(self) -> dict[str, Any]:
        """Arguments for `subprocess` that run the child as this account, with a bare environment."""
        arguments: dict[str, Any] = {
            "cwd": "/",
            "env": {"PATH": os.defpath, "LC_ALL": "C", "LANG": "C"},
        }
        return arguments if self.is_ours else arguments | {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Gives the file or folder to the account."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)

    def can(self, test: str, path: Path) -> bool:
        """Whether the account passes `test` (-r, -w, -x of the shell's test) on the path.

        Asked of the system itself, as that account, because permissions of all parents, access lists and mount options
        count, and only the kernel adds them up rightly.
        """
        return self.run(["/bin/sh", "-c", 'test "$0" "$1"', test, str(path)]).returncode == 0

    def run(self, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs the command as the account and waits for it; `text` is its standard input."""
        return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False, **self.process)


def for_postgres(name: str) -> Account:
    """The account PostgreSQL runs as. `name` counts only when we are root; it is made when it does not exist."""
    if os.geteuid() != 0:
        ours = pwd.getpwuid(os.geteuid())
        return Account(ours.pw_name, ours.pw_uid, ours.pw_gid)
    entry = _entry(name) or _made(name)
    if entry.pw_uid == 0:
        raise Trouble(
            f"PostgreSQL cannot run as {name}, because that is root. Choose another with MINKANG_POSTGRES_USER."
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _made(name: str) -> pwd.struct_passwd:
    commands = [
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent"],  # busybox
    ]
    reason = "neither useradd nor adduser is there"
    for command in commands:
        program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
        if program is None:
            continue
        done = subprocess.run(
            [program, *command[1:], "--shell" if "user-group" in " ".join(command) else "-s", "/bin/false", name],
            capture_output=True,
            text=True,
            check=False,
        )
        entry = _entry(name)  # made by us, or in the same moment by another start
        if entry is not None:
            return entry
        reason = done.stderr.strip() or f"{command[0]} ended with {done.returncode}"
    raise Trouble(
        f"PostgreSQL must not run as root, and an account {name} for it could not be made ({reason}). Start as another "
        "user, or name an existing account in MINKANG_POSTGRES_USER."
    )
