"""Tools that a person has to approve, each time a model or a handler wants to call them."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from ..direct import execution_for_call
from ..errors import JobDefinitionError, ToolDeniedError, UnknownToolError
from ..execution import StepRequest, durable_execution
from ..tools import toolbox
from ..tools.tool import nearest
from .skills import names_tool

__all__ = ["approval_list", "approved", "call_approved"]


def approval_list(names: Iterable[str]) -> list[str]:
    """The tools that need approval, by their own names; `slack_send_message` is `slack.send_message` too.

    Raises:
        DurableOnlyError: there are some, and nothing here can wait.
        UnknownToolError: there is no such tool.
    """
    if isinstance(names, str):
        raise JobDefinitionError(f"tool_approvals={names!r}: give a list, tool_approvals=[{names!r}]")
    found = [_tool(name) for name in names]
    if found:
        durable_execution("tool_approvals=…, which waits for a person,")
    return found


async def approved(name: str, arguments: Any, approvals: Sequence[str]) -> str | None:
    """Wait until somebody has decided about a call, if somebody has to. Returns why not, or `None`."""
    if name not in approvals:
        return None
    decision = await execution_for_call().decision({"tool": name, "arguments": arguments})
    if decision["approved"]:
        return None
    reason = f": {decision['reason']}" if decision.get("reason") else ""
    return f"the call of {name!r} was not approved{reason}"


def call_approved(name: str, request: StepRequest, approvals: Sequence[str]) -> Coroutine[Any, Any, Any]:
    """Call a tool, after somebody has approved it if somebody has to.

    Raises:
        ToolDeniedError: when awaited: it was not approved.
    """
    if name not in approvals:
        return execution_for_call().call(request)

    async def call() -> Any:
        refusal = await approved(name, dict(request.arguments or {}), approvals)
        if refusal is not None:
            raise ToolDeniedError(refusal)
        return await execution_for_call().call(request)

    return call()


def _tool(name: str) -> str:
    if "." in name:
        return toolbox.find(name).name
    tools = [tool.name for tool in toolbox.tools()]
    for tool in tools:
        if names_tool(name, tool):
            return tool
    raise UnknownToolError(f"tool_approvals: there is no tool {name!r}{nearest(name, tools)}")
