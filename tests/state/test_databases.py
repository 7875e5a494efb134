"""State in a database: which, how it is found, and what it does not tell."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terse_temporal.errors import MissingExtraError, TerseError, TransientError
from terse_temporal.plugin import TersePlugin
from terse_temporal.state import Stored, open_store, opening, sql
from terse_temporal.testing import JobEnvironment

from .jobs_state import count
from .stores import add_one, state_of


async def test_tables_made_by_two_at_once(database: str) -> None:
    """Stores that begin at the same moment make the tables once."""
    stores = [open_store(database) for _ in range(8)]
    of = state_of("tables", database)
    try:
        assert await asyncio.gather(*(store.get(of, "key") for store in stores)) == [None] * 8
    finally:
        for store in stores:
            await store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://user:secret@host/db", "of 'mysql'"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_a_wrong_url(url: str, said: str) -> None:
    """A URL of another kind is refused when the store is opened, without its password."""
    with pytest.raises(TerseError, match=said) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


async def test_a_password_stays_secret(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A database that does not answer is an error that may pass, and neither it nor any log has the password."""
    monkeypatch.setattr(sql, "_PATIENCE", 0.2)
    caplog.set_level(logging.DEBUG)
    async with open_store("postgresql://ada:s3cr%40t@127.0.0.1:1/state") as store:
        with pytest.raises(TransientError) as caught:
            await store.get(state_of("job", "queue"), "key")
        assert "postgresql+psycopg://ada:***@127.0.0.1:1/state" in str(caught.value)
        for text in (str(caught.value), repr(store), caplog.text, repr(caught.value.__cause__)):
            assert "s3cr" not in text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s3cr@t@127.0.0.1/state",
        "postgresql://ada:s3cr@t:word@127.0.0.1/state",
        "postgresql://ada:s@s3cr/t@127.0.0.1/state",
        "postgresql://ada:s3cr",
    ],
)
def test_a_password_that_is_not_encoded(url: str) -> None:
    """It is refused, as what it is taken for would be shown."""
    with pytest.raises(TerseError, match="percent-encoded") as caught:
        open_store(url)
    assert "s3cr" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_password_in_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be a secret in the URL's query is not shown either."""
    monkeypatch.setattr(sql, "_PATIENCE", 0.2)
    async with open_store("postgresql://127.0.0.1:1/state?user=ada&password=s3cr%20t&sslpassword=s3cr2") as store:
        with pytest.raises((TransientError, TerseError)) as caught:
            await store.get(state_of("job", "queue"), "key")
        for text in (str(caught.value), repr(store)):
            assert "password=***" in text
            assert "user=ada" in text
            assert "s3cr" not in text


async def test_a_wrong_option(tmp_path: Path) -> None:
    """A value of the URL's query that the driver cannot read is an error that does not show it."""
    async with open_store(f"sqlite:///{tmp_path / 'state.db'}?timeout=s3cr") as store:
        with pytest.raises(TerseError, match="'timeout'") as caught:
            await store.get(state_of("job", "queue"), "key")
    assert "s3cr" not in str(caught.value)


async def test_a_statement_that_hangs(postgres_server: str, monkeypatch: pytest.MonkeyPatch, task_queue: str) -> None:
    """A database that does not answer a statement is what may pass, after the store's patience, and not for ever."""
    of = state_of("hangs", task_queue)
    async with open_store(postgres_server) as store, open_store(postgres_server) as other:
        await store.set(of, "n", 1, write="a")
        await other.get(of, "n")
        monkeypatch.setattr(sql, "_PATIENCE", 0.5)
        engine = await other._opened()
        async with engine.begin() as connection, asyncio.timeout(10):
            await connection.exec_driver_sql("LOCK TABLE terse_state IN ACCESS EXCLUSIVE MODE")
            # More than its pool has connections, too.
            results = await asyncio.gather(*(store.get(of, "n") for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in results} == {TransientError}
        assert "no answer" in str(results[0])
        monkeypatch.setattr(sql, "_PATIENCE", 10)
        assert await store.get(of, "n") == Stored(1)


async def test_old_keys_are_forgotten(database: str, monkeypatch: pytest.MonkeyPatch, task_queue: str) -> None:
    """The keys of writes are kept for seven days."""
    of = state_of("old", task_queue)
    async with open_store(database) as store:
        await store.update(of, "n", add_one, write="a")
        now = time.time()
        monkeypatch.setattr(sql, "_now", lambda: int(now) + 6 * 86_400)
        store._pruned_at = -1e9
        await store.set(of, "other", 1, write="b")
        assert await store.update(of, "n", add_one, write="a") == 1
        monkeypatch.setattr(sql, "_now", lambda: int(now) + 8 * 86_400)
        store._pruned_at = -1e9
        await store.set(of, "other", 2, write="c")
        assert await store.update(of, "n", add_one, write="a") == 2


async def test_by_the_environment(
    env: JobEnvironment, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TERSE_STATE a worker keeps state in that database, and on Temporal there is nothing of it."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    monkeypatch.setenv("TERSE_STATE", url)
    async with env.worker([count], task_queue=task_queue):
        assert await env.run(count, {"times": 2}, task_queue=task_queue) == 2
    async with open_store(url) as store:
        assert await store.get(state_of(count, task_queue), "count") == Stored(2)
    found = [each async for each in env.client.list_workflows(f"TaskQueue = '{task_queue}'")]
    assert "terse.state" not in [each.workflow_type for each in found]


def test_a_wrong_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TERSE_STATE that means nothing is refused when the worker is built."""
    monkeypatch.setenv("TERSE_STATE", "nonsense")
    with pytest.raises(TerseError, match="cannot be read"):
        TersePlugin([count]).configure_worker({})  # the store comes first


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SQLAlchemy the error says what to install."""
    monkeypatch.setattr(opening.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(MissingExtraError, match=r"pip install 'terse-temporal\[sql\]'"):
        open_store("sqlite:///state.db")


@pytest.mark.server
def test_nothing_of_it_is_imported_unasked() -> None:
    """SQLAlchemy is imported when a database is named, and not before."""
    code = "import sys, terse_temporal.worker; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
