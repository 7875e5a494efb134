"""The code of docs/runs.md runs as it stands: its scripts, in processes of their own, against a server and a worker."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from pathlib import Path

import pytest

from terse_temporal.jobs.registry import collecting

from ..bench import Bench, cache_on
from ..commands import run
from ..pages import blocks, jobs_of
from ..waiting import until


@cache_on
async def test_the_scripts(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They print what the page says, through a client that each process makes for itself."""
    for block in blocks("docs/runs.md"):
        (tmp_path / re.match(r"# (\w+\.py)\n", block)[1]).write_text(block)  # type: ignore[index]  # each has a name
    monkeypatch.syspath_prepend(tmp_path)
    with collecting():
        modules = [importlib.import_module(name) for name in ("paying", "paying_all", "shopping")]
    settings = {"TEMPORAL_ADDRESS": bench.env.address}
    jobs = {job.name: job for module in modules for job in jobs_of(module)}.values()
    async with bench.env.worker(jobs):
        paid = await asyncio.to_thread(run, "python", "pay.py", cwd=tmp_path, env=settings)
        assert paid.stderr == ""
        assert paid.stdout.splitlines() == [
            "ch_o-17",
            "pay-order/o-18",
            "declined: 9000.00 is over the limit; the run has failed",
        ]
        listed = "pay-order/o-18 failed\npay-order/o-17 completed\nstep charge done 1\n"

        async def is_listed() -> bool:
            shown = await asyncio.to_thread(run, "python", "overview.py", cwd=tmp_path, env=settings)
            assert shown.stderr == ""
            return shown.stdout == listed

        await until(is_listed, "the list has the runs as they are")
        again = await asyncio.to_thread(run, "python", "going_on.py", cwd=tmp_path, env=settings)
        assert again.stderr == ""
        assert again.stdout == "pay-order/o-18 goes on, and is declined again: 9000.00 is over the limit\n"
        ids = await modules[1].pay_all.run({"orders": [{"orderId": "a", "cents": 1}, {"orderId": "b", "cents": 1}]})
        assert len(set(ids)) == 2
        shopping = modules[2]
        order, dear = {"orderId": "c", "cents": 1}, {"orderId": "d", "cents": 900_000}
        assert await shopping.shop_order.run(order) == "packed c"
        assert await shopping.shop_many.run({"orders": [order, dear]}) == ["ch_c", "CardDeclined"]
        assert await shopping.shop_order.run(dear) == "9000.00 is over the limit; remind-customer goes on by itself"
    for name in ("paying", "paying_all", "shopping"):
        monkeypatch.delitem(sys.modules, name)
