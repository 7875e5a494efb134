"""Reading the spool: what is to be done, what there is, beside whoever writes it.

Every read is short. A reader keeps the log of the database from being emptied for as long as it looks at one state of
it, so what is long is read in pages.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from ...triggers.deliveries import Delivery
from .records import Pending, Target
from .sealing import unsealed
from .times import from_microseconds

__all__ = ["body_of", "is_empty", "is_offered", "received_at", "recent", "sources", "to_offer", "to_start"]

#: Bytes of bodies that are read at once; one of any size is read by itself.
_MOST_BYTES: Final = 8 * 2**20

#: Microseconds that no wait for another attempt takes: what is due later was written before the clock was put back.
_LONGEST_WAIT: Final = 1_800 * 1_000_000

_DELIVERY: Final = "d.number, d.source, d.address, d.id, d.kind, d.method, d.received_at, d.size"


def to_start(
    connection: sqlite3.Connection, limit: int, now: int, without: Collection[tuple[int, str]] = ()
) -> list[Pending]:
    """Return starts that are due, in the order in which the deliveries came.

    Args:
        connection: to read with.
        limit: how many are returned at most. The size of the bodies may make it fewer.
        now: what is due after that is left out.
        without: what is under way, by number and job.
    """
    rows = connection.execute(
        f"SELECT {_DELIVERY}, t.job, t.run_id, t.attempts FROM targets t JOIN deliveries d ON d.number = t.delivery"
        " WHERE t.state = 'waiting' AND t.retry_at NOT BETWEEN ? + 1 AND ? ORDER BY t.delivery, t.job LIMIT ?",
        (now, now + _LONGEST_WAIT, limit + len(without)),
    ).fetchall()
    wanted = [row for row in rows if (row[0], row[8]) not in without][:limit]
    found = []
    for row, delivery in _with_bodies(connection, wanted):
        found.append(Pending(row[0], delivery, row[7], Target(row[8], row[9]), row[10]))
    return found


def to_offer(connection: sqlite3.Connection, source: str, limit: int) -> list[Pending]:
    """Return deliveries of a source that were not offered to the runs that wait, likewise."""
    rows = connection.execute(
        f"SELECT {_DELIVERY} FROM deliveries d WHERE d.source = ? AND d.offered = 0 ORDER BY d.number LIMIT ?",
        (source, limit),
    ).fetchall()
    return [Pending(row[0], delivery, row[7]) for row, delivery in _with_bodies(connection, rows)]


def sources(connection: sqlite3.Connection) -> set[str]:
    """Return the sources that there are deliveries of."""
    return {source for (source,) in connection.execute("SELECT DISTINCT source FROM deliveries")}


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether there is nothing to be done: no run to be started, nobody to be offered anything."""
    found = connection.execute(
        "SELECT 1 FROM targets WHERE state = 'waiting' UNION ALL SELECT 1 FROM deliveries WHERE offered = 0 LIMIT 1"
    )
    return found.fetchone() is None


def recent(
    connection: sqlite3.Connection, source: str, since: int, after: int, limit: int
) -> list[tuple[int, Delivery]]:
    """Return deliveries of a source with their numbers, in the order in which they came.

    Args:
        connection: to read with.
        source: theirs.
        since: those that came earlier are left out.
        after: likewise those with this number and smaller ones.
        limit: how many are returned at most.
    """
    rows = connection.execute(
        f"SELECT {_DELIVERY} FROM deliveries d WHERE d.source = ? AND d.received_at >= ? AND d.number > ?"
        " AND d.body <> 'gone' ORDER BY d.number LIMIT ?",
        (source, since, after, limit),
    ).fetchall()
    return [(row[0], delivery) for row, delivery in _with_bodies(connection, rows)]


def is_offered(connection: sqlite3.Connection, delivery: Delivery, run: str) -> bool:
    """Return whether a run was given a delivery."""
    key = (delivery.source, delivery.job or "", delivery.id, run)
    return (
        connection.execute(
            "SELECT 1 FROM deliveries d JOIN offers o ON o.delivery = d.number"
            " WHERE d.source = ? AND d.address = ? AND d.id = ? AND o.run = ?",
            key,
        ).fetchone()
        is not None
    )


def received_at(connection: sqlite3.Connection, source: str, address: str, id: str) -> int | None:
    """Return when a delivery came; `None` of one that is not known."""
    found: tuple[int] | None = connection.execute(
        "SELECT received_at FROM deliveries WHERE source = ? AND address = ? AND id = ?", (source, address, id)
    ).fetchone()
    return None if found is None else found[0]


def body_of(connection: sqlite3.Connection, number: int) -> tuple[dict[str, str], Any] | None:
    """Return the headers and the body of a delivery, as JSON; `None` where they are no longer kept.

    Raises:
        SpoolError: they are encrypted, and the key is not here.
    """
    row = connection.execute("SELECT headers, body FROM bodies WHERE delivery = ?", (number,)).fetchone()
    return None if row is None else (json.loads(unsealed(row[0])), json.loads(unsealed(row[1])))


def _with_bodies(connection: sqlite3.Connection, rows: Iterable[Any]) -> Iterator[tuple[Any, Delivery]]:
    size = 0
    for row in rows:
        size += row[7]
        if size > _MOST_BYTES and size > row[7]:
            return
        try:
            found = body_of(connection, row[0])
        except (ValueError, RecursionError):  # no JSON: somebody else has written it; no job takes that
            found = {}, None
        if found is not None:  # dropped since, of one that is kept for a closer look
            yield row, _delivery(row, *found)


def _delivery(row: Any, headers: dict[str, str], body: Any) -> Delivery:
    _, source, address, own_id, kind, method, received_at, *_ = row
    return Delivery(
        source=source,
        id=own_id,
        kind=kind,
        body=body,
        received_at=from_microseconds(received_at),
        job=address or None,
        headers=headers,
        method=method,
    )
