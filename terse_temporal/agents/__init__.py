"""Models: `generate_text`, `TerseAgent` and what a model may call."""

from .agent import TerseAgent, generate_text
from .events import AgentEvent, Finished, TextDelta, ToolCalled, ToolReturned
from .skills import Skill, Skills

__all__ = [
    "AgentEvent",
    "Finished",
    "Skill",
    "Skills",
    "TerseAgent",
    "TextDelta",
    "ToolCalled",
    "ToolReturned",
    "generate_text",
]
