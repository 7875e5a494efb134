"""`python -m benchmarks`: one table, this package beside others. What else is measured has a name, see `--help`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

# What a command measures is imported when it is called: some register jobs and mount servers.
# ruff: noqa: PLC0415

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def _compare(
    context: typer.Context,
    rounds: Annotated[int, typer.Option(help="How often each side has its turn.")] = 6,
    quick: Annotated[bool, typer.Option(help="Two rounds of fewer runs: a minute.")] = False,
    others: Annotated[
        bool, typer.Option(help="DBOS and Restate too, in environments of their own, made in the cache directory.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Keep every turn in this file.")] = None,
) -> None:
    """Measure one job on this package, by hand on the SDK, and on others: one table, ratios first."""
    if context.invoked_subcommand is None:
        from benchmarks.comparison.compare import LOADS, QUICK_LOADS, compare

        loads = QUICK_LOADS if quick else LOADS
        asyncio.run(compare(loads, rounds=2 if quick else rounds, others=others, json_file=json))


@app.command("calls")
def _calls(rounds: Annotated[int, typer.Option(help="Turns of each kind.")] = 7) -> None:
    """Measure each kind of call beside a step."""
    from benchmarks.calls import measure_calls

    asyncio.run(measure_calls(turns=rounds))


@app.command("many")
def _many(rounds: Annotated[int, typer.Option(help="Turns of each way.")] = 4) -> None:
    """Measure a thousand steps in one run, by `job_map` and by `asyncio.gather`."""
    from benchmarks.many import measure_many

    asyncio.run(measure_many(turns=rounds))


@app.command("large")
def _large(
    megabytes: Annotated[int, typer.Option(help="MB of what a step gives.")] = 200,
    kind: Annotated[list[str] | None, typer.Option(help="text, data, objects or models; by default all.")] = None,
) -> None:
    """Measure what a large result of a step costs, where there is a storage."""
    from benchmarks.large import measure_large

    measure_large(megabytes, kind or ())


@app.command("jobs")
def _jobs(repeats: Annotated[int, typer.Option(help="How often.")] = 3) -> None:
    """Measure how soon a worker with hundreds of jobs is ready."""
    from benchmarks.many_jobs import measure_many_jobs

    asyncio.run(measure_many_jobs(repeats))


@app.command("asleep")
def _asleep(
    count: Annotated[int, typer.Option(help="Runs.")] = 10_000,
    cached: Annotated[int | None, typer.Option(help="--cached-runs of the worker.")] = None,
    rate: Annotated[float | None, typer.Option(help="Runs that are started in a second.")] = None,
) -> None:
    """Measure what thousands of sleeping runs cost a worker, and how long they take to wake."""
    from benchmarks.asleep import measure_asleep

    asyncio.run(measure_asleep(count, cached, rate))


@app.command("back")
def _back(count: Annotated[int, typer.Option(help="Steps.")] = 1_000) -> None:
    """Measure how long a run of many steps takes to go on after a restart."""
    from benchmarks.coming_back import measure_coming_back

    asyncio.run(measure_coming_back(count))


@app.command("long")
def _long(
    steps: Annotated[int, typer.Option(help="Steps.")] = 100_000,
    ordinary: Annotated[bool, typer.Option(help="Ordinary steps, in the place of local ones.")] = False,
    continue_after: Annotated[int | None, typer.Option(help="Events after which the run continues.")] = None,
    kills: Annotated[int, typer.Option(help="How often its worker is killed: says what ran again, and no times.")] = 0,
) -> None:
    """Measure one run of many thousand steps, which continues as new by itself."""
    from benchmarks.long_run import measure_killed, measure_long

    if kills:
        asyncio.run(measure_killed(steps, local=not ordinary, kills=kills))
        return
    asyncio.run(measure_long(steps, local=not ordinary, continue_after=continue_after))


@app.command("workers")
def _workers(
    count: Annotated[int, typer.Option(help="Runs.")] = 300,
    kills: Annotated[int, typer.Option(help="How often a worker is killed meanwhile.")] = 0,
) -> None:
    """Measure one, two and four workers on one task queue; or what runs twice where two and four are killed."""
    from benchmarks.sharing import measure_killed, measure_sharing

    asyncio.run(measure_killed(count, kills) if kills else measure_sharing(count))


@app.command("server")
def _server(
    settings: Annotated[list[str] | None, typer.Argument(help="Of `benchmarks/server_settings.py`; all.")] = None,
    rounds: Annotated[int, typer.Option(help="Turns of each.")] = 4,
    side: Annotated[str, typer.Option(help="What runs the jobs, a side of the comparison.")] = "ours",
) -> None:
    """Measure what each setting of the embedded server gives."""
    from benchmarks.server_settings import measure_server

    asyncio.run(measure_server(settings or (), rounds=rounds, side=side))


@app.command("startup")
def _startup(repeats: Annotated[int, typer.Option(help="How often.")] = 5) -> None:
    """Measure `terse-worker` to its first finished job, and `terse-temporal dev` to ready."""
    from benchmarks.startup import startup

    asyncio.run(startup(repeats=repeats))


@app.command("modules")
def _modules() -> None:
    """Measure what a run costs that has a copy of its module, beside one that shares it."""
    from benchmarks.modules import measure_modules

    measure_modules()


@app.command("conversation")
def _conversation(
    turns: Annotated[int, typer.Option(help="Turns of the model.")] = 1_000,
    size: Annotated[int, typer.Option(help="Bytes that a tool returns in each.")] = 20_000,
    workers: Annotated[int, typer.Option(help="Workers that share them.")] = 1,
) -> None:
    """Measure what a turn of a model costs, as a conversation grows."""
    from benchmarks.conversation import measure_conversation

    asyncio.run(measure_conversation(turns=turns, size=size, workers=workers))


@app.command("testing")
def _testing(count: Annotated[int, typer.Option(help="Tests in the long rows.")] = 100) -> None:
    """Measure how long it takes to test a job that sleeps for three days."""
    from benchmarks.testing import measure_testing

    measure_testing(count=count)


@app.command("waking")
def _waking(count: Annotated[int, typer.Option(help="Runs that wait.")] = 1_000) -> None:
    """Measure how long it takes to wake runs that wait for deliveries."""
    from benchmarks.waking import measure_waking

    asyncio.run(measure_waking(count))


@app.command("webhooks")
def _webhooks(
    count: Annotated[int, typer.Option(help="Deliveries of each measurement.")] = 5_000,
    rate: Annotated[float, typer.Option(help="Deliveries a second that are offered.")] = 500,
) -> None:
    """Measure how fast the gateway takes deliveries in and hands them on."""
    from benchmarks.webhooks import measure_webhooks

    asyncio.run(measure_webhooks(count=count, rate=rate))


@app.command("paths")
def _paths(names: Annotated[bool, typer.Option(help="The functions too.")] = False) -> None:
    """Count the functions of this package that each kind of call passes through."""
    from benchmarks.path_of_calls import measure_paths

    asyncio.run(measure_paths(names=names))


if __name__ == "__main__":
    app()
