"""Tools: what jobs and models call by name, as `toolbox.slack.send_message(...)`."""

from .registry import Toolbox, toolbox
from .tool import Tool

__all__ = ["Tool", "Toolbox", "toolbox"]
