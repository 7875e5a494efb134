"""Steps of one name that have changed places break a run; steps whose input was edited do not."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from terse_temporal.engine.code.code_hash import CodeReader
from terse_temporal.engine.code.functions import FunctionIndex
from terse_temporal.engine.wire.inputs_check import RecordedInputs, check_of
from terse_temporal.jobs.registry import collecting
from terse_temporal.serialization.json_text import json_of

from ..versions import come_to, replayed, running, started, version

PAYS = """
from terse_temporal import create_job, job_step, sleep

def pay(who):
    return who

@create_job(name="rpl-pays", durable=True)
async def pays(event):
    for who in ["ada", "bob"]:
        try:
            await job_step(run=pay, input={"who": who, "by": "us"})
        except BaseException:
            pass
    await sleep("3d")
    await job_step(run=pay, input="cyd")
"""

#: What is written for `["ada", "bob"]` and `"us"`, and whether a run that has paid both goes on.
CHANGES = {
    "nothing": ('["ada", "bob"]', '"us"', True),
    "what all are given": ('["ada", "bob"]', '"them"', True),
    "one that is a list now": ('[["ada", "b"], "bob"]', '"us"', True),
    "changed places": ('["bob", "ada"]', '"us"', False),
    "the first one is taken away": ('["bob", "cyd"]', '"us"', False),
    "one is put before": ('["nobody", "ada"]', '"us"', False),
}


async def test_edits_and_changed_places(client: Client, tmp_path: Path) -> None:
    """The step is named with its line, and what has happened; a handler that catches everything does not hide it."""
    with version(PAYS, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-pays", task_queue)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    for change, (people, payer, fits) in CHANGES.items():
        source = PAYS.replace('["ada", "bob"]', people).replace('"us"', payer) + f"\n# {change}\n"
        with version(source, tmp_path) as jobs:
            (result,) = await replayed(jobs, history)
        if fits:
            assert result.failure is None, change
            continue
        assert result.failure is not None, change
        assert "two steps of the name 'pay' have changed places" in result.failure
        assert ".py:11: " in result.failure
        assert result.at == "step 'pay'"
        assert result.table is not None
        assert "> 2" in result.table
    await run.terminate()


SENDS = """
from terse_temporal import create_job, job_step, sleep

def mail(who):
    return who

def ring(who):
    return who

@create_job(name="rpl-sends", durable=True)
async def sends(event):
    for run in [mail, ring]:
        await job_step(run=run, input="ada", name="tell")
    for run in [lambda who: who, lambda who: who * 2]:
        await job_step(run=run, input="ada", name="change")
    await sleep("3d")
"""

#: What is replaced by what, and whether a run that has it behind it goes on.
FUNCTIONS = {
    "nothing": ("", "", True),
    "one is renamed": ("mail", "post", True),
    "one is replaced by the other": ("[mail, ring]", "[ring, ring]", True),
    "one is edited": ("who * 2", "who * 3", True),
    "changed places": ("[mail, ring]", "[ring, mail]", False),
    "lambdas changed places": ("lambda who: who, lambda who: who * 2", "lambda who: who * 2, lambda who: who", False),
}


async def test_functions_under_one_name(client: Client, tmp_path: Path) -> None:
    """Two functions under one name of a step, with one input, are told apart, and may be renamed and edited."""
    with version(SENDS, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-sends", task_queue)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    for change, (old, new, fits) in FUNCTIONS.items():
        with version(SENDS.replace(old, new) + f"\n# {change}\n", tmp_path) as jobs:
            (result,) = await replayed(jobs, history)
        assert (result.failure is None) == fits, change
        assert fits or "have changed places: one would get the result of the other" in str(result.failure)
    await run.terminate()


async def test_same_code(client: Client, tmp_path: Path) -> None:
    """By the same code any other input breaks the run, under whatever name its module is loaded."""
    source = PAYS.replace('"by": "us"', '"by": __name__')
    with version(source, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-pays", task_queue)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    with version(source, tmp_path) as jobs:
        (result,) = await replayed(jobs, history)
    assert result.failure is not None
    assert "it is recorded with another input than the handler gives it now, with the same code" in result.failure
    await run.terminate()


def check(asked: object, code: str, step: str = "jobs:pay") -> str:
    return check_of({"step": step}, json_of(asked), "jobs", code)


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1]])
def test_every_change_of_places(order: list[int]) -> None:
    """However they have changed places, it is noticed when the second of them gets its result."""
    inputs = RecordedInputs()
    found = [inputs.problem_of_result("pay", check(order[n], "new"), check(n, "old")) for n in range(3)]
    assert any(found)


def test_a_new_call() -> None:
    """A call that is not recorded, and asks for what an edited one has got the result of, is not made."""
    inputs = RecordedInputs()
    assert inputs.problem_of_result("pay", check("bob", "new"), check("ada", "old")) is None
    assert inputs.problem_of_call("pay", check("bob", "new")) is None
    assert inputs.problem_of_call("pay", check("cyd", "new")) is None
    assert inputs.problem_of_call("refund", check("ada", "new")) is None
    assert inputs.problem_of_call("pay", check("ada", "new")) is not None


def test_what_is_done_with_an_input() -> None:
    """A function, or type, is part of a call by the same code; by other code it may be renamed, not change places."""
    mail, ring, post = (f"jobs:{name}" for name in ("mail", "ring", "post"))
    problem = RecordedInputs().problem_of_result("tell", check("ada", "code", ring), check("ada", "code", mail))
    assert problem is not None
    assert "another function or type" in problem
    assert "deploy an edit of the code" in problem
    # Given something else, too: that is what tells whether two calls have changed places then.
    for given, edited, fits in [
        ([("ada", mail), ("ada", ring)], [("ada", ring), ("ada", mail)], False),
        ([("ada", mail), ("bob", ring)], [("bob", ring), ("ada", mail)], False),
        ([("ada", mail), ("bob", mail)], [("bob", post), ("ada", post)], False),
        ([("ada", mail), ("bob", ring)], [("ada", ring), ("bob", mail)], True),
        ([("ada", mail), ("ada", mail)], [("ada", post), ("ada", post)], True),
        ([("ada", mail)], [("ada", post), ("ada", post)], True),
        ([("ada", mail)], [("ada", post), ("ada", mail)], False),
    ]:
        inputs = RecordedInputs()
        found = [
            inputs.problem_of_result("tell", check(now, "new", step), check(was, "old", its_step))
            for (now, step), (was, its_step) in zip(edited, given, strict=False)
        ]
        found += [inputs.problem_of_call("tell", check(now, "new", step)) for now, step in edited[len(given) :]]
        assert any(found) != fits, (given, edited)


def test_modules_that_run_as_scripts() -> None:
    """What is of the job's own module is the same whatever that is called."""

    def under(home: str) -> str:
        bills = {"of": "builtins:list", "with": [f"{home}:Bill"]}
        return check_of({"step": f"{home}:pay", "output_schema": bills}, None, home, "")

    assert under("jobs") == under("shop.jobs")
    one, other = (
        check_of({"step": "@sdk:state.update", "functions": {"function": f"jobs:{name}"}}, None, "jobs", "")
        for name in ("add", "double")
    )
    assert one != other
    assert under("jobs") != check_of({"step": "mailing:pay"}, None, "jobs", "")


@pytest.mark.parametrize("recorded", ["", "nonsense", check("ada", ""), check("ada", "old")])
def test_unknown_code(recorded: str) -> None:
    """What others have written, or code that could not be read, is never taken for the same code."""
    assert RecordedInputs().problem_of_result("pay", check("bob", ""), recorded) is None
    assert CodeReader().code_hash(["/no/such/file.py"]) == ""


@pytest.mark.parametrize("line", ["from said import WORDS", "import said.words", "from said.words import WORDS as W"])
@pytest.mark.parametrize("within", [False, True], ids=["at the top", "in a function"])
def test_the_code_of_a_job(line: str, within: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules with nothing but texts in them are of the code, so that an edit of a prompt is an edit."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "said").mkdir()
    for name in ("__init__", "words"):
        (tmp_path / "said" / f"{name}.py").write_text("WORDS = 'Be brief.'")
    top, inside = ("", line) if within else (line, "pass")
    name = f"says_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        f"from terse_temporal import create_job\n{top}\n@create_job(name='says', durable=True)\n"
        f"async def says(event):\n    {inside}\n"
    )
    with collecting() as jobs:
        importlib.import_module(name)
    job = jobs["says"]
    before = FunctionIndex([job]).code_of(job)
    assert before == FunctionIndex([job]).code_of(job) != ""
    edited = "__init__" if "words" not in line else "words"
    (tmp_path / "said" / f"{edited}.py").write_text("WORDS = 'Be long.'")
    assert FunctionIndex([job]).code_of(job) != before
    assert within != ("said" in sys.modules)  # nothing is imported for it
    for each in (name, "said", "said.words"):
        sys.modules.pop(each, None)


def test_arguments_of_tools() -> None:
    """A tool is called with the same arguments whether or not its server has said how it spells them."""
    call, listed, other = (
        check({"arguments": each}, "", "@tool:tracker.add")
        for each in (
            {"secondNumber": 2, "none": None, "a": {"B": 1}},
            {"second-number": 2, "a": {"B": 1}},
            {"second-number": 3, "a": {"B": 1}},
        )
    )
    assert call == listed != other


def test_order_in_an_input() -> None:
    """The order of keys, and of lists that are not huge, is that of a set, and makes no other input."""
    a: dict[str, Any] = {"x": [1, {"y": ["p", "q"]}], "z": 1}
    b: dict[str, Any] = {"z": 1, "x": [{"y": ["q", "p"]}, 1]}
    assert check(a, "") == check(b, "")
    assert check(a, "") != check({**a, "z": 2}, "")
    long = "-" * 100_000
    assert check([long, *a["x"]], "") != check([long, *b["x"]], "")


def test_what_lies_around_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the code are text files that it names, variables that it names, Python, and what is installed; no secrets."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "code.py").write_text("")
    words = {"POD_NAME", "prompts/brief.md", "*.yaml", "TONE", "API_KEY", "SHOP_", "SIZE", "conf/.env"}
    words |= {"", "run.log", "unset", "half \ud83d", "nul \0"}

    def hashed() -> str:
        return CodeReader().code_hash([str(tmp_path / "code.py")], words, [tmp_path])

    def written(name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)

    counts: dict[str, Callable[[], Any]] = {
        "a prompt": lambda: written("prompts/brief.md", b"Be brief."),
        "its content": lambda: written("prompts/brief.md", b"Be long."),
        "another of its kind": lambda: written("prompts/more.md", b"And kind."),
        "by a pattern": lambda: written("settings.yaml", b"a: 1"),
        "a variable": lambda: monkeypatch.setenv("TONE", "friendly"),
        "its value": lambda: monkeypatch.setenv("TONE", "formal"),
        "a variable by its prefix": lambda: monkeypatch.setenv("SHOP_SIZE", "large"),
        "a hidden file that is named": lambda: written(".env", b"TONE=friendly\n"),
        "what is installed": lambda: monkeypatch.setattr(
            "terse_temporal.engine.code.code_hash.installed_packages", list
        ),
        "Python": lambda: monkeypatch.setattr("sys.version_info", (*sys.version_info[:2], 99, "final", 0)),
    }
    does_not: dict[str, Callable[[], Any]] = {
        "a file that nothing names": lambda: written("notes.txt", b"a"),
        "a log": lambda: written("run.log", b"a"),
        "no text": lambda: written("prompts/image.md", b"\xff\xfe\x00"),
        "too large": lambda: written("prompts/large.md", b"a" * 300_000),
        "a hidden file": lambda: written(".draft.md", b"a"),
        "another variable": lambda: monkeypatch.setenv("OTHER", "a"),
        "the name of the machine": lambda: monkeypatch.setenv("POD_NAME", platform.node()),
        "what the shell sets": lambda: monkeypatch.setenv("_", "a"),
        "a secret in a file": lambda: written(".env", b"TONE=friendly\nexport MY_TOKEN=abc\n"),
        "a password in a file": lambda: written(".env", b"TONE=friendly\nSIGNING_KEY=x\n"),
        "a secret": lambda: monkeypatch.setenv("API_KEY", "s3cr3t-s3cr3t"),
        "its rotation": lambda: monkeypatch.setenv("API_KEY", "0th3r-0th3r"),
    }
    before = hashed()
    assert len(before) == 12
    for change, make in counts.items():
        make()
        assert hashed() != before, change
        before = hashed()
    monkeypatch.setenv("API_KEY", "f1rst-f1rst")
    before = hashed()
    for change, make in does_not.items():
        make()
        assert hashed() == before, change
    monkeypatch.setitem(sys.modules, "pydantic_settings", ModuleType("pydantic_settings"))
    for name in ("TONE", "shop_size"):  # which are fields of a class there, in lower case
        before = CodeReader().code_hash([], {"tone", "Shop_", "size"})
        monkeypatch.setenv(name, "other")
        assert CodeReader().code_hash([], {"tone", "Shop_", "size"}) != before
    monkeypatch.delitem(sys.modules, "pydantic_settings")
    before = hashed()
    # Not to be read for ever, nor waited for.
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert hashed() == before
