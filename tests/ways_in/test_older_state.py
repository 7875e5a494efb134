"""The state that `terse-temporal dev` keeps from before there were tags gets what they need."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client

from terse_temporal import start_run
from terse_temporal.cli.dev import _create_tags_attribute
from terse_temporal.devserver import DevServer
from terse_temporal.errors import SetupError

pytestmark = pytest.mark.server


class Older(DevServer):
    """One of a version that did not know of tags."""

    def _arguments(self) -> list[str]:
        return [each for each in super()._arguments() if "TerseTags" not in each]


async def test_state_from_before(tmp_path: Path) -> None:
    """A server that is started on it has no attribute, until `dev` creates it."""
    async with Older(tmp_path / "state.db"):
        pass
    async with DevServer(tmp_path / "state.db") as server:
        client = await Client.connect(server.address)
        with pytest.raises(SetupError):
            await start_run("any", tags=["vip"], client=client)
        await _create_tags_attribute(server)
        assert (await start_run("any", tags=["vip"], client=client)).run_id
