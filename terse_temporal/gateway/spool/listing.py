"""Looking into a spool from outside, beside the gateway that writes it or without one, and having it try again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ...diagnostics.places import shown_path
from ...errors import SpoolError
from .changes import start_again
from .reading import body_of
from .records import DeliveryRow, State, TargetRow
from .schema import FILE, open_to_read, open_to_write, said_by
from .sealing import unsealed_text
from .times import from_microseconds, to_microseconds

__all__ = ["SpoolFile"]

_COLUMNS: Final = "number, source, address, id, kind, received_at, size, body"


class SpoolFile:
    """The spool in a directory.

    Args:
        directory: of a gateway, which may be running.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deliveries(
        self,
        *,
        state: State | None = None,
        source: str | None = None,
        since: datetime | None = None,
        id: str | None = None,
        limit: int | None = None,
    ) -> list[DeliveryRow]:
        """Return deliveries, the newest first.

        Args:
            state: those that stand so with one of their jobs.
            source: those of a sender.
            since: those that came since then.
            id: those of this id, which several senders may have used.
            limit: how many at most.

        Raises:
            SpoolError: there is no spool, or it cannot be read.
        """
        conditions = ["1"]
        values: list[Any] = []
        if state is not None:
            conditions.append("number IN (SELECT delivery FROM targets WHERE state = ?)")
            values.append(state)
        for column, value in (("source", source), ("id", id)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if since is not None:
            conditions.append("received_at >= ?")
            values.append(to_microseconds(since))
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?",
                (*values, -1 if limit is None else limit),
            ).fetchall()
            return [_row(connection, each) for each in rows]

    def body(self, number: int) -> tuple[dict[str, str], Any] | None:
        """Return the headers and the body of a delivery; `None` where they are no longer kept."""
        with self._reading() as connection:
            return body_of(connection, number)

    def retry(self, number: int) -> list[str]:
        """Have a delivery tried again with the jobs that have refused it or that it waits for, and return these.

        A gateway that runs sees it within a second; else the next one does.

        Raises:
            SpoolError: its body is no longer kept, or the spool cannot be written.
        """
        with self._reading():  # or there is none, which is not to be made
            pass
        with _told(self._directory):
            connection = open_to_write(self._directory)
            try:
                connection.execute("BEGIN IMMEDIATE")
                jobs = start_again(connection, number)
                connection.execute("COMMIT")
                return jobs
            finally:
                connection.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _told(self._directory):
            connection = open_to_read(self._directory)
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.close()


def _row(connection: sqlite3.Connection, row: Any) -> DeliveryRow:
    number, source, address, own_id, kind, received_at, size, body = row
    targets = connection.execute(
        "SELECT job, run_id, state, reason, attempts, retry_at, changed_at FROM targets WHERE delivery = ?"
        " ORDER BY position",
        (number,),
    )
    return DeliveryRow(
        number=number,
        source=source,
        id=own_id,
        kind=kind,
        job=address or None,
        received_at=from_microseconds(received_at),
        size=size,
        has_body=body != "gone",
        offered_to=connection.execute("SELECT count(*) FROM offers WHERE delivery = ?", (number,)).fetchone()[0],
        targets=tuple(_target(each) for each in targets),
    )


def _target(row: Any) -> TargetRow:
    job, run_id, state, reason, attempts, retry_at, changed_at = row
    due = from_microseconds(retry_at) if state == "waiting" and retry_at else None
    return TargetRow(job, run_id, state, unsealed_text(reason), attempts, due, from_microseconds(changed_at))


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SpoolError(f"the spool {shown_path(str(directory / FILE))!r} cannot be used {said_by(error)}") from error
