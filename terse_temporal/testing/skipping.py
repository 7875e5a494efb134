"""Skipping the time of a run, and of those that it has started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from temporalio.service import RPCError

from ..durations import format_duration
from ..errors import JobTestError
from ..runs.clocks import fast_forward
from .snapshot import RunSnapshot
from .watched_run import SNAPSHOT_AT_LEAST_EVERY, WatchedRun

__all__ = ["hear", "skip", "skip_from_wait_to_wait", "skip_to_the_end", "skipping_error"]

#: Seconds without anything new that a step is waited for after time was skipped, where the test may hold it up, or it
#: waits for its next attempt: one that was due in that time is about to be made.
_SETTLED_AFTER: Final = 1.0

#: Seconds after which it is not waited for any longer that the gateway of the test knows what a run waits for.
_HEARD_WITHIN: Final = 5.0

#: A step that is due this long before the end of a skip may end with it.
_TOGETHER: Final = timedelta(seconds=1)


async def skip(run: WatchedRun, duration: timedelta) -> None:
    """Let the clock go on by a time, and the run with it: to the end of one sleep after the other.

    Not in one go: the server jumps over the whole of a sleep that begins within the millisecond in which the time
    that is skipped ends, which where a step or a sleep ends with it is one time in twenty. Nor with a stop while a
    step waits for its next attempt, unless that is due then: at a stop the server makes it.
    """
    __tracebackhide__ = True
    snapshot = await run.snapshot()
    end = snapshot.clock + duration
    if snapshot.has_pending_work and snapshot.next_attempt is None:  # on its way to a sleep
        await _settle(run)
        snapshot = await run.snapshot()
    while (snapshot := await hear(run)).is_open and snapshot.clock < end:
        if children := await run.open_children():
            end -= await _skip_children(run, children, end - snapshot.clock)
            continue
        ends = [*(each.until for each in snapshot.sleeps), *snapshot.limits]
        if snapshot.next_attempt is not None:
            ends = [snapshot.next_attempt] if snapshot.next_attempt > end - _TOGETHER else []
        ahead = [each for each in ends if snapshot.clock < each < end]
        await _jump(run, min(ahead, default=end) - snapshot.clock)
        if run.trouble() is not None:
            return


async def skip_to_the_end(run: WatchedRun) -> str | None:
    """Skip what is left; why the server does not, if so: one of the user's may keep to the clock on the wall."""
    if run.look_for_waits(run.job) is not None or run.inputs._any:
        await skip_from_wait_to_wait(run)
        return None
    # The server skips no time of a run while one that it has started is open.
    own = asyncio.ensure_future(fast_forward(run.loop_thread.skipper, run.handle))
    others: dict[WatchedRun, asyncio.Future[str | None]] = {}
    try:
        await run.snapshot()
        while not own.done():
            for child in run.read_children(only_open=True):
                if child not in others:
                    others[child] = asyncio.ensure_future(skip_to_the_end(child))
            await asyncio.wait([own], timeout=SNAPSHOT_AT_LEAST_EVERY)
            if not own.done() and (await run.snapshot()).is_asking:
                # Nobody answers, however often people are reminded. The server goes on until it is told otherwise.
                await fast_forward(run.loop_thread.skipper, run.handle, timedelta(milliseconds=1))
                return None
        await own
    except RPCError as err:
        return err.message
    finally:
        own.cancel()
        for each in others.values():
            each.cancel()
        await asyncio.gather(own, *others.values(), return_exceptions=True)
    return None


async def skip_from_wait_to_wait(run: WatchedRun) -> None:
    """Skip what is left one sleep or timeout after the other, so that what was delivered comes before its end."""
    while (snapshot := await hear(run)).is_open:
        if not snapshot.has_pending_work and not snapshot.is_asking and (wake := await _next_wake(run)) is not None:
            await skip(run, max(wake, timedelta(milliseconds=1)))
        else:
            await run.moment()


async def hear(run: WatchedRun) -> RunSnapshot:
    """Let what was delivered reach the run, if it waits for that by now, and return how it stands then."""
    snapshot = await run.snapshot()
    look = run.look_for_waits(run.job)
    began = time.monotonic()
    while look is not None and snapshot.delivery_waits and time.monotonic() - began < _HEARD_WITHIN:
        known = await look(run.id)
        await _settle(run)
        snapshot = await run.snapshot()
        if known >= snapshot.delivery_waits:
            break
        await run.moment()
    return snapshot


async def _skip_children(run: WatchedRun, children: Sequence[WatchedRun], longest: timedelta) -> timedelta:
    """Let the clocks of the runs that it has started go on to where the first of them wakes, and return how far.

    The server skips no time of a run while one that it has started is open, so its own clock stays where it is.
    """
    __tracebackhide__ = True
    before = await run.snapshot()
    wakes = await asyncio.gather(*(_next_wake(child) for child in children))
    duration = max(min([longest, *(each for each in wakes if each is not None)]), timedelta(milliseconds=1))
    due = [each for each in before.sleeps if each.until - before.clock <= duration]
    if due:
        # One may be about to end, having just been cancelled.
        await asyncio.gather(*(_settle(child) for child in children))
        children = await run.open_children()
        if not children:
            return timedelta()
        raise JobTestError(
            f"time cannot be skipped for the run {run.id} to the end of its sleep of"
            f" {format_duration(due[0].duration)}: the server skips none while a run that it has started is open,"
            f" and {', '.join(each.id for each in children)} is. Let that come to its end first: await"
            " run.children[0].result(), or .cancel()."
        )
    await asyncio.gather(*(skip(child, duration) for child in children))
    await _settle(run)
    return duration


async def _next_wake(run: WatchedRun) -> timedelta | None:
    """Return how long until the next of its sleeps ends, or of those of the runs that it has started."""
    snapshot = await run.snapshot()
    ends = [*(each.until for each in snapshot.sleeps), *snapshot.limits]
    if snapshot.next_attempt is not None:
        ends.append(snapshot.next_attempt)
    inner = [await _next_wake(child) for child in await run.open_children()]
    return min([*(each - snapshot.clock for each in ends), *(each for each in inner if each is not None)], default=None)


async def _jump(run: WatchedRun, duration: timedelta) -> None:
    """Let the clock go on by a time in which nothing ends before its end."""
    __tracebackhide__ = True
    skipping = asyncio.create_task(fast_forward(run.loop_thread.skipper, run.handle, duration))
    try:
        await run.until(
            lambda _: skipping.done() or None,
            "come to the end of the time that is skipped",
            at_end=True,
            may_rest=True,
        )
        await skipping
    except RPCError as err:
        raise skipping_error(run, err.message) from None
    finally:
        skipping.cancel()
    await _settle(run)


async def _settle(run: WatchedRun) -> None:
    """Wait until nothing is under way; a step that the test itself holds up is not waited for."""
    __tracebackhide__ = True
    seen: object = None
    since = began = time.monotonic()
    while (snapshot := await run.snapshot()).has_pending_work and run.trouble() is None:
        now = time.monotonic()
        what = len(snapshot.history.events), snapshot.next_attempt
        if what != seen:
            seen, since = what, now
        elif now - since > _SETTLED_AFTER and (snapshot.next_attempt is not None or snapshot.blocked or run.held()):
            return
        if now - began > run.timeout:
            raise AssertionError(
                f"the run {run.id} is not idle after the time that was skipped, in {run.timeout:g} s:"
                f" a step takes that long in truth.\n{snapshot.table()}"
            )
        await run.moment()


def skipping_error(run: WatchedRun, said: str) -> JobTestError:
    return JobTestError(
        f"the server at {run.loop_thread.address} does not skip time: {said.rstrip('.')}. Start it with"
        " --dynamic-config-value frontend.WorkflowTimeSkippingEnabled=true, or leave --terse-address out."
    )
