"""Tools: what jobs and models call by name, as `toolbox.slack.send_message(...)`."""

from .registry import find_tool, list_tools, register_tool, toolbox_names
from .tool import Tool
from .toolbox import Toolbox, ToolPath, toolbox

__all__ = ["Tool", "ToolPath", "Toolbox", "find_tool", "list_tools", "register_tool", "toolbox", "toolbox_names"]
