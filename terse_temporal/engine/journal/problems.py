"""What is said of a run that cannot continue, or whose handler does something else than its journal has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from ...errors import JournalError
from ..wire.journal import Manifest
from .entries import COMPARED
from .open_commands import OpenCommands

__all__ = ["difference", "too_large", "too_long", "words_of_open"]

#: Things in flight that are named.
_SHOWN: Final = 5


def words_of_open(open_commands: OpenCommands) -> str:
    """Return what a run waits for before it can continue: nothing of local steps, which are short."""
    names = {"step": "the step {!r}", "run": "the run {!r}"}
    found = [
        names.get(kind, f"a {kind}").format(name) for kind, name, is_local in open_commands.in_flight() if not is_local
    ]
    return ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else "")


def too_long(act: WorkflowActivation, until: str) -> JournalError:
    return JournalError(
        f"the run cannot go on: its history has {act.history_length:,} events and {act.history_size_bytes:,} bytes, the"
        " server ends it soon, and it could not continue in a new one, as something was in flight all the time:"
        f" {until or 'an answer, or local steps'}. Start runs that take that long with `.start()`, make long steps"
        " runs, and send this one fewer events meanwhile."
    )


def too_large(size: int, most: int, manifest: Manifest) -> JournalError:
    return JournalError(
        f"the run cannot go on: in {manifest.events:,} events it has come to a journal of {size:,} bytes, which it has"
        f" to carry along into a new history, and the server takes {most:,}. Set TERSE_STORAGE for the worker, to a"
        " place where it may grow; have steps return less; or end the run, and go on in another."
    )


def difference(recorded: Sequence[list[Any]], now: Sequence[list[Any]]) -> tuple[str, str] | None:
    """Return the step at which a handler does something else than is recorded, and what; or `None`."""
    for was, is_ in zip(recorded, now, strict=False):
        places = COMPARED.get(was[0])
        if was[:places] != is_[:places]:
            return _name(was), f"is recorded, and the handler now comes to {_words(is_)}"
    if len(recorded) > len(now):
        return _name(recorded[len(now)]), "is recorded, and the handler does not come to it any more"
    if len(now) > len(recorded):
        return _name(now[len(recorded)]), "is not recorded, and the handler now comes to it"
    return None


def _name(command: Sequence[Any]) -> str:
    return str(command[2]) if command[0] in ("step", "local", "run") else str(command[0])


def _words(command: Sequence[Any]) -> str:
    kind = {"local": "step", "timer": "sleep"}.get(command[0], command[0])
    return f"the {kind} {command[2]!r}" if kind in ("step", "run") else f"a {kind}"
