"""A workflow and an activity that somebody wrote by hand, for a worker that has jobs too."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def shout(text: str) -> str:
    return f"{text.upper()}!"


@workflow.defn(name="hand-written")
class HandWritten:
    """Sandboxed, as they are unless one says otherwise."""

    @workflow.run
    async def run(self, text: str) -> str:
        shouted = await workflow.execute_activity(shout, text, start_to_close_timeout=timedelta(seconds=5))
        try:
            open("/etc/hostname")  # noqa: PTH123, SIM115, ASYNC230  # the SDK's own sandbox refuses it
        except workflow.NondeterminismError:
            return f"{shouted} {workflow.unsafe.in_sandbox()}"
        return "not sandboxed"
