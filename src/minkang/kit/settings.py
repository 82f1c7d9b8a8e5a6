"""The settings: read once from the environment (MINKANG_*) and the command line, checked, and then never changed.

One table describes them all. The command line, the reference page and the error messages are made from it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from minkang.kit import machine, targets
from minkang.kit.trouble import BadSetting

LOG_LEVELS = ("debug", "info", "warning", "error")
UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser()


def _between(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def _size(value: str) -> int:
    number, unit = value.lower().rstrip("b"), ""
    if number and number[-1] in UNITS:
        number, unit = number[:-1], number[-1]
    if not number.isascii() or not number.isdigit() or int(number) == 0:
        raise ValueError("a size like 50M, or a number of bytes")
    return int(number) * UNITS[unit]


def _span(value: str) -> timedelta:
    number, unit = value[:-1], value[-1:].lower()
    if (
        unit not in SPANS
        or not number.isascii()
        or not number.isdigit()
        or not 0 < int(number) * SPANS[unit] <= 366 * SPANS["d"]
    ):
        raise ValueError("a time like 30m, 24h or 7d")
    return timedelta(seconds=int(number) * SPANS[unit])


def _level(value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)}")
    return value.lower()


def _database(value: str) -> str:
    if urlsplit(value).scheme not in ("postgresql", "postgres"):
        raise ValueError("a URL like postgresql://user@host/database")
    return value


def _web(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("a URL like https://fhir.example.org/fhir")
    return value.rstrip("/")


def _targets(value: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in value.split(",") if one.strip())
    try:
        for one in found:
            if "?" in targets.target(one).path:
                raise ValueError
    except ValueError:
        raise ValueError("URLs like https://ris.example.org/notify, with commas between") from None
    return found


def _token(value: str) -> str:
    # RFC 6750, section 2.1: what a bearer token may consist of.
    if len(value) < 8 or not all(c.isascii() and (c.isalnum() or c in "-._~+/=") for c in value):
        raise ValueError("at least 8 letters, digits or -._~+/=")
    return value


def _is(read: Callable[[str], Any], text: str, *, shown: str | None = None, secret: bool = False) -> dict[str, Any]:
    """What is told about a field of Settings; `shown` is its default as the reference page writes it."""
    return {"read": read, "text": text, "shown": shown, "secret": secret}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may choose. Each field NAME is read from MINKANG_NAME."""

    data: Path = field(
        default=Path("data"),
        metadata=_is(_path, "Folder for the database, the keys and the logs. Made at the first start."),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_is(_text, "Address to listen on. One that other machines reach needs MINKANG_TOKEN."),
    )
    port: int = field(
        default=8000,
        metadata=_is(_between(0, 65535), "Port to listen on. 0 takes a free one and says which."),
    )
    workers: int = field(
        default_factory=machine.cores,
        metadata=_is(_between(1, 256), "Processes that answer requests.", shown="one for each core"),
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=_is(_token, "Bearer token that every request must carry, for scripts and tests.", secret=True),
    )
    database_url: str | None = field(
        default=None,
        repr=False,
        metadata=_is(
            _database,
            "PostgreSQL server to use instead of the embedded one, as postgresql://user:password@host/database.",
            secret=True,
        ),
    )
    base_url: str | None = field(
        default=None,
        metadata=_is(_web, "Address under which clients see the FHIR door, when a proxy stands before it."),
    )
    max_body: int = field(
        default=50 * 1024**2,
        metadata=_is(_size, "Largest request body, in bytes or like 50M.", shown="50M"),
    )
    log_level: str = field(
        default="info",
        metadata=_is(_level, f"How much is logged: {', '.join(LOG_LEVELS)}."),
    )
    connections: int = field(
        default=10,
        metadata=_is(_between(2, 500), "Database connections of each worker, at most."),
    )
    slow_search_ms: int = field(
        default=500,
        metadata=_is(
            _between(0, 3_600_000),
            "Searches that take longer are logged by the names of their parameters, in milliseconds; 0: none.",
        ),
    )
    bulk_files_keep: timedelta = field(
        default=timedelta(hours=24),
        metadata=_is(_span, "How long the files of an export wait to be fetched, like 30m, 24h or 7d.", shown="24h"),
    )
    import_from: Path | None = field(
        default=None,
        metadata=_is(_path, "Folder below which $import may read files. Without it only minkang import reads files."),
    )
    import_urls: tuple[str, ...] = field(
        default=(),
        metadata=_is(
            _targets,
            "From where $import may fetch files: beginnings of URLs, with commas between. None: from nowhere.",
            shown="",
        ),
    )
    inbox: Path | None = field(
        default=None,
        metadata=_is(_path, "Folder that is watched: documents, messages and tables that are put there are taken in."),
    )
    intake_keep: timedelta = field(
        default=timedelta(days=180),
        metadata=_is(
            _span, "How long receipts and messages that were taken are kept (documents far longer).", shown="180d"
        ),
    )
    intake_keep_errors: timedelta = field(
        default=timedelta(days=366),
        metadata=_is(_span, "How long those in quarantine and those refused are kept.", shown="366d"),
    )
    intake_size: int | None = field(
        default=None,
        metadata=_is(_size, "Room for messages that were taken, like 200G: beyond it the oldest days go earlier."),
    )
    subscription_targets: tuple[str, ...] = field(
        default=(),
        metadata=_is(
            _targets,
            "Where notifications of Subscriptions may be sent: beginnings of URLs, with commas between. None: nowhere.",
            shown="",
        ),
    )
    mllp_port: int = field(
        default=0,
        metadata=_is(
            _between(0, 65535), "Port for HL7 v2 over MLLP, usually 2575, on the same address; 0: none.", shown="0"
        ),
    )
    mllp_certificate: Path | None = field(
        default=None,
        metadata=_is(_path, "File with the certificate (PEM) for MLLP over TLS. Without it the line is not encrypted."),
    )
    mllp_key: Path | None = field(
        default=None,
        metadata=_is(_path, "File with the private key of that certificate, when it is not in the same file."),
    )
    hl7v2_receivers: Path | None = field(
        default=None,
        metadata=_is(_path, "File that says to whom HL7 v2 messages are sent when the record changes."),
    )
    postgres_bin: Path | None = field(
        default=None,
        metadata=_is(_path, "Folder with PostgreSQL's programs to use instead of those of the installed wheel."),
    )
    postgres_user: str = field(
        default="minkang",
        metadata=_is(_text, "Account that runs PostgreSQL when root starts the platform; made if missing."),
    )
    state: Path = field(
        default=Path("/var/lib/minkang"),
        metadata=_is(_path, "Only for root: folder for what PostgreSQL's account cannot reach elsewhere."),
    )

    @property
    def is_open(self) -> bool:
        """Other machines can reach it."""
        return not _is_loopback(self.host)


def load(environment: Mapping[str, str] | None = None, **chosen: Any) -> Settings:
    """Settings from the environment; what is `chosen` (on the command line) wins when it is not None."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for each in fields(Settings):
        variable = variable_of(each.name)
        if (given := chosen.get(each.name)) is not None:
            values[each.name] = _read(each, str(given), f"--{each.name.replace('_', '-')}")
        elif environment.get(variable, "") != "":
            values[each.name] = _read(each, environment[variable], variable)
    return _checked(Settings(**values))


def describe() -> list[tuple[str, str, str]]:
    """(variable, default, explanation) of each setting, in the order of the class."""
    rows: list[tuple[str, str, str]] = []
    for each in fields(Settings):
        default = each.default if each.metadata["shown"] is None else each.metadata["shown"]
        rows.append((variable_of(each.name), "" if default is None else str(default), each.metadata["text"]))
    return rows


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables that make `load` give the same settings in another process."""
    values = {variable_of(each.name): getattr(settings, each.name) for each in fields(Settings)}
    return {name: _written(value) for name, value in values.items() if value is not None}


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return f"{int(value.total_seconds())}s" if isinstance(value, timedelta) else str(value)


def variable_of(name: str) -> str:
    return f"MINKANG_{name.upper()}"


def _read(each: Any, value: str, source: str) -> Any:
    try:
        return each.metadata["read"](value)
    except ValueError as error:
        shown = "what is given" if each.metadata["secret"] else repr(value)
        raise BadSetting(f"{source} must be {error}, not {shown}.") from None


def _checked(settings: Settings) -> Settings:
    if settings.is_open and settings.token is None:
        raise BadSetting(
            f"Listening on {settings.host} lets other machines in, so a token is needed: give --token or MINKANG_TOKEN,"
            " or listen on 127.0.0.1."
        )
    if settings.mllp_port and settings.is_open:
        raise BadSetting(
            "MLLP carries no token, so it is only spoken on 127.0.0.1 for now: put a tunnel or an integration engine"
            " before it, and leave MINKANG_HOST as it is."
        )
    return settings


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
