"""The spool of a gateway has what a delivery brought encrypted, where there is a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from terse_temporal.encryption.keys import KEY_VARIABLE, new_key
from terse_temporal.errors import SpoolError
from terse_temporal.gateway.spool import Spool
from terse_temporal.gateway.spool.listing import SpoolFile
from terse_temporal.gateway.spool.records import Target
from terse_temporal.triggers.deliveries import Delivery

BODY = b'{"customer": "zq-body"}'


def delivery(id: str, header: str = "zq-header") -> Delivery:
    """A delivery with a body and headers of which nothing is to be found."""
    return Delivery(
        source="stripe",
        id=id,
        kind="customer.created",
        body={"customer": "zq-body"},
        received_at=datetime.now(UTC),
        headers={"x-customer": header},
        method="POST",
    )


def read_all(directory: Path) -> bytes:
    """What is in its files: the database, and the log of what is not in there yet."""
    return b"".join(file.read_bytes() for file in directory.iterdir() if file.is_file())


async def test_bodies_headers_and_reasons_are_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every file of it; who has the key sees them, and who has not is told which it is. Older ones are read too."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    key = new_key()
    async with Spool(tmp_path) as spool:
        await spool.put(delivery("plain", "as-header"), BODY.replace(b"zq", b"as"), [Target("job", "run-1")])
        monkeypatch.setenv(KEY_VARIABLE, key)
        await spool.put(delivery("first"), BODY, [Target("job", "run-2"), Target("other", "run-3", "zq-problem")])
        await spool.failed(2, "job", "zq-reason", retry_at=datetime.now(UTC) + timedelta(hours=1))
        again = await spool.put(delivery("first"), BODY, [])
        assert [each.problem for each in again.targets] == [None, "zq-problem"]
        offered = await spool.to_offer("stripe", 10)
        assert [each.delivery.body["customer"] for each in offered] == ["as-body", "zq-body"]
        assert offered[1].delivery.headers == {"x-customer": "zq-header"}
        written = read_all(tmp_path)
        assert b"as-body" in written
        assert not any(word in written for word in (b"zq-body", b"zq-header", b"zq-problem", b"zq-reason"))
        monkeypatch.setenv(KEY_VARIABLE, new_key())
        with pytest.raises(SpoolError, match="not among those of TERSE_ENCRYPTION_KEY"):
            await spool.to_offer("stripe", 10)
    file = SpoolFile(tmp_path)
    with pytest.raises(SpoolError, match="what the spool has of a delivery cannot be read"):
        file.deliveries()
    monkeypatch.setenv(KEY_VARIABLE, f"{new_key()},{key}")
    assert {target.reason for row in file.deliveries() for target in row.targets} == {"", "zq-reason", "zq-problem"}
    assert file.body(2) == ({"x-customer": "zq-header"}, {"customer": "zq-body"})
