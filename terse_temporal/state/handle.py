"""The second argument of a handler."""

from __future__ import annotations

from typing import NoReturn

from .errors import TerseError

__all__ = ["State"]


class State:
    """What a handler that takes `(event, state)` is given. This version keeps no state, and says so when it is used."""

    def __init__(self, job: str) -> None:
        self._job = job

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise TerseError(
            f"the job {self._job!r} used `state.{name}`, and this version of terse-temporal keeps no state between"
            " runs. Keep it in a store of your own, read and written in steps."
        )

    def __repr__(self) -> str:
        return f"<State of {self._job!r}: not available in this version>"
