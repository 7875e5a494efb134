"""Weekly digest: what runs keep for each other, over a week of mornings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from samples.tests.service import Answer, Service
from samples.weekly_digest import weekly_digest
from terse_temporal.testing import Jobs

_FRIDAY, _SATURDAY, _MONDAY, _NEXT_MONDAY = (f"2026-03-{day:02}T06:00:00Z" for day in (6, 7, 9, 16))


def _release(version: str, published_at: str) -> dict[str, str]:
    return {"version": version, "published_at": published_at, "title": f"Release {version}"}


_FEED = [_release("1.0", "2026-03-05T12:00:00Z"), _release("1.1", "2026-03-06T12:00:00Z")]


@pytest.fixture
def feed(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("RELEASES_URL", f"{service.url}/releases")
    service.answer("GET /releases", Answer(_FEED[:1]), Answer(_FEED))
    return service


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGEST_DIR", str(tmp_path))
    return tmp_path


async def test_a_week(jobs: Jobs, feed: Service, digests: Path) -> None:
    """Each item is collected once and is in one digest; a Monday without any has none."""
    days = (_FRIDAY, _SATURDAY, _MONDAY, _NEXT_MONDAY)
    results = [await jobs.run(weekly_digest, {"scheduled_at": day}) for day in days]

    file = digests / "digest-1.md"
    assert results == [
        {"collected": 1},
        {"collected": 1},
        {"collected": 0, "digest": 1, "items": 2, "file": str(file)},
        {"collected": 0},
    ]
    assert file.read_text() == "- 1.0: Release 1.0\n- 1.1: Release 1.1\n"
    assert _names(digests) == [file.name]
    assert await jobs.state(weekly_digest).get("items") == []


async def test_what_is_kept(jobs: Jobs, feed: Service, digests: Path) -> None:
    """What runs before have kept goes into the digest, under the next number."""
    kept = jobs.state(weekly_digest)
    await kept.set("items", [_release("0.9", "2026-03-02T12:00:00Z")])
    await kept.set("digests", 6)

    result = await jobs.run(weekly_digest, {"scheduled_at": _MONDAY})

    assert (result["digest"], result["items"]) == (7, 2)
    assert (digests / "digest-7.md").read_text() == "- 0.9: Release 0.9\n- 1.0: Release 1.0\n"


async def test_at_once(jobs: Jobs, feed: Service, digests: Path) -> None:
    """A run that was started by hand beside the one of the schedule does not lose or double an item."""
    feed.answer("GET /releases", Answer(_FEED))
    runs = [await jobs.start(weekly_digest, {"scheduled_at": _FRIDAY}) for _ in range(5)]
    await asyncio.gather(*(run.result() for run in runs))

    assert (await jobs.run(weekly_digest, {"scheduled_at": _MONDAY}))["items"] == 2


def _names(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir()]
