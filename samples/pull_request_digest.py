"""Pull-request digest: a comment on every new pull request that says where its changes are.

    GITHUB_TOKEN=… terse-worker samples.pull_request_digest

`GITHUB_API_URL` is for GitHub Enterprise (`https://github.example.com/api/v3`).

GitHub has no idempotency keys: a comment is posted as often as it is asked for. Should the answer to a first attempt be
lost, the second must find out. So the comment carries the step's key, out of sight, and any later attempt looks for it
before it posts. The key goes along as a header too, for a proxy that understands it.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import httpx
from pydantic import BaseModel

from terse_temporal import Retry, Triggers, create_job, current_step, job_step
from terse_temporal.triggers import PullRequestOpened

#: A digest lists no more than this.
_LARGEST = 10


class ChangedFile(BaseModel):
    """What is kept of a file in GitHub's answer, which has its whole diff: results are recorded, and histories grow."""

    filename: str
    status: str
    additions: int
    deletions: int


class GitHubBusyError(Exception):
    """GitHub cannot answer now, and may later."""


#: A dropped connection and a 502 pass by themselves. A missing permission does not, and fails the run at once.
_WHILE_BUSY = Retry(max_attempts=5, initial="1s", max_delay="1m", on=(httpx.TransportError, GitHubBusyError))


def _is_ready(event: PullRequestOpened) -> bool:
    return not event.pull_request.draft


@create_job(name="pull-request-digest", triggers=[Triggers.github.on_pr_opened()], filter=_is_ready, durable=True)
async def pull_request_digest(event: PullRequestOpened) -> dict[str, Any]:
    pull_request = {"repo": event.repository.full_name, "number": event.pull_request.number}
    files = await job_step(
        run=list_changed_files, input=pull_request, output_schema=list[ChangedFile], retry=_WHILE_BUSY
    )
    comment = await job_step(run=post_comment, input={**pull_request, "text": digest(files)}, retry=_WHILE_BUSY)
    return {"files": len(files), "comment": comment}


def digest(files: list[ChangedFile]) -> str:
    """Return the text of the comment. It has no effects, so it needs no step: a replay makes the same text again."""
    added, deleted = sum(file.additions for file in files), sum(file.deletions for file in files)
    places = Counter[str]()
    for file in files:
        places[PurePosixPath(file.filename).parts[0]] += file.additions + file.deletions
    largest = sorted(files, key=lambda file: -file.additions - file.deletions)[:_LARGEST]
    return "\n".join(
        [
            f"**{len(files)} files**, +{added} -{deleted}, mostly in "
            + ", ".join(f"`{place}`" for place, _ in places.most_common(3)),
            "",
            "| file | | + | - |",
            "|---|---|---:|---:|",
            *(f"| `{file.filename}` | {file.status} | {file.additions} | {file.deletions} |" for file in largest),
            *([f"\n… and {len(files) - _LARGEST} more"] if len(files) > _LARGEST else []),
        ]
    )


async def list_changed_files(pull_request: dict[str, Any]) -> list[ChangedFile]:
    files: list[ChangedFile] = []
    async with _github() as github:
        page: str | None = f"repos/{pull_request['repo']}/pulls/{pull_request['number']}/files?per_page=100"
        while page:
            response = _checked(await github.get(page))
            files += [ChangedFile.model_validate(each) for each in response.json()]
            page = response.links.get("next", {}).get("url")
    return files


async def post_comment(comment: dict[str, Any]) -> str:
    current = current_step()
    mark = f"<!-- {current.idempotency_key} -->"
    comments = f"repos/{comment['repo']}/issues/{comment['number']}/comments"
    async with _github() as github:
        if current.attempt > 1:
            # GitHub lists the oldest first, and the pull request is new: ours is on the first page, if anywhere.
            for each in _checked(await github.get(comments, params={"per_page": 100})).json():
                if mark in each["body"]:
                    return str(each["html_url"])
        posted = await github.post(
            comments,
            json={"body": f"{comment['text']}\n\n{mark}"},
            headers={"Idempotency-Key": current.idempotency_key},
        )
        return str(_checked(posted).json()["html_url"])


def _github() -> httpx.AsyncClient:
    # Read in a step, never passed as its input: inputs stay in the history of the run.
    token = os.environ.get("GITHUB_TOKEN")
    if not token:
        raise RuntimeError("the environment variable GITHUB_TOKEN is not set on this worker")
    return httpx.AsyncClient(
        base_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        timeout=20,
    )


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise GitHubBusyError(f"{response.request.method} {response.url} answers {response.status_code}")
    return response.raise_for_status()
