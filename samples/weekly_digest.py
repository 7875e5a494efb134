"""Weekly digest: what has been released since the last one.

    RELEASES_URL=https://shop.example.com/releases.json DIGEST_DIR=digests \
        terse-worker samples.weekly_digest --sync-schedules

The worker makes its schedule when it starts; `terse-temporal schedules trigger weekly-digest` runs it between times. It
runs every morning, collects what is new, and on Mondays writes it down. Between its runs it keeps its `state`: the
last it has seen, the items since the last digest, and how many digests there were. To look at it:

    terse-temporal state list weekly-digest
"""

from __future__ import annotations

import json
import os
import urllib.request
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from terse_temporal import State, Triggers, create_job, job_step, log, now
from terse_temporal.triggers import ScheduledEvent

_MONDAY = 0


class Release(BaseModel):
    """One entry of the feed."""

    version: str
    published_at: datetime
    title: str


class Kept(BaseModel):
    """What is kept between two runs. The defaults are what the first run finds."""

    last_seen: datetime | None = None
    items: list[Release] = []
    digests: int = 0


class Digest(BaseModel):
    """What a digest is made of."""

    number: int
    items: list[Release]


def fetch(since: datetime | None) -> list[Release]:
    with urllib.request.urlopen(_setting("RELEASES_URL"), timeout=30) as answer:
        releases = [Release.model_validate(each) for each in json.load(answer)]
    return sorted((each for each in releases if since is None or each.published_at > since), key=_published_at)


def write(digest: Digest) -> str:
    # Named by its number, so that a step that is interrupted and runs again writes the same file.
    file = Path(_setting("DIGEST_DIR")) / f"digest-{digest.number}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"- {each.version}: {each.title}\n" for each in digest.items), encoding="utf-8")
    return str(file)


@create_job(
    name="weekly-digest",
    triggers=[Triggers.schedule.cron("0 7 * * *", timezone="Europe/Berlin")],
    durable=True,
    states=Kept,
)
async def weekly_digest(event: ScheduledEvent, state: State) -> dict[str, object]:
    last_seen = await state.get("last_seen")
    new = await job_step(run=fetch, input=last_seen, input_schema=datetime | None)
    if new:
        # `update`, not `get` and `set`: a run that was started by hand may be adding to the list at this moment.
        await state.update("items", _merged, new)
        await state.set("last_seen", max(each.published_at for each in new))

    today = event.scheduled_at or now()
    items = await state.get("items")
    if today.weekday() != _MONDAY or not items:
        return {"collected": len(new)}

    number = await state.update("digests", lambda digests: digests + 1)
    file = await job_step(run=write, input=Digest(number=number, items=items), input_schema=Digest)
    # Only what is in the digest: more may have come since.
    await state.update("items", _without, items)
    log("digest written", file=file, items=len(items))
    return {"collected": len(new), "digest": number, "items": len(items), "file": file}


def _merged(items: list[Release], new: list[Release]) -> list[Release]:
    known = {each.version for each in items}
    return sorted([*items, *(each for each in new if each.version not in known)], key=_published_at)


def _without(items: list[Release], sent: list[Release]) -> list[Release]:
    versions = {each.version for each in sent}
    return [each for each in items if each.version not in versions]


def _published_at(release: Release) -> datetime:
    return release.published_at


def _setting(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise RuntimeError(f"the environment variable {name} is not set on this worker")
