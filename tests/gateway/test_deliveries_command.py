"""`gateway deliveries` shows what is in a spool, beside a gateway that has it, and has a delivery tried again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from terse_temporal.gateway.spool import Spool, Target

from ..in_process import Ended, run_command
from .deliveries import delivery, raw, targets

SECRET = "tk-4fjs83hf72"


async def command(directory: Path, *arguments: str) -> Ended:
    """Run `terse-temporal gateway deliveries …`."""
    return await asyncio.to_thread(
        run_command, "gateway", "deliveries", "--spool", "spool", *arguments, cwd=directory, env={"MY_TOKEN": SECRET}
    )


async def rows(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    """The deliveries, as data."""
    ended = await command(directory, "--json", *arguments)
    assert ended.status == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


async def filled(spool: Spool) -> None:
    """One that started a run and was refused by another job, one that failed, one that no job is for."""
    first, second = delivery("1"), delivery("2\x1b[2J\nforged", kind="issues.opened")
    third = delivery("3", source="stripe", body={"token": SECRET, "note": "\x1b]0;title\x07"})
    await spool.put(first, raw(first), [*targets(first, "build"), Target("report", "report/github:1", "\x1b[1mno")])
    await spool.put(second, raw(second), targets(second, "build"))
    await spool.put(third, raw(third), [])
    await spool.offered(third, "a run/its wait")
    started, failed = await spool.waiting(2)
    await spool.started(started.number, "build")
    await spool.failed(failed.number, "build", "busy", retry_at=datetime.now(UTC) + timedelta(minutes=5))


async def test_list(tmp_path: Path) -> None:
    """The newest is first, one line for each job; options say which; what senders have written is escaped."""
    async with Spool(tmp_path / "spool") as spool:
        await filled(spool)
        ended = await command(tmp_path)
        assert ended.status == 0
        lines = [line.split() for line in ended.stdout.splitlines()]
        assert lines[1][1:] == [
            "stripe:3",
            "push",
            "no",
            "job",
            "given",
            "to",
            "1",
            "run",
            "that",
            "waited",
            "for",
            "it",
        ]
        assert lines[2][1:6] == [r"github:2\x1b[2J\nforged", "issues.opened", "build", "waiting", "attempt"]
        assert lines[3][1:] == ["github:1", "push", "build", "started"]
        assert lines[4] == ["report", "refused", r"\x1b[1mno"]
        assert len(lines) == 5
        assert "\x1b" not in ended.stdout

        found = await rows(tmp_path)
        assert [(each["id"], each["state"]) for each in found] == [
            ("3", "no job"),
            ("2\x1b[2J\nforged", "waiting"),
            ("1", "refused"),
        ]
        assert [(run["run"], run["state"], run["reason"]) for run in found[2]["runs"]] == [
            ("build/github:1", "started", None),
            ("report/github:1", "refused", "\x1b[1mno"),
        ]
        assert [each["id"] for each in await rows(tmp_path, "--state", "started")] == ["1"]
        assert [each["id"] for each in await rows(tmp_path, "--source", "stripe")] == ["3"]
        assert [each["id"] for each in await rows(tmp_path, "--since", "1h", "--limit", "1")] == ["3"]
        assert await rows(tmp_path, "--since", datetime.now(UTC).isoformat()) == []
    assert [each["offered_to"] for each in await rows(tmp_path)] == [1, 0, 0]


async def test_a_reason_of_several_lines_is_one_in_the_list(tmp_path: Path) -> None:
    async with Spool(tmp_path / "spool") as spool:
        one = delivery("1")
        await spool.put(one, raw(one), [Target("a", "a/1", "it does not fit:\n  email: missing\n  plan: wrong")])
        assert "it does not fit: email: missing; plan: wrong" in (await command(tmp_path)).stdout
        assert [line.strip() for line in (await command(tmp_path, "show", "1")).stdout.splitlines()][-2:] == [
            "email: missing",
            "plan: wrong",
        ]


async def test_show(tmp_path: Path) -> None:
    """One is shown by its id, its body only if that is asked for, and without secrets."""
    async with Spool(tmp_path / "spool") as spool:
        await filled(spool)
        plain = await command(tmp_path, "show", "stripe:3")
        assert "stripe:3" in plain.stdout
        assert "note" not in plain.stdout
        full = await command(tmp_path, "show", "3", "--body")
        assert '"note": "\\u001b]0;title\\u0007"' in full.stdout
        assert SECRET not in full.stdout
        [found] = json.loads((await command(tmp_path, "show", "3", "--body", "--json")).stdout)
        assert found["body"]["token"] == "[MY_TOKEN]"
        assert found["headers"] == {"content-type": "application/json"}
        ended = await command(tmp_path, "show", "4")
        assert (ended.status, ended.stderr) == (1, "error: the spool knows no delivery '4'\n")


async def test_retry(tmp_path: Path) -> None:
    """What was refused or waits is tried again at once; what was started, or is no job's, is not."""
    async with Spool(tmp_path / "spool") as spool:
        await filled(spool)
        ended = await command(tmp_path, "retry", "1", "github:2\x1b[2J\nforged")
        assert (ended.status, ended.stderr) == (0, "")
        assert ended.stdout.splitlines() == [
            "github:1 is tried again: report",
            r"github:2\x1b[2J\nforged is tried again: build",
        ]
        waiting = await spool.waiting(10)
        assert [each.target.job for each in waiting if each.target] == ["report", "build"]
        await spool.started(waiting[0].number, "report")
        for known, why in (("1", "its runs were started"), ("3", "no job was there for it")):
            ended = await command(tmp_path, "retry", known)
            assert ended.status == 1
            assert why in ended.stderr


async def test_what_is_wrong(tmp_path: Path) -> None:
    """A directory without a spool is left without one, and a state that there is none of is told the nearest."""
    ended = await command(tmp_path)
    assert ended.status == 2
    assert "there is no spool in 'spool'" in ended.stderr
    assert not (tmp_path / "spool").exists()
    ended = await command(tmp_path, "--state", "refusd")
    assert ended.status == 2
    assert "did you mean 'refused'?" in ended.stderr
    ended = await command(tmp_path, "--source", "stipe")
    assert (ended.status, "github, stripe, slack, linear, webhook; did you mean 'stripe'?" in ended.stderr) == (2, True)
