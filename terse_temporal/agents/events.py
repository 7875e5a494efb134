"""What `agent.run()` yields while a model works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["AgentEvent", "Finished", "TextDelta", "ToolCalled", "ToolReturned"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the text that the model is writing."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model asked for a tool, which is about to be called."""

    id: str
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool has ended: `result`, or `error` where it failed, which the model is told."""

    id: str
    tool: str
    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The final output."""

    output: Any


AgentEvent = TextDelta | ToolCalled | ToolReturned | Finished
