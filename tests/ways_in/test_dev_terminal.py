"""`inputs.terminal()` asks at the terminal in which `dev` runs, until it is answered, there or elsewhere."""

from __future__ import annotations

import os
import pty
from contextlib import closing
from pathlib import Path

import pytest

from terse_temporal import step
from terse_temporal.errors import InputError
from terse_temporal.inputs import InputQuestion, TerminalWay, terminal

from ..commands import running
from ..in_process import run_command

JOBS = """
from terse_temporal import InputOption, create_job, inputs, wait_for_input

YES_NO = [InputOption("yes", "Yes"), InputOption("no", "No", free_text=True)]

@create_job(name="asks", durable=True)
async def asks(event):
    one = await wait_for_input(prompt="Ship it?", options=YES_NO, details={"zone": "B"}, via=inputs.terminal())
    two = await wait_for_input(prompt="To whom?", via=[inputs.terminal()])
    three = await wait_for_input(prompt="And then?", via=inputs.terminal())
    return f"{one.choice} {one.text} {two.text} {three.text}"
"""


@pytest.mark.server
def test_dev(tmp_path: Path) -> None:
    """What is typed wrong is asked again; what somebody else has answered is left; the next is asked."""
    (tmp_path / "jobs.py").write_text(JOBS)
    keyboard, stdin = pty.openpty()
    with (
        os.fdopen(keyboard, "wb", buffering=0) as typed,
        running("terse-temporal", "dev", "jobs.py", "--no-reload", cwd=tmp_path, stdin=stdin) as command,
        closing(os.fdopen(stdin, "rb", buffering=0)),
    ):
        command.says("Ctrl-C ends")
        started = run_command("trigger", "asks", "--id", "a/1", cwd=tmp_path)
        assert started.status == 0, started.stderr
        command.says("1 to 2: ")
        typed.write(b"7\n")
        command.says("1 to 2: ", times=2)
        typed.write(b"2\n")
        command.says("a text to go with it, or nothing: ")
        typed.write(b"too late\n")
        command.says("To whom?")
        command.says("answer: ")
        assert run_command("inputs", "answer", "a/1", "2", "--text", "Ada", "--by", "Grace", cwd=tmp_path).status == 0
        command.says("was answered before by 'Grace'")
        command.says("And then?")
        command.says("answer: ", times=2)
        typed.write("Zoë\n".encode())
        printed = command.says("asks done after")
        assert 'zone: "B"' in printed
        assert "type a number from 1 to 2" in printed
        shown = run_command("runs", "show", "a/1", cwd=tmp_path)
        assert "no too late Ada Zoë" in shown.stdout
        command.interrupt()
        assert command.ended() == 0
        assert "Traceback" not in command.printed()


@step
async def asks(way: TerminalWay) -> None:
    """Ask, as in a step."""
    await way.ask(InputQuestion(id="a", run="r", number="1"))


async def test_elsewhere() -> None:
    """Where no `dev` runs in a terminal this way cannot ask, and says so."""
    with pytest.raises(InputError, match="asks where `terse-temporal dev` runs in one"):
        await asks(terminal())
