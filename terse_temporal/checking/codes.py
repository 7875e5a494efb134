"""The codes of findings: what each is, and where its page says more.

A code is a promise to those who have written `# terse: ignore[…]` or `--ignore`: it is not given to anything else
later. Hundreds: 0 about this tool, 1 steps and awaiting, 2 what changes on a replay, 3 values, 4 structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CODES", "Code", "Severity"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding.

    Attributes:
        severity: an `error` fails, or goes wrong, when the line is run; a `warning` hurts later, or somebody else; a
            `note` does not.
    """

    code: str
    severity: Severity
    title: str

    @property
    def explained_by(self) -> str:
        """The command that prints its section of the documentation."""
        return f"terse-temporal explain {self.code}"


_TABLE: Final[tuple[tuple[str, Severity, str], ...]] = (
    ("TERSE001", "note", "an ignore that hides nothing"),
    ("TERSE002", "warning", "an ignore without a code, or with one that does not exist"),
    ("TERSE101", "error", "a step that reads a variable of the function around it"),
    ("TERSE102", "error", "a step with default values that are made in the handler"),
    ("TERSE103", "error", "a step that is no function"),
    ("TERSE104", "error", "a schema that is made inside a function"),
    ("TERSE105", "error", "a step whose function does not take what it is given"),
    ("TERSE106", "error", "a value of another type than a step takes"),
    ("TERSE107", "error", "a step with an annotation that means nothing when it runs"),
    ("TERSE110", "error", "a call that is not awaited"),
    ("TERSE201", "error", "time.sleep() in a handler"),
    ("TERSE202", "error", "a thread or process in a handler"),
    ("TERSE203", "error", "the network in a handler"),
    ("TERSE204", "error", "a file in a handler"),
    ("TERSE205", "error", "input() in a handler"),
    ("TERSE206", "warning", "reading the environment in a handler"),
    ("TERSE207", "error", "writing the environment in a handler"),
    ("TERSE208", "warning", "writing a global in a handler"),
    ("TERSE209", "error", "writing a global of another module in a handler"),
    ("TERSE210", "error", "a clock that differs on replay"),
    ("TERSE211", "error", "randomness that differs on replay"),
    ("TERSE212", "error", "randomness of the machine"),
    ("TERSE213", "error", "asyncio.wait() or as_completed() in no fixed order"),
    ("TERSE214", "error", "steps in the order of a set or a directory"),
    ("TERSE215", "error", "the hash of a string in a handler"),
    ("TERSE216", "warning", "print() in a handler"),
    ("TERSE217", "error", "what may happen only once, in a module that each run gets a copy of"),
    ("TERSE301", "error", "a sleep that cannot be slept"),
    ("TERSE302", "error", "an option that is no duration"),
    ("TERSE303", "error", "an option that makes no sense"),
    ("TERSE401", "error", "a cancellation that is swallowed"),
    ("TERSE402", "error", "a durable-only call where nothing is durable"),
    ("TERSE403", "error", "a call that a durable handler cannot make"),
    ("TERSE404", "warning", "two steps with one name"),
    ("TERSE405", "warning", "a loop without end"),
)

CODES: Final[Mapping[str, Code]] = {code: Code(code, severity, title) for code, severity, title in _TABLE}
