"""Pull-request draft: what is opened is what a person has sent, and nothing without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from samples.pull_request_draft import Draft, pull_request_draft
from terse_temporal.errors import AnswerRefusedError
from terse_temporal.testing import Jobs

_PUSH = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "github" / "push.1.json"
_EVENT = {**json.loads(_PUSH.read_text()), "ref": "refs/heads/oil-doors", "created": True}
_COMMIT = _EVENT["after"]
_DRAFT = Draft(title="Oil the doors", body="They squeak.")
_OPENED = {"owner": "acme", "repo": "shop", "head": "oil-doors", "base": "main"}


@pytest.fixture
def jobs(jobs: Jobs) -> Jobs:
    """Return the fixture, with functions in place of GitHub's MCP server, and a draft of the model."""

    def list_commits(owner: str, repo: str, sha: str) -> list[str]:
        return [f"{sha}: Oil the door"]

    def get_commit(owner: str, repo: str, sha: str) -> str:
        return "doors.py | 1 +"

    def create_pull_request(
        owner: str, repo: str, head: str, base: str, title: str, body: str, draft: bool = False
    ) -> str:
        return "opened"

    jobs.tools.serve("github", list_commits, get_commit, create_pull_request)
    jobs.model.asks_for("github.get_commit", sha=_COMMIT)
    jobs.model.replies(_DRAFT)
    return jobs


async def test_edited(jobs: Jobs) -> None:
    """The form begins with the draft; a mistake is refused by its field, and what is sent in the end is opened."""
    run = await jobs.start(pull_request_draft, _EVENT)
    question = await run.waiting_for_input()
    assert question.form is not None
    fields: dict[str, Any] = question.form["properties"]
    assert (fields["title"]["default"], fields["base"]["default"]) == ("Oil the doors", "main")
    with pytest.raises(AnswerRefusedError) as refused:
        await run.answer(data={"title": "Oil"})
    assert list(refused.value.fields) == ["title"]

    await run.answer(data={"title": "Oil all the doors", "then": "open it as a draft"}, by="Grace")

    assert await run.result() == {"opened": True, "title": "Oil all the doors", "edited": True, "by": "Grace"}
    jobs.tools.github.get_commit.called_once_with(owner="acme", repo="shop", sha=_COMMIT)
    jobs.tools.github.create_pull_request.called_once_with(
        title="Oil all the doors", body="They squeak.", draft=True, **_OPENED
    )


async def test_opened_by_a_delivery(jobs: Jobs) -> None:
    """A push of a new branch starts it, and a draft that needs no edit is opened as it is."""
    jobs.inputs.answers("oil-doors of acme/shop", data={})
    (run,) = await jobs.deliver("github", _EVENT)
    assert (await run.result())["edited"] is False
    jobs.tools.github.create_pull_request.called_once_with(
        title="Oil the doors", body="They squeak.", draft=False, **_OPENED
    )


async def test_nobody_wants_it(jobs: Jobs) -> None:
    """Nothing is opened where a person says so, or nobody says anything for a week."""
    run = await jobs.start(pull_request_draft, _EVENT)
    await run.waiting_for_input()
    await jobs.skip("7d")
    assert await run.result() == {"opened": False, "title": "", "edited": False, "by": None}
    jobs.model.replies(_DRAFT)
    jobs.inputs.answers("Open a pull request", data={"then": "open none"}, by="Grace")
    assert (await jobs.run(pull_request_draft, _EVENT))["by"] == "Grace"
    jobs.tools.github.create_pull_request.not_called()


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1"])
async def test_other_pushes(jobs: Jobs, ref: str) -> None:
    """The default branch and tags are left alone."""
    assert await jobs.run(pull_request_draft, {**_EVENT, "ref": ref}) == {"skipped": "filter"}
