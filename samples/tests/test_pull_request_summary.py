"""Pull-request summary: what the model is given, what it may call, and one comment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samples.pull_request_summary import Summary, comment, pull_request_summary
from terse_temporal.testing import Jobs

_GITHUB = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "github" / "pull_request.opened.json"
_EVENT = json.loads(_GITHUB.read_text())
_REPOSITORY = {"owner": "acme", "repo": "shop"}
_SUMMARY = Summary(headline="Adds a file.", risk="low", take_snapshot=["README.md: a typo"])


@pytest.fixture
def jobs(jobs: Jobs) -> Jobs:
    """Return the fixture, with functions in place of GitHub's MCP server."""

    def pull_request_read(method: str, owner: str, repo: str, pullNumber: int) -> str:  # noqa: N803  as GitHub has it
        return f"{method} of {pullNumber}: README.md | 1 +"

    def add_issue_comment(owner: str, repo: str, issue_number: int, body: str) -> str:
        return "posted"

    jobs.tools.serve("github", pull_request_read, add_issue_comment)
    return jobs


async def test_comment(jobs: Jobs) -> None:
    """The model reads the diff, with the one tool it may call, and one comment is posted with what it says."""
    jobs.model.asks_for("github.pull_request_read", method="get_diff", pullNumber=2, **_REPOSITORY)
    jobs.model.replies(_SUMMARY)

    assert await jobs.run(pull_request_summary, _EVENT) == {"number": 2, "risk": "low"}

    first, second = jobs.model.prompts
    assert "pull request 2 of the repository 'shop'" in first.text
    assert first.tools == ["github.pull_request_read"]
    assert second.results == ["get_diff of 2: README.md | 1 +"]
    jobs.tools.github.add_issue_comment.called_once_with(
        issue_number=2, body="Adds a file.\n\nRisk: **low**\n- README.md: a typo", **_REPOSITORY
    )


async def test_interrupted(jobs: Jobs) -> None:
    """A run that is interrupted after the model has answered goes on from there: the model is not asked again."""
    jobs.model.replies(_SUMMARY)
    jobs.crash_at("generate_text", "after_record")

    assert await jobs.run(pull_request_summary, _EVENT) == {"number": 2, "risk": "low"}

    assert len(jobs.model.prompts) == 1
    assert len(jobs.tools.github.add_issue_comment.calls) == 1


async def test_draft(jobs: Jobs) -> None:
    """A draft is left alone."""
    event = {**_EVENT, "pull_request": {**_EVENT["pull_request"], "draft": True}}

    assert await jobs.run(pull_request_summary, event) == {"skipped": "filter"}
    assert jobs.model.prompts == []


def test_text() -> None:
    """The comment is plain code: it is tested without a server."""
    assert comment(Summary(headline="Adds a file.", risk="high", take_snapshot=[])).endswith("Risk: **high**")
