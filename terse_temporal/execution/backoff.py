"""Pauses between attempts at something that others use at the same time.

Which failures are worth another attempt is for whoever makes them. The retries of steps, tools and models are another
matter: they have a rule of the user's, in `retries.py`.
"""

from __future__ import annotations

import asyncio
import random

__all__ = ["Backoff"]


class Backoff:
    """The pauses of one call: each may be twice as long as the one before, and is of random length.

    Random, so that workers which met at one row or key do not come back at the same moment.

    Args:
        first: seconds that the first pause has at most.
        longest: seconds that any of them has at most.
        until: the time of the event loop by which the last attempt has to begin; `None` is never.
    """

    def __init__(self, *, first: float, longest: float = 1.0, until: float | None = None) -> None:
        self._pause = first
        self._longest = longest
        self._until = until

    async def wait(self) -> bool:
        """Wait, and return whether another attempt is to be made; without waiting, if there is no time for one."""
        if self._until is not None and asyncio.get_running_loop().time() + self._pause >= self._until:
            return False
        await asyncio.sleep(random.uniform(0, self._pause))
        self._pause = min(2 * self._pause, self._longest)
        return True
