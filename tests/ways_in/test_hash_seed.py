"""Sets of strings have one order in all processes that run jobs: those execute themselves again with a fixed seed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..commands import environment, script

pytestmark = pytest.mark.server

#: It tells how it is run, and ends the command.
TELLS = """
import json, os, sys
print(json.dumps({
    "seed": os.environ.get("PYTHONHASHSEED"),
    "set": list({"ada", "bob", "cyd", "dan", "eve"}),
    "utf8": sys._xoptions.get("utf8"),
    "warnings": sys.warnoptions,
    "arguments": sys.argv[1:],
    "pid": os.getpid(),
}))
raise ImportError("told")
"""

WORKER = str(Path(__file__).parents[2] / "workers" / "terse_worker.py")


def tells(directory: Path, command: list[str], seed: str | None) -> tuple[dict[str, Any], int]:
    """What a command says of itself, and its process id."""
    (directory / "jobs.py").write_text(TELLS)
    env = environment()
    env.pop("PYTHONHASHSEED", None)
    if seed is not None:
        env["PYTHONHASHSEED"] = seed
    with subprocess.Popen(command, cwd=directory, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        printed = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 2, printed
    assert printed.count('{"seed"') == 1, printed
    return json.loads(printed[printed.index("{") : printed.index("}") + 1]), process.pid


def order(seed: str) -> list[str]:
    """The set of strings in the order that it has with a seed."""
    said = subprocess.check_output(
        [sys.executable, "-c", "import json; print(json.dumps(list({'ada', 'bob', 'cyd', 'dan', 'eve'})))"],
        env=environment({"PYTHONHASHSEED": seed}),
    )
    return [str(each) for each in json.loads(said)]


@pytest.mark.parametrize(
    "command",
    [
        [script("terse-worker"), "jobs.py", "--task-queue", "a b"],
        [script("terse-temporal"), "replay", "jobs.py", "--task-queue", "a b"],
        [sys.executable, "-X", "utf8", "-W", "ignore::UserWarning", WORKER, "jobs.py", "--task-queue", "a b"],
    ],
    ids=["terse-worker", "terse-temporal replay", "a script, with options of Python"],
)
def test_seed_is_set(tmp_path: Path, command: list[str]) -> None:
    """The process is the same one, called as it was; with Python's own options too."""
    told, pid = tells(tmp_path, command, None)
    assert told["seed"] == "0"
    assert told["set"] == order("0")
    assert told["pid"] == pid
    assert told["arguments"] == command[command.index("jobs.py") - ("replay" in command) :]
    if "-X" in command:
        assert told["utf8"] is True
        assert "ignore::UserWarning" in told["warnings"]


def test_given_seed_stays(tmp_path: Path) -> None:
    """A seed that the environment gives is kept."""
    told, _ = tells(tmp_path, [script("terse-worker"), "jobs.py"], "7")
    assert (told["seed"], told["set"]) == ("7", order("7"))
