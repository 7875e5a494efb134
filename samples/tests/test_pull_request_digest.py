"""Pull-request digest: one comment, however often it takes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from samples.pull_request_digest import ChangedFile, digest, pull_request_digest
from samples.tests.service import Answer, Service
from terse_temporal.testing import Jobs

_GITHUB = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "github" / "pull_request.opened.json"
_EVENT = json.loads(_GITHUB.read_text())
_FILES = "GET /repos/acme/shop/pulls/2/files"
_COMMENTS = "GET /repos/acme/shop/issues/2/comments"
_COMMENT = "POST /repos/acme/shop/issues/2/comments"
_POSTED = {"html_url": "https://github.com/acme/shop/pull/2#issuecomment-1"}


@pytest.fixture(autouse=True)
def settings(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", service.url)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_1")
    service.answer(_FILES, Answer([_file("README.md", 1, 1).model_dump()]))
    service.answer(_COMMENTS, Answer([]))
    service.answer(_COMMENT, Answer(_POSTED, status=201))


def _file(name: str, additions: int, deletions: int) -> ChangedFile:
    return ChangedFile(filename=name, status="modified", additions=additions, deletions=deletions)


async def test_comment(jobs: Jobs, service: Service) -> None:
    """Files are listed once, over all pages, and one comment is posted with the digest."""
    second_page = f"{service.url}/repos/acme/shop/pulls/2/files?page=2"
    service.answer(
        _FILES,
        Answer([_file("docs/index.md", 5, 0).model_dump()], headers={"Link": f'<{second_page}>; rel="next"'}),
        Answer([_file("src/main.py", 40, 7).model_dump()]),
    )
    result = await jobs.run(pull_request_digest, _EVENT)

    assert result == {"files": 2, "comment": _POSTED["html_url"]}
    assert len(service.asked(_FILES)) == 2
    (comment,) = service.asked(_COMMENT)
    assert comment.headers["Authorization"] == "Bearer ghp_1"
    assert comment.data["body"].startswith("**2 files**, +45 -7, mostly in `src`, `docs`")
    assert comment.headers["Idempotency-Key"] in comment.data["body"]


async def test_bad_gateway(jobs: Jobs, service: Service) -> None:
    """After a 502 the comment is posted again, under the same key; the files are not listed again."""
    service.answer(_COMMENT, Answer(status=502), Answer(_POSTED, status=201))
    result = await jobs.run(pull_request_digest, _EVENT)

    assert result["comment"] == _POSTED["html_url"]
    first, second = service.asked(_COMMENT)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert len(service.asked(_FILES)) == 1


async def test_lost_worker(jobs: Jobs, service: Service) -> None:
    """Where the comment was posted and the worker died, the next attempt finds it and posts no second one."""
    service.answer(_COMMENTS, lambda: Answer([{**_POSTED, "body": service.asked(_COMMENT)[0].data["body"]}]))
    jobs.crash_at("post_comment", "after_effect")

    result = await jobs.run(pull_request_digest, _EVENT)

    assert result["comment"] == _POSTED["html_url"]
    assert len(service.asked(_COMMENT)) == 1


async def test_forbidden(jobs: Jobs, service: Service) -> None:
    """What will not pass by itself is not tried again."""
    service.answer(_COMMENT, Answer(status=403))
    run = await jobs.start(pull_request_digest, _EVENT)

    await run.failed_with(httpx.HTTPStatusError, match="403")
    assert len(service.asked(_COMMENT)) == 1


async def test_draft(jobs: Jobs, service: Service) -> None:
    """A draft is left alone."""
    event = {**_EVENT, "pull_request": {**_EVENT["pull_request"], "draft": True}}

    assert await jobs.run(pull_request_digest, event) == {"skipped": "filter"}
    assert service.asked(_FILES) == []


async def test_token(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token the run fails at once and says which variable is missing."""
    monkeypatch.delenv("GITHUB_TOKEN")
    run = await jobs.start(pull_request_digest, _EVENT)

    await run.failed_with(RuntimeError, match="GITHUB_TOKEN")
    jobs.steps.post_comment.not_called()


def test_digest() -> None:
    """The digest is plain code: it is tested without a server. It lists the largest ten."""
    text = digest([_file(f"src/{number}.py", number, 0) for number in range(12)])

    assert "`src/11.py`" in text
    assert "`src/1.py`" not in text
    assert text.endswith("… and 2 more")
