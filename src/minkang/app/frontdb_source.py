"""Databases of others: the standard tables as SQLAlchemy knows them, their DDL, and rows in the order of their change.

SQLAlchemy is used here and in `sharing_targets.py` alone (docs/decisions/0025). All of it blocks: the agent calls it in
a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable, SetColumnComment, SetTableComment

from minkang.gateways.frontdb.wire import Column, Table, layout
from minkang.kit.trouble import Trouble

DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "oracle": "oracle+oracledb",
    "mssql": "mssql+pymssql",
    "dm": "dm+dmPython",
}
"""Driver by the beginning of the URL; another one is named as SQLAlchemy does (`mssql+pyodbc://`)."""

INSTALL = {
    "oracle+oracledb": "oracledb",
    "mssql+pymssql": "pymssql",
    "dm+dmPython": "dmPython dmSQLAlchemy (from 达梦's installation)",
}

DIALECTS = ("mysql", "postgresql", "oracle", "mssql")

LONG = 1000
"""Characters above which a column is a text without a limit: Oracle ends NVARCHAR2 at 2000."""


class Place(NamedTuple):
    """Up to where a table was read: time of change, then the row's key."""

    moment: datetime
    key: tuple[str, ...] = ()


def metadata(prefix: str) -> sa.MetaData:
    """All standard tables."""
    made = sa.MetaData()
    for table in layout().values():
        _table(made, table, prefix)
    return made


def _table(made: sa.MetaData, table: Table, prefix: str) -> sa.Table:
    columns = [_column(one, key=one.name in table.keys) for one in table.columns]
    name = f"{prefix}{table.name}"
    index = sa.Index(f"{name}_changed", "update_time")
    return sa.Table(name, made, *columns, index, comment=table.zh, mysql_charset="utf8mb4")


def _column(column: Column, *, key: bool) -> sa.Column[Any]:
    comment = f"{column.zh} {column.de}".strip()
    default = sa.text("0") if column.name == "deleted" else None
    return sa.Column(
        column.name,
        _type(column),
        primary_key=key,
        nullable=not (column.need or key),
        comment=comment,
        server_default=default,
        autoincrement=False,
    )


def _type(column: Column) -> sa.types.TypeEngine[Any]:
    if column.kind in ("text", "code"):
        return sa.UnicodeText() if column.size[0] > LONG else sa.Unicode(column.size[0])
    if column.kind == "decimal":
        return sa.Numeric(column.size[0], column.size[1])
    return {"integer": sa.Integer(), "date": sa.Date(), "datetime": sa.DateTime()}[column.kind]


def statements(dialect: str, prefix: str) -> str:
    """Tables, indexes and comments as one script. Raises Trouble for a dialect that there is none of."""
    if dialect not in DIALECTS:
        raise Trouble(f"There is no DDL for {dialect!r}; there is for {', '.join(DIALECTS)} (达梦 takes oracle's).")
    speaks = _dialect(dialect)
    out: list[str] = []
    for table in metadata(prefix).tables.values():
        out.append(str(CreateTable(table).compile(dialect=speaks)).strip())
        out += [str(CreateIndex(one).compile(dialect=speaks)) for one in table.indexes]
        if speaks.supports_comments and not speaks.inline_comments:
            out.append(str(SetTableComment(table).compile(dialect=speaks)))
            out += [str(SetColumnComment(one).compile(dialect=speaks)) for one in table.columns]
    return "".join(f"{one};\n\n" for one in out)


def _dialect(name: str) -> Any:
    speaks: Any = registry.load(name)()
    speaks.default_schema_name = "dbo" if name == "mssql" else None
    return speaks


class Source:
    """One front-end database."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = address(url)
        self._engine = engine(self.url)
        self._prefix = prefix
        self.name = f"{self.url.host or ''}/{self.url.database or ''}"

    def close(self) -> None:
        self._engine.dispose()

    def now(self) -> datetime:
        """By the clock that writes `update_time`."""
        with self._engine.connect() as connection:
            found: Any = connection.execute(sa.select(sa.func.current_timestamp())).scalar_one()
        return _naive(found) if isinstance(found, datetime) else datetime.fromisoformat(str(found))

    def tables(self, chosen: Sequence[str]) -> dict[str, sa.Table]:
        """The standard tables that are there, with those of their columns that are. Raises Trouble when a column is
        missing without which a row cannot be read."""
        unknown = set(chosen) - layout().keys()
        if unknown:
            raise Trouble(f"There is no standard table {', '.join(sorted(unknown))}; there are {', '.join(layout())}.")
        inspector = sa.inspect(self._engine)
        names = {name.lower(): name for name in (*inspector.get_table_names(), *inspector.get_view_names())}
        found: dict[str, sa.Table] = {}
        for table in layout().values():
            name = names.get(f"{self._prefix}{table.name}".lower())
            if name is not None and (not chosen or table.name in chosen):
                there = {one["name"].lower(): one["name"] for one in inspector.get_columns(name)}
                found[table.name] = _present(table, name, there)
        return found

    def rows(self, table: Table, there: sa.Table, after: Place, limit: int) -> list[Mapping[str, Any]]:
        """The next rows behind a place, by time of change and key; without a key its own moment is taken, too."""
        moment, keys = there.c["update_time"], [there.c[one] for one in table.keys]
        where = moment > after.moment if after.key else moment >= after.moment
        if after.key:
            where = sa.or_(where, sa.and_(moment == after.moment, _behind(keys, after.key)))
        asked = sa.select(there).where(where).order_by(moment, *keys).limit(limit)
        with self._engine.connect() as connection:
            return [dict(one) for one in connection.execute(asked).mappings()]

    def untimed(self, there: sa.Table) -> int:
        """Rows that nobody will ever read: they do not say when they were changed."""
        asked = sa.select(sa.func.count()).select_from(there).where(there.c["update_time"].is_(None))
        with self._engine.connect() as connection:
            return connection.execute(asked).scalar_one()


def place_of(table: Table, row: Mapping[str, Any]) -> Place:
    return Place(_naive(row["update_time"]), tuple(str(row[one]) for one in table.keys))


def address(url: str) -> URL:
    """Raises Trouble for what is no URL of a database, without telling a password."""
    try:
        found = make_url(url)
    except ArgumentError:
        raise Trouble("--source takes a URL such as mysql://user:password@host:3306/database.") from None
    return found.set(drivername=DRIVERS.get(found.drivername, found.drivername))


def engine(url: URL) -> Engine:
    try:
        return sa.create_engine(url, pool_pre_ping=True, pool_size=2)
    except (NoSuchModuleError, ModuleNotFoundError):
        what = INSTALL.get(url.drivername, f"the driver for {url.drivername}")
        raise Trouble(f"This database needs a driver that is not installed: pip install {what}.") from None


def reason(error: SQLAlchemyError) -> str:
    """What went wrong, without statements and values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0][:300]}"


def _present(table: Table, name: str, there: Mapping[str, str]) -> sa.Table:
    missing = [one.name for one in table.columns if one.name not in there and (one.need or one.name in table.keys)]
    if missing:
        raise Trouble(
            f"The table {name} has no column {', '.join(missing)}: minkang frontdb ddl prints it as it must be."
        )
    columns = [sa.Column(there[one.name], _type(one), key=one.name) for one in table.columns if one.name in there]
    return sa.Table(name, sa.MetaData(), *columns)


def _behind(keys: Sequence[sa.Column[Any]], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Comparing rows of values is written out: not every database has it."""
    found: sa.ColumnElement[bool] = sa.false()
    for at, key in enumerate(keys):
        before = [one == values[number] for number, one in enumerate(keys[:at])]
        found = sa.or_(found, sa.and_(*before, key > values[at]))
    return found


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)
