"""A secret of the environment is in no failure, cause, attribute or traceback that is recorded, and in no log."""

from __future__ import annotations

import base64
import logging

import pytest
from temporalio.client import WorkflowFailureError

from ..bench import Bench
from . import jobs_secrets as jobs

PASSWORD = "sekret-pass-0001"


async def test_nowhere(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("SHOP_DATABASE", f"postgresql://shop:{PASSWORD}@db/shop")
    async with bench.worker(jobs.leaks):
        run = await bench.start(jobs.leaks, password=PASSWORD)
        with pytest.raises(WorkflowFailureError):
            await run.result()
        events = (await run.fetch_history()).events
    # The input is recorded as it is.
    written = "\n".join(str(event) for event in events[1:])
    logged = "\n".join(caplog.handler.format(record) for record in caplog.records)
    for text in (written, logged):
        assert "ShopError" in text
        assert "[SHOP_DATABASE]" in text
        assert PASSWORD not in text
        for secret in (PASSWORD, f"shop:{PASSWORD}"):
            assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text
