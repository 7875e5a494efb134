"""`terse-temporal storage` says how much there is, and deletes what is old."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from terse_temporal.cli.exiting import CommandError
from terse_temporal.cli.storage import app
from terse_temporal.converter import with_environment
from terse_temporal.errors import StorageUnavailableError


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_old_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else; what would be is told before."""
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "store").as_uri())
    asyncio.run(with_environment().encode(["x" * 200_000, "y" * 300_000]))
    smaller, _ = sorted((each for each in tmp_path.rglob("*") if each.is_file()), key=lambda each: each.stat().st_size)
    os.utime(smaller, (0, 0))
    assert "2 things, 488.3" in call("list")
    assert {each["sha256"] for each in json.loads(call("list", "--json"))} >= {smaller.name}
    assert "1 thing, 195.3" in call("prune", "--older-than", "90d", "--dry-run")
    assert smaller.exists()
    assert "deleted" in call("prune", "--older-than", "90d")
    assert not smaller.exists()
    assert "1 thing, 293" in call("list")


def test_without_a_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to set; and a time that is none is refused."""
    monkeypatch.delenv("TERSE_STORAGE", raising=False)
    with pytest.raises(CommandError, match="TERSE_STORAGE"):
        call("list")
    with pytest.raises(CommandError, match="--older-than"):
        call("prune", "--older-than", "long")
    for number in ("90", "1", "0.5"):  # milliseconds, as durations are elsewhere, would be everything
        with pytest.raises(CommandError, match=f"'{number}' has no unit: write {number}d"):
            call("prune", "--older-than", number)


def test_a_disk_that_is_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no empty storage, for either command; a directory that the first value will make is one."""
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "mount" / "store").as_uri())
    for command in (["list"], ["list", "--json"], ["prune", "--older-than", "90d"]):
        with pytest.raises(StorageUnavailableError, match=re.escape(f"no directory {str(tmp_path / 'mount')!r}")):
            call(*command)
    (tmp_path / "mount").mkdir()
    assert "0 things" in call("list")
    assert list((tmp_path / "mount").iterdir()) == []
