"""What a server without schedules, or one that does not let the client, is said to be."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from terse_temporal import Triggers, create_job
from terse_temporal.errors import ScheduleError, ServerUnavailableError, SetupError, TerseError
from terse_temporal.schedules import server, sync
from terse_temporal.schedules.operating import list_schedules


@create_job(name="refused-schedule", triggers=[Triggers.schedule.every("1h")])
def refused(event: dict[str, Any]) -> None: ...


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (RPCStatusCode.UNIMPLEMENTED, SetupError, r"the server has no schedules \(no\)\. They need Temporal 1\.20"),
        (RPCStatusCode.PERMISSION_DENIED, SetupError, r"does not let this client \(no\)\. .* read and write schedules"),
        (RPCStatusCode.UNAUTHENTICATED, SetupError, "give its key or certificate that permission"),
        (RPCStatusCode.INVALID_ARGUMENT, ScheduleError, r"the server refuses it \(no\)"),
        (RPCStatusCode.UNAVAILABLE, ServerUnavailableError, r"does not answer \(unavailable: no\)"),
        (RPCStatusCode.RESOURCE_EXHAUSTED, ServerUnavailableError, r"refuses the request \(resource exhausted: no\)"),
    ],
)
async def test_what_is_said(
    status: RPCStatusCode, error: type[TerseError], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says which schedule, why, and what to do; a server that is busy is asked again for a while first."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    requests = []

    async def answer(request: Any) -> Any:
        requests.append(request)
        raise RPCError("no", status, b"")

    monkeypatch.setattr(client.workflow_service, "describe_schedule", answer)
    monkeypatch.setattr(client.workflow_service, "list_schedules", answer)
    monkeypatch.setattr(server, "_PATIENCE", 0.02)
    monkeypatch.setattr(server, "_PAUSE", (0.01, 0.01))
    with pytest.raises(error, match=rf"^the schedule 'refused-schedule' cannot be read: .*{text}"):
        await sync([refused], client)
    assert (len(requests) > 1) == (status == RPCStatusCode.RESOURCE_EXHAUSTED)
    with pytest.raises(error, match=rf"^the schedules cannot be listed: .*{text}"):
        await list_schedules(client)


async def test_no_server() -> None:
    """A server that is not there is said to be that."""
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(
        ServerUnavailableError, match=r"the schedule 'refused-schedule' cannot be read: .*'127\.0\.0\.1:1'"
    ):
        await sync([refused], client)
