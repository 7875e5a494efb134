"""Tools that a person has to approve, each time a model or a handler wants to call them."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from ..diagnostics.text import did_you_mean
from ..errors import JobDefinitionError, ToolDeniedError, UnknownToolError
from ..execution.in_place import execution_for_call
from ..execution.perform import record_arguments
from ..execution.protocol import durable_execution
from ..tools import Tool, find_tool, list_tools
from .skills import names_tool

__all__ = ["approval_list", "approved", "call_approved"]


def approval_list(names: Iterable[str]) -> list[str]:
    """Return the tools that need approval, by their own names; `slack_send_message` is `slack.send_message` too.

    Raises:
        DurableOnlyError: there are some, and nothing here can wait.
        UnknownToolError: there is no such tool.
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise JobDefinitionError(f"tool_approvals={names!r}: give a list, tool_approvals=[…]")
    found = [_tool(name) for name in names]
    if found:
        durable_execution("tool_approvals=…, which waits for a person,")
    return found


async def approved(name: str, arguments: Any, approvals: Sequence[str]) -> str | None:
    """Wait until somebody has decided about a call, if somebody has to. Returns why not, or `None`.

    Args:
        arguments: as JSON, for that person to see.
    """
    if name not in approvals:
        return None
    decision = await execution_for_call().request_approval({"tool": name, "arguments": arguments})
    if decision["approved"]:
        return None
    reason = f": {decision['reason']}" if decision.get("reason") else ""
    return f"the call of {name!r} was not approved{reason}"


def call_approved(tool: Tool, arguments: Mapping[str, Any], approvals: Sequence[str]) -> Coroutine[Any, Any, Any]:
    """Call a tool, after somebody has approved it if somebody has to.

    Raises:
        StepInputError: the arguments do not fit; nobody is asked about such a call.
        ToolDeniedError: when awaited: it was not approved.
    """
    request = tool.request(arguments)
    execution = execution_for_call()
    call = execution.call(request)
    if tool.name not in approvals:
        return call
    written = record_arguments(request, execution.serializer)
    shown = tool.shown({} if written is None else written.data)

    async def decided() -> Any:
        try:
            refusal = await approved(tool.name, shown, approvals)
        except BaseException:
            call.close()
            raise
        if refusal is not None:
            call.close()
            raise ToolDeniedError(refusal, tool=tool.name)
        return await call

    return decided()


def _tool(name: str) -> str:
    if "." in name:
        return find_tool(name).name
    tools = [tool.name for tool in list_tools()]
    for tool in tools:
        if names_tool(name, tool):
            return tool
    raise UnknownToolError(f"tool_approvals: there is no tool {name!r}{did_you_mean(name, tools)}")
