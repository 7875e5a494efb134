"""The address of a job is made of its name and the key: nothing is kept, and nobody guesses it."""

from __future__ import annotations

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest

from terse_temporal.errors import GatewaySecretError
from terse_temporal.gateway.addresses import Addresses, local_key
from terse_temporal.gateway.secrets import GATEWAY_KEY, GatewaySecrets


def token(addresses: Addresses, job: str) -> str:
    """Return the last part of a job's address, and check the others."""
    empty, webhooks, name, found = addresses.path(job).split("/")
    assert (empty, webhooks, unquote(name)) == ("", "webhooks", job)
    return found


def test_an_address_stays_the_same() -> None:
    """It is part of what people enter elsewhere, so it must never change by an upgrade either."""
    addresses = Addresses([b"0123456789abcdef"])
    assert addresses.path("intake") == "/webhooks/intake/egfhdqtg6z2l2c4mqmeeounzxseqwvx6"
    assert addresses.accepts("intake", "egfhdqtg6z2l2c4mqmeeounzxseqwvx6")


def test_only_the_whole_token_of_that_job_is_accepted() -> None:
    addresses = Addresses([b"0123456789abcdef"])
    found = token(addresses, "intake")
    for other in (
        "",
        found[:-1],
        found + "A",
        found.swapcase(),
        token(addresses, "intake2"),
        "ü",
        "\ud800",
        "x" * 10_000,
    ):
        assert not addresses.accepts("intake", other)
    assert not addresses.accepts("Intake", found)
    assert not Addresses([b"another key of it"]).accepts("intake", found)


def test_while_the_key_is_replaced_both_addresses_are_accepted() -> None:
    """The one that is shown is made with the first."""
    old = GatewaySecrets.read({GATEWAY_KEY: "the-key-of-last-year"})
    both = GatewaySecrets.read({GATEWAY_KEY: "the-key-of-this-year,the-key-of-last-year"})
    new = GatewaySecrets.read({GATEWAY_KEY: "the-key-of-this-year"})
    before, after = token(Addresses.of(old), "intake"), token(Addresses.of(both), "intake")
    assert after == token(Addresses.of(new), "intake") != before
    assert Addresses.of(both).accepts("intake", before)
    assert Addresses.of(both).accepts("intake", after)
    assert not Addresses.of(new).accepts("intake", before)


@pytest.mark.parametrize("job", ["onboard-customer", "a/b", "ü & co", "..", "a%2Fb?c#d", "\ud800"])
def test_any_name_of_a_job_is_one_part_of_the_path(job: str) -> None:
    addresses = Addresses([b"0123456789abcdef"])
    if job == "\ud800":
        assert not addresses.accepts(job, "x")
        return
    assert addresses.accepts(job, token(addresses, job))


def test_without_a_key_there_are_no_addresses() -> None:
    addresses = Addresses.of(GatewaySecrets.read({}))
    assert not addresses.accepts("intake", "")
    with pytest.raises(GatewaySecretError, match=r"TERSE_GATEWAY_KEY is not set.*'intake'.*python -c 'import secrets"):
        addresses.path("intake")


def test_a_developers_key_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    """However many processes begin at once."""
    directory = tmp_path / "state"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(local_key, [directory] * 8))
    assert len(keys) == 1
    assert keys == {local_key(directory)}
    assert GatewaySecrets.read({GATEWAY_KEY: keys.pop()}).gateway_keys
    (file,) = directory.iterdir()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_of_two_processes_that_make_a_key_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other is between looking for it and putting its own there."""

    def make(size: int) -> str:
        (tmp_path / "gateway.key").write_text("the-key-of-the-first\n")
        return "the-key-of-the-other"

    monkeypatch.setattr("terse_temporal.gateway.addresses.secrets.token_urlsafe", make)
    assert local_key(tmp_path) == "the-key-of-the-first"
    assert [each.name for each in tmp_path.iterdir()] == ["gateway.key"]
