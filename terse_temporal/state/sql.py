"""State in a database: SQLite or PostgreSQL, through SQLAlchemy.

Two tables, made on first use. The version of a value is the key of the write that made it, and an update replaces a
value only if that is still the one it was computed from: no lock is held while a user's function runs. A write and the
record of its key are one transaction, which begins with the record: a repeated write finds it and changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from ..diagnostics.redaction import Secrets
from ..errors import MissingExtraError, StateError, TransientError
from ..execution.backoff import Backoff
from .store import StateId, StateStore, Stored

__all__ = ["SQLStore"]

_T = TypeVar("_T")

#: By the name in the URL: the driver that is used, whatever driver the URL names.
_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}

#: How long the key of a write is kept: a step that was interrupted on Friday runs again on Monday.
_KEPT: Final = timedelta(days=7)

#: How often a worker looks for keys that are older.
_PRUNED_EVERY: Final = timedelta(hours=1)

#: How long a call is tried again here, in seconds, when the connection breaks or the database is locked. The step that
#: it is in is tried again after that.
_PATIENCE: Final = 10.0

#: How long SQLite waits for another process's write, in milliseconds: two attempts are within the patience.
_BUSY: Final = 4_000

#: How long PostgreSQL may take to answer at all, in seconds, where the URL does not say.
_CONNECT: Final = 4

#: What of a URL's query is shown as it is; other values may be secrets.
_SHOWN: Final = frozenset(["host", "port", "dbname", "user", "sslmode", "mode", "uri", "cache", "connect_timeout"])

#: Any number: workers that start at once make the tables one after the other.
_ADVISORY_LOCK: Final = 7_308_604_895

_metadata: Final = MetaData()


class _Json(TypeDecorator[Any]):
    """JSON; in SQLite as a string, because its JSON columns have a number's affinity, which changes numbers."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return json.dumps(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if dialect.name == "sqlite" else value


def _owner() -> list[Column[str]]:
    return [Column(name, String, primary_key=True) for name in ("namespace", "task_queue", "job")]


_values: Final = Table(
    "terse_state",
    _metadata,
    *_owner(),
    Column("key", String, primary_key=True),
    Column("value", _Json, nullable=False),
    Column("version", String, nullable=False),
    Column("written_at", BigInteger, nullable=False),
)

_writes: Final = Table(
    "terse_state_writes",
    _metadata,
    *_owner(),
    Column("write", String, primary_key=True),
    Column("result", _Json, nullable=False),
    Column("written_at", BigInteger, nullable=False, index=True),
)


class _Repeated(Exception):  # noqa: N818  # not an error: there is nothing to do
    """The write has been applied."""


class _Conflict(Exception):  # noqa: N818  # not an error: the update is computed again
    """Another write came between."""


class SQLStore(StateStore):
    """Keeps the state of jobs in a database.

    Args:
        url: as SQLAlchemy has them: `sqlite:///state.db`, `postgresql://user:password@host/database`.

    Raises:
        MissingExtraError: the database's driver is not installed.
        StateError: it is no such URL, or of another database.

    The tables `terse_state` and `terse_state_writes` are made when they are not there. A file of SQLite is for workers
    on one machine. The keys of writes are kept for seven days.
    """

    def __init__(self, url: str) -> None:
        self._url = _check(url)
        self._engine: AsyncEngine | None = None
        self._ready = asyncio.Lock()
        self._pruned_at = 0.0

    async def close(self) -> None:
        """Close its connections. It opens new ones when it is used again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def get(self, of: StateId, key: str) -> Stored | None:
        found = await self._read(of, key)
        return None if found is None else Stored(found[1])

    async def items(self, of: StateId) -> dict[str, Any]:
        async def read(connection: AsyncConnection) -> dict[str, Any]:
            rows = await connection.execute(
                select(_values.c.key, _values.c.value).where(_is(_values, of)).order_by(_values.c.key)
            )
            return {row.key: row.value for row in rows}

        return await self._tried(read)

    async def set(self, of: StateId, key: str, value: Any, *, write: str) -> None:
        async def put(connection: AsyncConnection) -> None:
            await _record(connection, of, write, None)
            new = {"value": value, "version": write, "written_at": _now()}
            changed = await connection.execute(update(_values).where(_is(_values, of, key=key)).values(new))
            if not changed.rowcount:
                await _insert(connection, of, key, new)

        await self._written(put)

    async def delete(self, of: StateId, key: str, *, write: str) -> None:
        async def remove(connection: AsyncConnection) -> None:
            await _record(connection, of, write, None)
            await connection.execute(delete(_values).where(_is(_values, of, key=key)))

        await self._written(remove)

    async def update(
        self, of: StateId, key: str, change: Callable[[Stored | None], Awaitable[Any]], *, write: str
    ) -> Any:
        backoff = Backoff(first=0.01, longest=0.2)
        while True:
            # Looked for first: what it was once computed from is gone, and `change` may refuse what is there now.
            done = await self._result(of, write)
            if done is not None:
                return done.value
            found = await self._read(of, key)
            try:
                value = await change(None if found is None else Stored(found[1]))
            except Exception:
                # An attempt before may have been at it until now.
                if (done := await self._result(of, write)) is not None:
                    return done.value
                raise
            try:
                if await self._replace(of, key, found[0] if found else None, value, write):
                    return value
            except _Conflict:
                await backoff.wait()

    async def _replace(self, of: StateId, key: str, base: str | None, value: Any, write: str) -> bool:
        """Replace a value that has still the version `base`; false if the write has been applied before."""

        async def put(connection: AsyncConnection) -> None:
            await _record(connection, of, write, value)
            new = {"value": value, "version": write, "written_at": _now()}
            if base is None:
                await _insert(connection, of, key, new)
                return
            unchanged = and_(_is(_values, of, key=key), _values.c.version == base)
            changed = await connection.execute(update(_values).where(unchanged).values(new))
            if not changed.rowcount:
                raise _Conflict

        return await self._written(put, is_update=True)

    async def _result(self, of: StateId, write: str) -> Stored | None:
        """Return what an update gave, if it has been made."""

        async def read(connection: AsyncConnection) -> Stored | None:
            rows = await connection.execute(select(_writes.c.result).where(_is(_writes, of, write=write)))
            row = rows.one_or_none()
            return None if row is None else Stored(row.result)

        return await self._tried(read)

    async def _read(self, of: StateId, key: str) -> tuple[str, Any] | None:
        async def read(connection: AsyncConnection) -> tuple[str, Any] | None:
            rows = await connection.execute(select(_values.c.version, _values.c.value).where(_is(_values, of, key=key)))
            row = rows.one_or_none()
            return None if row is None else (row.version, row.value)

        return await self._tried(read)

    async def _written(self, put: Callable[[AsyncConnection], Awaitable[None]], *, is_update: bool = False) -> bool:
        """Do a write in a transaction; false if it has been done before."""
        while True:
            try:
                await self._tried(put)
            except _Repeated:
                return False
            except _Conflict:
                if is_update:
                    raise
                continue  # two that set a key for the first time: now it is there
            await self._prune()
            return True

    async def _tried(self, call: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Make a call in a transaction, again when the connection breaks or the database is locked."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        backoff = Backoff(first=0.05, until=until)
        while True:
            try:
                # One that hangs ends with the patience.
                async with asyncio.timeout_at(until):
                    engine = await self._opened()
                    async with engine.begin() as connection:
                        return await call(connection)
            except (DBAPIError, OSError, PoolTimeoutError) as err:
                # Without its cause: that may hold the values, and the URL.
                problem = self._said(err)
                if isinstance(err, DBAPIError) and not (
                    isinstance(err, OperationalError | InterfaceError) or err.connection_invalidated
                ):
                    raise StateError(f"the state store {self._format()}: {problem}") from None
                if not await backoff.wait():
                    raise TransientError(
                        f"the state store {self._format()} could not be used for {_PATIENCE:g} seconds: {problem}"
                    ) from None

    async def _opened(self) -> AsyncEngine:
        async with self._ready:
            if self._engine is None:
                engine = _engine(self._url)
                try:
                    async with engine.begin() as connection:
                        await connection.run_sync(_make_tables)
                except BaseException:
                    await engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    async def _prune(self) -> None:
        """Forget the keys of old writes, now and then."""
        if time.monotonic() - self._pruned_at < _PRUNED_EVERY.total_seconds():
            return
        self._pruned_at = time.monotonic()

        async def prune(connection: AsyncConnection) -> None:
            oldest = _now() - int(_KEPT.total_seconds())
            await connection.execute(delete(_writes).where(_writes.c.written_at < oldest))

        await self._tried(prune)

    def _format(self) -> str:
        masked = dict.fromkeys(self._secret_parts(), "***")
        shown = self._url.update_query_dict(masked).render_as_string(hide_password=True)
        return repr(shown.replace("%2A%2A%2A", "***"))

    def _secret_parts(self) -> list[str]:
        """Return what of the URL's query may be a secret."""
        return [name for name in self._url.query if name.lower() not in _SHOWN]

    def _said(self, error: Exception) -> str:
        said = " ".join(str(getattr(error, "orig", None) or error).split()) or "no answer"
        values = [self._url.password or "", *(self._url.query[name] for name in self._secret_parts())]
        secrets = Secrets("***")
        for value in values:
            secrets.name(*([value] if isinstance(value, str) else value))
        return secrets.redact(said)

    def __repr__(self) -> str:
        return f"<SQLStore {self._format()}>"


def _check(url: str) -> URL:
    try:
        parsed = make_url(url)
        # A password with an `@` in it: what comes after the first would be taken for the host, and be shown.
        if parsed.get_backend_name() != "sqlite" and url.partition("?")[0].count("@") > 1:
            raise ValueError
    # ValueError: what is at the port's place is no number.
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StateError(
            "the URL of the state store cannot be read. It is one of SQLAlchemy's: sqlite:///state.db, or"
            " postgresql://user:password@host/database, with what is special in a password percent-encoded"
        ) from None
    name = parsed.get_backend_name() if "+" in parsed.drivername else parsed.drivername
    if name not in _DRIVERS:
        raise StateError(f"state can be kept in sqlite or postgresql, and the URL of the state store is of {name!r}")
    if name == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StateError("state in a database of SQLite needs a file, which outlives the worker: sqlite:///state.db")
    return parsed.set(drivername=_DRIVERS[name])


def _engine(url: URL) -> AsyncEngine:
    try:
        # Neither statements' values nor the URL reach a log or an error of SQLAlchemy's.
        connecting = {}
        if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
            connecting["connect_timeout"] = _CONNECT
        engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connecting)
    except (ModuleNotFoundError, NoSuchModuleError) as err:
        raise MissingExtraError(
            f"keeping state in {url.get_backend_name()} needs its driver ({err}): pip install 'terse-temporal[sql]'"
        ) from None
    except (ArgumentError, TypeError, ValueError):
        # Without what it says, which may be a value of the URL's.
        raise StateError(
            "the URL of the state store has a value after its `?` that the driver does not take"
            f" (it names {', '.join(map(repr, url.query)) or 'none'}). Correct it, or leave it out."
        ) from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    # Waiting first, because the change to a log that readers and a writer share needs the file for itself.
    cursor.execute(f"PRAGMA busy_timeout={_BUSY}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def _make_tables(connection: Connection) -> None:
    if all(inspect(connection).has_table(table.name) for table in _metadata.sorted_tables):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    else:
        # The lock for writing, before it is looked again what is there.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    _metadata.create_all(connection)


def _is(table: Table, of: StateId, **more: str) -> ColumnElement[bool]:
    wanted = {**_columns(of), **more}
    return and_(*(table.c[name] == value for name, value in wanted.items()))


def _columns(of: StateId) -> dict[str, str]:
    return {"namespace": of.namespace, "task_queue": of.task_queue, "job": of.job}


async def _record(connection: AsyncConnection, of: StateId, write: str, result: Any) -> None:
    """Record that a write is applied."""
    row = {**_columns(of), "write": write, "result": result, "written_at": _now()}
    try:
        await connection.execute(insert(_writes).values(row))
    except IntegrityError:
        raise _Repeated from None


async def _insert(connection: AsyncConnection, of: StateId, key: str, new: dict[str, Any]) -> None:
    try:
        await connection.execute(insert(_values).values({**_columns(of), "key": key, **new}))
    except IntegrityError:
        raise _Conflict from None


def _now() -> int:
    return int(time.time())
