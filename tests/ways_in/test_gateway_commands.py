"""`terse-temporal gateway MODULE…` runs the gateway, and the commands about it stand beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ..in_process import run_command


def test_the_list_of_commands(tmp_path: Path) -> None:
    """Without an argument the help lists the commands; the exit status says that there is something to be put right."""
    listed = run_command("gateway", cwd=tmp_path)
    assert listed.status == 2
    for command in ("run", "deliveries", "urls", "catch-up"):
        assert command in listed.stdout + listed.stderr
    assert run_command("gateway", "--help", cwd=tmp_path).status == 0


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the packages of the gateway are not installed, the error says how to install them."""
    monkeypatch.setitem(sys.modules, "httpx", None)  # as if it were not there
    ended = run_command("gateway", "catch-up", "github", "--since", "1h", "--repo", "acme/web", cwd=tmp_path)
    assert ended.status == 2
    assert "'httpx', which is not installed: pip install 'terse-temporal[gateway]'" in ended.stderr
