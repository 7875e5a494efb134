"""Weekly digest: what runs keep for each other, over a week of mornings."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.tests.service import Answer, Service
from samples.weekly_digest import weekly_digest
from terse_temporal.testing import JobEnvironment

_FRIDAY, _SATURDAY, _MONDAY, _NEXT_MONDAY = (f"2026-03-{day:02}T06:00:00Z" for day in (6, 7, 9, 16))


def _release(version: str, published_at: str) -> dict[str, str]:
    return {"version": version, "published_at": published_at, "title": f"Release {version}"}


_FEED = [_release("1.0", "2026-03-05T12:00:00Z"), _release("1.1", "2026-03-06T12:00:00Z")]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service() as service:
        monkeypatch.setenv("RELEASES_URL", f"{service.url}/releases")
        service.answer("GET /releases", Answer(_FEED[:1]), Answer(_FEED))
        yield service


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGEST_DIR", str(tmp_path))
    return tmp_path


async def test_a_week(env: JobEnvironment, cache: int, feed: Service, digests: Path) -> None:
    """Each item is collected once and is in one digest; a Monday without any has none."""
    queue = f"digest-{uuid.uuid4()}"  # its state belongs to the job on its task queue
    async with env.worker([weekly_digest], task_queue=queue, max_cached_workflows=cache):
        results = [
            await env.run(weekly_digest, {"scheduled_at": at}, task_queue=queue)
            for at in (_FRIDAY, _SATURDAY, _MONDAY, _NEXT_MONDAY)
        ]

    file = digests / "digest-1.md"
    assert results == [
        {"collected": 1},
        {"collected": 1},
        {"collected": 0, "digest": 1, "items": 2, "file": str(file)},
        {"collected": 0},
    ]
    assert file.read_text() == "- 1.0: Release 1.0\n- 1.1: Release 1.1\n"
    assert _names(digests) == [file.name]


async def test_at_once(env: JobEnvironment, cache: int, feed: Service, digests: Path) -> None:
    """A run that was started by hand beside the one of the schedule does not lose or double an item."""
    queue = f"digest-{uuid.uuid4()}"
    feed.answer("GET /releases", Answer(_FEED))
    async with env.worker([weekly_digest], task_queue=queue, max_cached_workflows=cache):
        runs = [await env.start(weekly_digest, {"scheduled_at": _FRIDAY}, task_queue=queue) for _ in range(5)]
        for run in runs:
            await run.result()
        result = await env.run(weekly_digest, {"scheduled_at": _MONDAY}, task_queue=queue)
    assert result["items"] == 2


def _names(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]
