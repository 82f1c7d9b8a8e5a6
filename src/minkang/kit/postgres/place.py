"""Where a cluster and its socket lie, so that the account that runs PostgreSQL reaches them and nobody else does.

Permissions of folders that exist already, parents above all, are never changed. When root starts the platform in a
folder that PostgreSQL's account cannot reach (below root's home, say), the cluster goes to `state` and the data folder
gets a symbolic link to it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import stat
import tempfile
from pathlib import Path

from minkang.kit.folders import DataFolder, make_folder
from minkang.kit.postgres.account import Account
from minkang.kit.trouble import Trouble

LONGEST_SOCKET = 100
"""A socket's path has at most 107 bytes (unix(7)); the name in the folder is `.s.PGSQL.5432`."""


def existing(folder: DataFolder) -> Path | None:
    """The folder of the cluster that belongs to this data folder, or None when there is none yet."""
    if not folder.postgres.is_symlink() and not folder.postgres.exists():
        return None
    home = folder.postgres.resolve()
    if not home.is_dir():
        raise Trouble(
            f"The database of {folder.root} lay in {home}, and that folder is gone. Restore a backup elsewhere."
        )
    return home


def owner(home: Path) -> Account:
    """The account a cluster belongs to: the only one PostgreSQL lets run it."""
    status = home.stat()
    try:
        entry = pwd.getpwuid(status.st_uid)
    except KeyError as error:
        raise Trouble(
            f"The database in {home} belongs to account number {status.st_uid}, which does not exist."
        ) from error
    if status.st_uid == 0:
        raise Trouble(
            f"The database in {home} belongs to root, and PostgreSQL must not run as root: chown it to another."
        )
    found = Account(entry.pw_name, status.st_uid, entry.pw_gid)
    if os.geteuid() not in (0, found.uid):
        raise Trouble(
            f"The database in {home} belongs to {found.name}. Start as {found.name}, or choose another --data."
        )
    return found


def chosen(folder: DataFolder, account: Account, state: Path) -> Path:
    """Where the cluster of a data folder without one will lie. Makes parents of it that are ours, not the folder."""
    if account.is_ours or account.can("-x", folder.root):
        return folder.postgres.absolute()
    # A name of its own each time: a data folder that was deleted and made again must not find its former database,
    # which was sealed with a key that is gone.
    home = state / "clusters" / f"{folder.root.resolve().name}-{secrets.token_hex(4)}"
    neither = f"The account {account.name}, which runs PostgreSQL, reaches neither {folder.root} nor {state}"
    try:
        for part in (state, home.parent, home):
            make_folder(part, 0o711)
        (home / "data-folder").write_text(f"{folder.root.resolve()}\n")
    except OSError as error:
        raise Trouble(f"{neither}, which cannot be made: {error.strerror}. Choose another in MINKANG_STATE.") from error
    if not account.can("-x", home):
        raise Trouble(f"{neither}. Choose another folder in MINKANG_STATE.")
    return home / "postgres"


def socket_folder(folder: DataFolder, account: Account) -> Path:
    """The private folder for the socket: the one recorded in the data folder if it still stands, else a new one."""
    record = folder.run / "socket"
    with contextlib.suppress(OSError):
        recorded = Path(record.read_text().strip())
        if _is_private(recorded, account):
            return recorded
    made = _make_socket_folder(account)
    record.write_text(f"{made}\n")
    return made


def forget_socket_folder(folder: DataFolder) -> None:
    """Removes the recorded socket folder, which is empty once PostgreSQL has stopped."""
    record = folder.run / "socket"
    with contextlib.suppress(OSError):
        recorded = Path(record.read_text().strip())
        record.unlink()
        if recorded.name.startswith("minkang-"):
            for path in recorded.glob(".s.PGSQL.*"):
                path.unlink()
            recorded.rmdir()


def _make_socket_folder(account: Account) -> Path:
    candidates = [Path("/run")] if os.geteuid() == 0 else []
    # The temporary folder may be long (macOS) or below root's home; /tmp and /var/tmp are the usual way out.
    candidates += [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - a private folder is made in it
    for parent in candidates:
        with contextlib.suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix="minkang-", dir=parent))
            if len(os.fsencode(made / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
                account.own(made)
                if account.can("-x", made):
                    return made
            made.rmdir()
    raise Trouble(
        f"No place for PostgreSQL's socket: tried {', '.join(map(str, candidates))}. Set TMPDIR to a short path."
    )


def _is_private(path: Path, account: Account) -> bool:
    """A real folder of that account that nobody else may enter: /tmp is open to all, so this is not taken on trust."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and not status.st_mode & 0o077
