"""Writing what has become of a delivery that is in the spool."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ...errors import SpoolError
from ...triggers.deliveries import Delivery
from .records import State
from .sealing import sealed
from .times import now_in_microseconds

__all__ = ["check", "mark", "mark_offered", "offer", "settle_body", "start_again", "try_all"]


def mark(
    connection: sqlite3.Connection, number: int, job: str, state: State, *, reason: str = "", retry_at: int = 0
) -> None:
    """Record how a delivery stands with a job that it waited for; a reason that it waits on is that of a failure."""
    failed = 1 if state == "waiting" else 0
    connection.execute(
        "UPDATE targets SET state = ?, reason = ?, attempts = attempts + ?, retry_at = ?, changed_at = ?"
        " WHERE delivery = ? AND job = ? AND state = 'waiting'",
        (state, sealed(reason) if reason else "", failed, retry_at, now_in_microseconds(), number, job),
    )
    settle_body(connection, number)


def try_all(connection: sqlite3.Connection) -> None:
    """Have all that waits for another attempt tried at once."""
    connection.execute("UPDATE targets SET retry_at = 0 WHERE state = 'waiting' AND retry_at > 0")


def mark_offered(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Record that deliveries were offered to the runs that wait."""
    for number in numbers:
        connection.execute("UPDATE deliveries SET offered = 1 WHERE number = ?", (number,))
        settle_body(connection, number)


def offer(connection: sqlite3.Connection, delivery: Delivery, run: str) -> None:
    """Record that a run was given a delivery."""
    connection.execute(
        "INSERT OR IGNORE INTO offers (delivery, run)"
        " SELECT number, ? FROM deliveries WHERE source = ? AND address = ? AND id = ?",
        (run, delivery.source, delivery.job or "", delivery.id),
    )


def settle_body(connection: sqlite3.Connection, number: int) -> None:
    """Say what the body of a delivery is there for, after something has changed."""
    connection.execute(
        "UPDATE deliveries SET body = CASE"
        " WHEN body = 'gone' THEN 'gone'"
        " WHEN offered = 0 THEN 'needed'"
        " WHEN EXISTS (SELECT 1 FROM targets WHERE delivery = number AND state = 'waiting') THEN 'needed'"
        " WHEN EXISTS (SELECT 1 FROM targets WHERE delivery = number AND state = 'refused') THEN 'refused'"
        " ELSE 'spare' END, settled_at = ? WHERE number = ?",
        (now_in_microseconds(), number),
    )


def start_again(connection: sqlite3.Connection, number: int) -> list[str]:
    """Have a delivery tried again at once with the jobs that have refused it or that it waits for, and return them.

    Raises:
        SpoolError: its body is gone. Nothing was written.
    """
    rows = connection.execute(
        "SELECT job FROM targets WHERE delivery = ? AND state <> 'started' ORDER BY position", (number,)
    ).fetchall()
    if rows and connection.execute("SELECT body FROM deliveries WHERE number = ?", (number,)).fetchone() == ("gone",):
        raise SpoolError("its body is no longer kept: have it sent again by who has sent it")
    connection.execute(
        "UPDATE targets SET state = 'waiting', retry_at = 0, changed_at = ? WHERE delivery = ? AND state <> 'started'",
        (now_in_microseconds(), number),
    )
    settle_body(connection, number)
    return [job for (job,) in rows]


def check(connection: sqlite3.Connection, size: int) -> None:
    """Write so many bytes, to find out whether that can be done."""
    connection.execute(
        "INSERT OR REPLACE INTO checks (number, at, padding) VALUES (1, ?, zeroblob(?))", (now_in_microseconds(), size)
    )
