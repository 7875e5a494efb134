"""A worker runs the functions of its jobs, and no others: not by name, not by a schema, not by an input of garbage."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Replayer, Worker

from terse_temporal.plugin import TersePlugin

from ..bench import Bench, Run, scheduled
from .jobs_refusals import dynamic, victim

HOME = "tests.engine.jobs_refusals"


pytestmark = pytest.mark.parametrize("cache", [1000], indirect=True)


class ByHand:
    """What somebody can do who runs workflows of their own, under whatever name, and schedules activities elsewhere."""

    @workflow.run
    async def run(self, calls: list[Any], task_queue: str) -> Any:
        return await workflow.execute_activity(
            "charge",
            args=calls,
            task_queue=task_queue,
            start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


def call(function: str, **more: Any) -> dict[str, Any]:
    return {"v": 1, "step": function, "job": "victim", "key": "0" * 32, "timeout": 5, **more}


async def by_hand(bench: Bench, *calls: Any, workflow_type: str = "victim") -> Any:
    definition = workflow.defn(name=workflow_type, sandboxed=False)(type("ByHand", (ByHand,), {"run": ByHand.run}))
    elsewhere = f"elsewhere-{bench.task_queue}"
    async with bench.worker(victim), Worker(bench.env.client, task_queue=elsewhere, workflows=[definition]):
        run = await bench.env.client.start_workflow(
            workflow_type, args=[list(calls), bench.task_queue], id=elsewhere, task_queue=elsewhere
        )
        return await bench.result(run)


def names_in(schema: Any) -> list[Any]:
    """What of a schema may be named as refused: each type that it names, or what is in the place of one."""
    if isinstance(schema, dict) and ("of" in schema or "union" in schema):
        return [schema.get("of"), *schema.get("with", ()), *schema.get("union", ())]
    return [schema]


def is_untouched(bench: Bench) -> bool:
    """Whether the file that each of these calls would make is not there."""
    return not bench.effects.path.exists()


async def refused(bench: Bench, *calls: Any, **options: Any) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as caught:
        await by_hand(bench, *calls, **options)
    assert isinstance(caught.value.cause, ActivityError)
    failure = caught.value.cause.cause
    assert isinstance(failure, ApplicationError)
    return failure


async def test_a_call_by_hand_of_a_known_function_runs(bench: Bench) -> None:
    """The same call as a job's own runs, which shows that the others here are refused for what they name."""
    assert await by_hand(bench, call(f"{HOME}:known", input={"a": 1})) == {"a": 1}


@pytest.mark.parametrize(
    "function",
    [
        "os:system",
        "subprocess:run",
        "builtins:eval",
        "builtins:exec",
        "importlib:import_module",
        "posix:system",
        f"{HOME}:missing",
        f"{HOME}:known.__globals__",
        f"{HOME}:known.__class__",
        f"{HOME}:victim",
        f"{HOME}:__builtins__",
        f"{HOME}:Any",
        f"{HOME}:known#0000",
        "tests.bench:Bench.run",
        "",
        ":",
        "known",
        # What a job module imports is not its own, whatever the step in it does with it.
        f"{HOME}:run",
        f"{HOME}:import_module",
        f"{HOME}:create_job",
        f"{HOME}:job_step",
        f"{HOME}:lru_cache",
        "shutil:rmtree.<locals>.onerror",
    ],
)
async def test_unknown_functions(bench: Bench, function: str) -> None:
    """A function that no job module defines, nests or has bound by name is refused, naming it; nothing is run."""
    mark = str(bench.effects)
    failure = await refused(bench, call(function, input=f"touch {mark}"))
    assert failure.type == "UnknownFunctionError"
    assert repr(function) in failure.message
    assert "activity 'charge' refused" in failure.message
    assert is_untouched(bench)


@pytest.mark.parametrize(
    "schema",
    [
        "os:system",
        "subprocess:check_output",
        "builtins:eval",
        "builtins:exec",
        "pydantic.types:ImportString",
        "pydantic:ImportString",
        "os:environ",
        f"{HOME}:leave",
        {"of": "builtins:list", "with": ["os:system"]},
        {"union": ["builtins:int", "os:system"]},
        {"of": "typing:Annotated", "with": ["builtins:str", "os:system"]},
        {"of": "os:system", "with": []},
        # Types of libraries that the code does not name, and those that do something when they are made.
        "pydantic:FilePath",
        "subprocess:Popen",
        f"{HOME}:subprocess.Popen",
        "a_library:Reads",
        f"{HOME}:Settings",
        {"of": "builtins:list", "with": [f"{HOME}:Settings"]},
        {"with": []},
        ["os:system"],
        5,
    ],
    ids=str,
)
@pytest.mark.parametrize("field", ["input_schema", "output_schema"])
async def test_a_schema_is_a_type(bench: Bench, schema: Any, field: str) -> None:
    """A schema that names something else than a type is refused: validating against a function would call it."""
    mark = str(bench.effects)
    # How pydantic is given the arguments of a function that it is to validate.
    arguments = [mark] if "leave" in str(schema) else [f"touch {mark}"]
    failure = await refused(bench, call(f"{HOME}:known", input=arguments, **{field: schema}))
    assert is_untouched(bench)
    assert failure.type == "UnknownFunctionError"
    assert re.match(
        "activity 'charge' refused: this worker (has no|does not use the) type "
        f"({'|'.join(re.escape(repr(name)) for name in names_in(schema))})",
        failure.message,
    ), failure.message


@pytest.mark.parametrize(
    ("calls", "names"),
    [
        ([], "it has 0 inputs instead of one"),
        ([1, 2], "it has 2 inputs instead of one"),
        (["os:system"], "its input is not a call"),
        ([None], "its input is not a call"),
        ([{}], "its input is not a call"),
        ([{"v": "1"}], "its input is not a call"),
        ([{"v": 2, "step": f"{HOME}:known"}], "its input has version 2, and this worker reads up to 1"),
        ([{"v": 1}], "lacks a field"),
        ([{"v": 1, "step": f"{HOME}:known", "job": "victim", "key": "k", "timeout": "soon"}], "lacks a field"),
        ([{"v": 1, "run": "victim"}], "lacks a field"),
        ([{"v": 1, "run": "victim", "event": {}, "key": "k"}], "is durable, so not run as one activity"),
        (
            [{"v": 1, "run": "other", "event": {}, "key": "k"}],
            "it says that it is of the job 'other', and a run of 'victim' made it",
        ),
    ],
)
async def test_garbage(bench: Bench, calls: list[Any], names: str) -> None:
    """An input that is no call, or one of a version that is not known, is refused, saying what it lacks."""
    failure = await refused(bench, *calls)
    assert names in failure.message
    assert failure.type in ("UnreadableCallError", "UnknownJobError")


@pytest.mark.parametrize(
    "reference", [f"{HOME}:known", "@sdk:state.set", "@sdk:generate_text"], ids=["function", "state", "model"]
)
async def test_of_another_workflow(bench: Bench, reference: str) -> None:
    """A call of a job is taken from a run of that job alone: its state is written by nobody else."""
    failure = await refused(bench, call(reference, arguments={"key": "k", "value": 1}), workflow_type="by-hand")
    assert "it says that it is of the job 'victim', and a run of 'by-hand' made it" in failure.message


@pytest.mark.parametrize("tool", ["@tool:http.request", "@tool:email.send", "@tool:slack.send_message"])
async def test_built_in_tools(bench: Bench, tool: str) -> None:
    """A built-in tool that no code of the jobs uses is refused, so that nobody else spends the worker's credentials."""
    failure = await refused(bench, call(tool, arguments={"url": "http://127.0.0.1:9/", "auth_env": "HOME"}))
    assert failure.type == "UnknownToolError"
    assert "the code of this worker's jobs does not use it" in failure.message
    assert "TERSE_TOOLS=" in failure.message


@pytest.mark.parametrize("step", ["ask", "remind", "close"])
async def test_ways_to_ask(bench: Bench, step: str) -> None:
    """Nobody is told anything by a worker whose code asks nobody: mails and messages are sent in its name."""
    way = {"options": {"to": ["eve@example.com"]}, "question": {"prompt": "?"}}
    failure = await refused(bench, call(f"@sdk:input.{step}", arguments=way, types={"way": "terse_temporal:EmailWay"}))
    assert failure.type == "UnknownToolError"
    assert "write wait_for_input(…) in a module of theirs" in failure.message


async def test_a_tool_that_cannot_be_read(bench: Bench) -> None:
    """A call of a built-in tool that the code does not show is refused when it is made, and says what to do."""
    failure = await bench.refuse(dynamic)
    assert failure.type == "UnknownToolError"
    assert "or give the worker TERSE_TOOLS=http" in failure.message


async def test_the_operators_word_is_kept_on_replay(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has come past a call, or its refusal, comes past it again, whatever the operator says by then."""
    refused_run = await _run_of_dynamic(bench)
    monkeypatch.setenv("TERSE_TOOLS", "http")
    allowed_run = await _run_of_dynamic(bench)
    replayer = Replayer(workflows=[], plugins=[TersePlugin([dynamic])])
    await replayer.replay_workflow(await refused_run.fetch_history())
    monkeypatch.delenv("TERSE_TOOLS")
    await replayer.replay_workflow(await allowed_run.fetch_history())
    assert await scheduled(refused_run) == []
    assert set(await scheduled(allowed_run)) == {"http.request"}


async def _run_of_dynamic(bench: Bench) -> Run:
    async with bench.worker(dynamic):
        run = await bench.start(dynamic)
        await bench.failure(run)
    return run


async def test_models(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's turn is refused where no code of the jobs asks a model, unless the operator says so."""
    turn = call("@sdk:generate_text", arguments={})
    assert (await refused(bench, turn)).type == "UnknownToolError"
    monkeypatch.setenv("TERSE_TOOLS", "http, generate_text")
    allowed = await refused(bench, turn)
    assert allowed.type == "TypeError"
    assert "model_turn() missing 8 required keyword-only arguments" in allowed.message


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"arguments": {"no such": 1}}, "TypeError", "known() missing 1 required positional argument: 'value'"),
        ({"arguments": [1]}, "UnreadableCallError", "its input has the arguments [1], which are not by name"),
        ({"arguments": 5}, "UnreadableCallError", "its input has the arguments 5, which are not by name"),
        (
            {"timeout": -1},
            "UnreadableCallError",
            "the timeout -1, which is no positive number of seconds",
        ),
    ],
    ids=str,
)
async def test_wrong_options_fail(bench: Bench, more: dict[str, Any], error: str, said: str) -> None:
    """A call of a known function with options that no job makes fails with what is wrong, and the worker goes on."""
    failure = await refused(bench, call(f"{HOME}:known", **more))
    assert failure.type == error
    assert said in failure.message
    assert await bench.run(victim) == 1


async def test_a_field_of_a_newer_version(bench: Bench) -> None:
    """A field that this version does not know is passed over."""
    assert await by_hand(bench, call(f"{HOME}:known", input=1, retry={"max_attempts": "x"}, later=[2])) == 1
