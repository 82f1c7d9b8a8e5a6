"""Files that an import through a door may read: those below one folder, and below the addresses, that whoever runs the
platform has named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from minkang.fhir.problem import Forbidden, Incorrect, NotFound
from minkang.kit.targets import PORTS, NotAllowed, allowed
from minkang.store.bulk.lines import files_of


def found(folder: Path | None, urls: Iterable[str], prefixes: Sequence[str] = ()) -> list[str]:
    """What the urls name, in their order: paths of files, and addresses of other machines, which are allowed below the
    `prefixes`. Raises Forbidden, Incorrect, NotFound."""
    wanted: list[str] = []
    for url in urls:
        if urlsplit(url).scheme in PORTS:
            wanted.append(_allowed(url, prefixes))
        else:
            wanted += map(str, files(folder, [url]))
    return wanted


def _allowed(url: str, prefixes: Sequence[str]) -> str:
    try:
        allowed(url, prefixes)
    except NotAllowed as refused:
        raise Forbidden(f"{url[:100]!r} is not fetched: {refused} See MINKANG_IMPORT_URLS.") from None
    return url


def files(folder: Path | None, urls: Iterable[str]) -> list[Path]:
    """The files that urls (`file:///srv/incoming/a.ndjson`) or paths in the folder (`h7/a.ndjson`, `h7`) name.

    Raises Forbidden when no folder is named, Incorrect for other urls, NotFound for what is not below it: what else is
    on the machine must not show in the answer. Links are followed before that is decided.
    """
    if folder is None:
        raise Forbidden("No folder is named from which files may be imported; see MINKANG_IMPORT_FROM.")
    top = folder.resolve()
    return [file for url in urls for file in _below(top, url)]


def _below(top: Path, url: str) -> list[Path]:
    parts = urlsplit(url)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise Incorrect(f"{url[:100]!r} is no file: give file:///... or a path in the folder for imports.")
    missing = NotFound(f"{url[:100]!r} names no .ndjson file below the folder for imports.")
    try:
        path = (top / unquote(parts.path)).resolve()
        inside = files_of([path]) if path.is_relative_to(top) else []
    except (OSError, ValueError):  # not there, not readable, or no path at all
        raise missing from None
    resolved = [file.resolve() for file in inside]
    if not resolved or not all(file.is_relative_to(top) and file.is_file() for file in resolved):
        raise missing
    return resolved
