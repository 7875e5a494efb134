"""The example that the kit was asked for by."""

from __future__ import annotations

from terse_temporal.testing import Jobs

from . import jobs_kit as kit


async def test_follow_up_waits_three_days(jobs: Jobs) -> None:
    """A test reads as the story of its run: what stands in, what happens before the sleep, and what after."""
    jobs.tools.slack.send_message.returns({"ok": True})
    jobs.model.replies("Hi Ada")
    run = await jobs.start("kit-trial-follow-up", event={"customer": {"email": "ada@example.com"}})
    await run.sleeping()
    assert jobs.tools.slack.send_message.calls == []
    await jobs.skip("3d")
    await run.result()
    assert [s.name for s in run.steps] == ["generate_text", "slack.send_message"]
    jobs.tools.slack.send_message.called_once_with(channel_id="C1", message="Hi Ada")
    assert run.job is kit.trial_follow_up
