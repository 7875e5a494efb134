"""`terse-temporal jobs`, and what all commands share."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from terse_temporal._version import __version__
from terse_temporal.cli.main import COMMANDS, load_command

from ..commands import run

pytestmark = pytest.mark.server

SHOP = """
from terse_temporal import Triggers, create_job

@create_job(name="onboard", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def onboard(event):
    pass

@create_job(name="report [weekly]", triggers=[Triggers.schedule.cron("0 9 * * 1", "Europe/Berlin")])
def report(event):
    pass
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a file of two jobs."""
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def test_table(shop: Path) -> None:
    """Each job has one line: its name, whether it is durable, its triggers, `file:line`, and when next."""
    listed = run("terse-temporal", "jobs", "shop.py", cwd=shop)
    assert listed.returncode == 0
    heading, *rows = [line.split() for line in listed.stdout.splitlines()]
    day, _, hour, zone = [rows[1].pop() for _ in range(4)][::-1]
    assert (day, hour, zone[:2]) == ("Mon", "09:00", "CE")
    assert heading == ["job", "durable", "triggers", "defined", "at", "next"]
    assert rows == [
        ["onboard", "yes", "stripe.on_customer_created()", "shop.py:4", "-"],
        [
            "report",
            "[weekly]",
            "no",
            'schedule.cron("0',
            "9",
            "*",
            "*",
            '1",',
            'timezone="Europe/Berlin")',
            "shop.py:8",
        ],
    ]


def test_json(shop: Path) -> None:
    """With `--json` it is one array, for programs."""
    listed = run("terse-temporal", "jobs", "shop", "--json", cwd=shop)
    first, second = json.loads(listed.stdout)
    assert first == {
        "name": "onboard",
        "durable": True,
        "triggers": ["stripe.on_customer_created()"],
        "next": [],
        "module": "shop",
        "file": str(shop / "shop.py"),
        "line": 4,
    }
    assert second["durable"] is False
    (coming,) = second["next"]
    moment = datetime.fromisoformat(coming).astimezone(ZoneInfo("Europe/Berlin"))
    assert (moment.strftime("%a %H:%M"), moment > datetime.now(UTC)) == ("Mon 09:00", True)


def test_what_cannot_be_loaded(shop: Path) -> None:
    """A module that is not there: which one, what it might be, exit status 2, and a traceback with `--debug` only."""
    listed = run("terse-temporal", "jobs", "shpo", cwd=shop)
    assert listed.returncode == 2
    assert "'shpo'" in listed.stderr
    assert "did you mean 'shop'?" in listed.stderr
    assert "Traceback" not in listed.stderr
    assert "Traceback" in run("terse-temporal", "jobs", "shpo", "--debug", cwd=shop).stderr


def test_version_and_help(tmp_path: Path) -> None:
    """`--version` prints the version; without a command the help lists them all."""
    assert run("terse-temporal", "--version", cwd=tmp_path).stdout == f"terse-temporal {__version__}\n"
    listed = run("terse-temporal", "--help", cwd=tmp_path).stdout
    for command in ("demo", "dev", "trigger", "jobs"):
        assert command in listed
    assert "MODULE" in run("terse-worker", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands(name: str) -> None:
    """The help of all lists each command, which it has not imported, by the first sentence of its own help."""
    first = inspect.cleandoc(load_command(name).help).partition("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name][2]
