"""A result may be given in part: the handler gets the whole type, and what was made up shows that it was."""

from __future__ import annotations

from terse_temporal.testing import Jobs

from . import jobs_kit as kit


async def test_of_a_tool(jobs: Jobs) -> None:
    """What a result lacks is taken from the arguments of the same names, and else made up."""
    jobs.tools.slack.send_message.returns({"ok": True})
    assert await jobs.run(kit.message, {"channel": "C7"}) == ["SlackMessage", "C7", "<ts>", None]


async def test_what_is_given_stays(jobs: Jobs) -> None:
    """What is given is not touched."""
    jobs.tools.slack.send_message.returns({"channel_id": "C8", "ts": "1.2", "thread_ts": "1.1"})
    assert await jobs.run(kit.message, {"channel": "C7"}) == ["SlackMessage", "C8", "1.2", "1.1"]


async def test_in_depth(jobs: Jobs) -> None:
    """A model in a model is made up as well."""
    jobs.steps.charge.returns({"id": "r-1"})
    jobs.tools.kit.announce.does(lambda text, to=None: text)
    assert await jobs.run(kit.buy, {"amount": 7}) == ["r-1", 7, "<email>", 1, "r-1"]
    jobs.steps["send the parcel"].called_once_with("<name>")


async def test_of_a_function(jobs: Jobs) -> None:
    """What a function returns is as complete as the test makes it: it may call the types by their names."""
    jobs.steps["send the parcel"].does(lambda to: {"number": 3, "to": to})
    jobs.tools.kit.announce.returns("told")
    assert (await jobs.run(kit.buy, {"amount": 7}))[3] == 3
