"""`terse-temporal gateway MODULE…` runs the gateway, and the commands about it stand beside it."""

from __future__ import annotations

from pathlib import Path

from ..in_process import run_command


def test_the_list_of_commands(tmp_path: Path) -> None:
    """Without an argument the help lists the commands; the exit status says that there is something to be put right."""
    listed = run_command("gateway", cwd=tmp_path)
    assert listed.status == 2
    for command in ("run", "deliveries", "urls", "catch-up"):
        assert command in listed.stdout + listed.stderr
    assert run_command("gateway", "--help", cwd=tmp_path).status == 0
