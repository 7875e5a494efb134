"""Writing a delivery that has come, or has come again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ...errors import SpoolError
from ...triggers.deliveries import Delivery
from .changes import settle_body
from .records import Put, Target
from .room import Room
from .sealing import sealed, unsealed_text
from .times import now_in_microseconds, to_microseconds

__all__ = ["Arrival"]

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Arrival:
    """A delivery on its way into the spool. What can be made of it ahead is made here, on the caller's thread.

    Args:
        delivery: it.
        raw_body: the body as it came.
        targets: the jobs that it is for.

    Raises:
        SpoolError: a text in it is none that can be stored.
    """

    def __init__(self, delivery: Delivery, raw_body: bytes, targets: Sequence[Target]) -> None:
        self._targets = tuple(targets)
        self._key = (delivery.source, delivery.job or "", delivery.id)
        self._more = (delivery.kind, delivery.method, to_microseconds(delivery.received_at))
        headers, body = _encode(dict(delivery.headers)), _json_bytes(delivery.body, raw_body)
        _check_texts([*self._key, delivery.kind, delivery.method, headers])
        self._headers, self._body, self._body_size = sealed(headers), sealed(body), len(body)
        self.size = len(self._body) + len(self._headers)
        for target in self._targets:
            _check_texts([target.job, target.run_id, target.problem or ""])

    def put(self, connection: sqlite3.Connection, room: Room) -> Put:
        """Write it, if it is not there. Of one that is there, the jobs that have refused it are asked anew.

        Raises:
            SpoolFullError: there is no room. Nothing was written.
        """
        known = connection.execute(
            "SELECT number, body FROM deliveries WHERE source = ? AND address = ? AND id = ?", self._key
        ).fetchone()
        if known is not None:
            return self._put_again(connection, room, *known)
        room.make(connection, self.size)
        number = connection.execute(
            "INSERT INTO deliveries (source, address, id, kind, method, received_at, size, body, settled_at, offered)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'needed', ?, 0)",
            (*self._key, *self._more, self._body_size, now_in_microseconds()),
        ).lastrowid
        assert number is not None
        self._store_body(connection, number)
        self._store_targets(connection, number, self._targets)
        return Put(True, self._targets)

    def _put_again(self, connection: sqlite3.Connection, room: Room, number: int, body: str) -> Put:
        rows: list[tuple[str, str, str, str | bytes]] = connection.execute(
            "SELECT job, run_id, state, reason FROM targets WHERE delivery = ? ORDER BY position", (number,)
        ).fetchall()
        refused = {job for job, _, state, _ in rows if state == "refused"}
        # One that has started nothing may have come before its job did, or before that had its name.
        anew = [each for each in self._targets if each.job in refused or len(refused) == len(rows)]
        if anew:
            if body == "gone" and any(each.problem is None for each in anew):
                room.make(connection, self.size)
                # Making room has forgotten others, or even this one.
                if connection.execute("SELECT 1 FROM deliveries WHERE number = ?", (number,)).fetchone() is None:
                    return self.put(connection, room)
                self._store_body(connection, number)
                connection.execute("UPDATE deliveries SET body = 'needed' WHERE number = ?", (number,))
            self._store_targets(connection, number, anew, first=len(rows))
            settle_body(connection, number)
        known = {
            job: Target(job, run_id, unsealed_text(reason) if state == "refused" else None)
            for job, run_id, state, reason in rows
        }
        return Put(False, tuple((known | {each.job: each for each in anew}).values()))

    def _store_body(self, connection: sqlite3.Connection, number: int) -> None:
        connection.execute(
            "INSERT INTO bodies (delivery, headers, body) VALUES (?, ?, ?)", (number, self._headers, self._body)
        )

    def _store_targets(
        self, connection: sqlite3.Connection, number: int, targets: Iterable[Target], first: int = 0
    ) -> None:
        now = now_in_microseconds()
        connection.executemany(
            "INSERT INTO targets (delivery, job, position, run_id, state, reason, attempts, retry_at, changed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?) ON CONFLICT (delivery, job) DO UPDATE SET run_id = excluded.run_id,"
            " state = excluded.state, reason = excluded.reason, attempts = 0, retry_at = 0,"
            " changed_at = excluded.changed_at",
            [
                (
                    number,
                    each.job,
                    position,
                    each.run_id,
                    "waiting" if each.problem is None else "refused",
                    sealed(each.problem) if each.problem else "",
                    now,
                )
                for position, each in enumerate(targets, first)
            ],
        )


def _json_bytes(body: Any, raw_body: bytes) -> bytes:
    """Return the body as JSON. As it came where it came as that, which is not so of a form with JSON in a field."""
    text = raw_body.strip()
    if (text[:1], text[-1:]) in ((b"{", b"}"), (b"[", b"]")):
        return raw_body
    return json.dumps(body, separators=(",", ":")).encode()


def _check_texts(texts: Iterable[str]) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            raise SpoolError(f"the text {text[:100]!r} of a delivery is none that can be stored") from None
