"""Steps of one name that have changed places break a run; steps whose input was edited do not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from terse_temporal.engine.functions import FunctionIndex
from terse_temporal.engine.inputs_check import RecordedInputs, check_of, code_hash
from terse_temporal.jobs import collecting

from .versions import come_to, replayed, running, started, version

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


def check(asked: object, code: str) -> str:
    return check_of({"input": asked}, 100, code)


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


@pytest.mark.parametrize("recorded", ["", "nonsense", check("ada", ""), check("ada", "old")])
def test_unknown_code(recorded: str) -> None:
    """What others have written, or code that could not be read, is never taken for the same code."""
    assert RecordedInputs().problem_of_result("pay", check("bob", ""), recorded) is None
    assert code_hash(["/no/such/file.py"]) == ""


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
    call = {"step": "@tool:tracker.add", "arguments": {"arguments": {"secondNumber": 2, "none": None, "a": {"B": 1}}}}
    listed = {**call, "arguments": {"arguments": {"second-number": 2, "a": {"B": 1}}}}
    other = {**call, "arguments": {"arguments": {"second-number": 3, "a": {"B": 1}}}}
    assert check_of(call, 0, "") == check_of(listed, 0, "") != check_of(other, 0, "")


def test_order_in_an_input() -> None:
    """The order of keys, and of lists that are not huge, is that of a set, and makes no other input."""
    a, b = {"x": [1, {"y": ["p", "q"]}], "z": 1}, {"z": 1, "x": [{"y": ["q", "p"]}, 1]}
    assert check(a, "") == check(b, "")
    assert check(a, "") != check({**a, "z": 2}, "")
    assert check_of({"input": a}, 10**6, "") != check_of({"input": b}, 10**6, "")
