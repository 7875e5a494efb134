"""`terse-temporal gateway MODULE…` runs the gateway, and the commands about it stand beside it."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.cli.gateway.app import COMMANDS
from terse_temporal.cli.main import load_command

from ..in_process import run_command


def test_the_list_of_commands(tmp_path: Path) -> None:
    """Without an argument the help lists the commands; the exit status says that there is something to be put right."""
    listed = run_command("gateway", cwd=tmp_path)
    assert listed.status == 2
    for command in ("run", "deliveries", "urls", "catch-up"):
        assert command in listed.stdout + listed.stderr
    assert run_command("gateway", "--help", cwd=tmp_path).status == 0


@pytest.mark.parametrize("arguments", [["jobs.py"], ["catch-up", "github", "--since", "1h", "--repo", "acme/web"]])
def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Where the packages of the gateway are not installed, the error says how to install them."""
    monkeypatch.setitem(sys.modules, "httpx", None)  # as if it were not there
    ended = run_command("gateway", *arguments, cwd=tmp_path)
    assert ended.status == 2
    assert "'httpx', which is not installed: pip install 'terse-temporal[gateway]'" in ended.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_sentence_of_each(name: str) -> None:
    """The list of the commands has the first sentence of each one's own help, and imports none of them."""
    gateway: Any = load_command("gateway")
    first = inspect.cleandoc(gateway.load(name).help).partition("\n\n")[0]
    assert " ".join(first.replace("`", "").split()) == COMMANDS[name][2].replace("`", "")


@pytest.mark.parametrize(
    ("arguments", "command", "rest"),
    [
        (["jobs.py"], "run", ["jobs.py"]),
        (["--port", "80", "jobs.py"], "run", ["--port", "80", "jobs.py"]),
        (["shop.jobs", "deliveries"], "run", ["shop.jobs", "deliveries"]),
        (["./urls.py"], "run", ["./urls.py"]),
        (["run", "deliveries"], "run", ["deliveries"]),
        (["urls", "jobs.py"], "urls", ["jobs.py"]),
        (["catch-up", "github"], "catch-up", ["github"]),
    ],
)
def test_which_command_it_is(arguments: list[str], command: str, rest: list[str]) -> None:
    """What is no name of a command is a module, or an option, of the gateway itself; a module that is called like a
    command is reached as a file, or by `run`.
    """
    gateway: Any = load_command("gateway")
    context = gateway.make_context("gateway", arguments)
    name, found, left = gateway.resolve_command(context, [*context._protected_args, *context.args])
    assert (name, found.name, left) == (command, command, rest)
