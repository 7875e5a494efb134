"""Tools that a person has to approve: each time a model or a handler wants to call them, or when a policy says so.

A policy is a function of the arguments, and runs in the workflow. What it has said stands in the history: while a run
waits for days, its code may come to say something else.
"""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..diagnostics.places import place_of
from ..diagnostics.redaction import error_text
from ..diagnostics.text import did_you_mean
from ..errors import JobDefinitionError, ToolDeniedError, UnknownToolError
from ..execution.in_place import execution_for_call
from ..execution.input_requests import APPROVE, RecordedAnswer
from ..execution.perform import record_arguments
from ..execution.protocol import durable_execution
from ..inputs.asking import approval_request
from ..inputs.ways import InputWay, way_steps
from ..serialization.wire_names import APPROVAL_NEEDED_MARKER
from ..tools import Tool, find_tool, list_tools
from .skills import names_tool

__all__ = ["Approvals", "ApprovalsVia", "ToolApprovals", "approval_list", "approved", "call_approved", "read_approvals"]

#: Whether a person is needed for a call with these arguments.
Policy: TypeAlias = Callable[[dict[str, Any]], bool]

#: What `tool_approvals=` takes.
ToolApprovals: TypeAlias = Sequence[str] | Mapping[str, Policy]

#: What `approvals_via=` takes: by what ways people are asked.
ApprovalsVia: TypeAlias = InputWay | Sequence[InputWay] | None


@dataclass(frozen=True, slots=True)
class Approvals:
    """What people have to approve.

    Attributes:
        policies: by the tools' own names; without a policy, each time.
        via: the ways by which they are asked; none is the default of the worker.
    """

    policies: Mapping[str, Policy | None] = field(default_factory=dict)
    via: ApprovalsVia = None


_LONGEST_REASON = 300


def read_approvals(given: ToolApprovals) -> dict[str, Policy | None]:
    """Return what `tool_approvals=` says, by the names that are written there.

    Raises:
        JobDefinitionError: it is no list of names, and no dict of functions of one argument.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise JobDefinitionError(f"tool_approvals={given!r}: give a list, tool_approvals=[…]")
    if not isinstance(given, Mapping):
        return dict.fromkeys(given)
    for name, policy in given.items():
        _check(name, policy)
    return dict(given)


def approval_list(named: Mapping[str, Policy | None], via: ApprovalsVia = None) -> Approvals:
    """Return the same by the tools' own names; `slack_send_message` is `slack.send_message` too.

    Raises:
        DurableOnlyError: there are some, and nothing here can wait.
        InputError: something in `via` is no way to ask.
        UnknownToolError: there is no such tool.
        JobDefinitionError: a tool has two policies.
    """
    found: dict[str, Policy | None] = {}
    for name, policy in named.items():
        tool = _tool(name)
        if found.get(tool, policy) is not policy:
            raise JobDefinitionError(f"tool_approvals names the tool {tool!r} twice, with different functions")
        found[tool] = policy
    if found:
        execution = durable_execution("tool_approvals=…, which waits for a person,")
        way_steps(
            via, execution.serializer, "approvals_via="
        )  # what is wrong with one is known before a model is asked
    return Approvals(found, via)


async def approved(name: str, arguments: Any, approvals: Approvals) -> str | None:
    """Wait until somebody has decided about a call, if somebody has to. Returns why not, or `None`.

    Args:
        arguments: as JSON, for that person to see.
    """
    if name not in approvals.policies:
        return None
    execution = execution_for_call()
    policy, because = approvals.policies[name], None
    if policy is not None:
        is_needed, because = _ask(policy, arguments)
        if not execution.recorded(APPROVAL_NEEDED_MARKER, is_needed):
            return None
        if because is not None:
            execution.log(f"a person is asked about the tool {name!r}: {because}", logging.WARNING)
    ways = way_steps(approvals.via, execution.serializer, "approvals_via=")
    answer: RecordedAnswer = await execution.ask(approval_request(name, arguments, because, ways))
    if answer.choice == APPROVE:
        return None
    reason = f": {answer.text}" if answer.text else ""
    return f"the call of {name!r} was not approved{reason}"


def call_approved(tool: Tool, arguments: Mapping[str, Any], approvals: Approvals) -> Coroutine[Any, Any, Any]:
    """Call a tool, after somebody has approved it if somebody has to.

    Raises:
        StepInputError: the arguments do not fit; nobody is asked about such a call.
        ToolDeniedError: when awaited: it was not approved.
    """
    request = tool.request(arguments)
    execution = execution_for_call()
    call = execution.call(request)
    if tool.name not in approvals.policies:
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


def _check(name: Any, policy: Any) -> None:
    call = f"tool_approvals={{{name!r}: …}}"
    if not callable(policy):
        raise JobDefinitionError(
            f"{call}: {policy!r} is no function. Give one of the arguments, that says whether a person is needed:"
            " lambda arguments: True"
        )
    where = place_of(policy)
    if inspect.iscoroutinefunction(policy) or inspect.iscoroutinefunction(getattr(policy, "__call__", None)):  # noqa: B004  its method
        raise JobDefinitionError(
            f"{call} ({where}): the function is async. It decides in the workflow, by the arguments alone: make it a"
            " def."
        )
    try:
        inspect.signature(policy).bind({})
    except TypeError:
        raise JobDefinitionError(f"{call} ({where}): the function gets one argument, the dict of arguments") from None
    except ValueError:  # of C, which says nothing
        return


def _ask(policy: Policy, arguments: Any) -> tuple[bool, str | None]:
    """Return whether a person is needed, and what is wrong about the policy if something is: then one is needed."""
    called = f"the function in tool_approvals ({place_of(policy)})"
    try:
        # A copy: it is what a person is shown, and what is called.
        said: object = policy(copy.deepcopy(arguments))
    except Exception as err:  # whatever it is, nobody has said that it may go without a person
        return True, f"{called} raised {type(err).__name__}: {error_text(err, _LONGEST_REASON)}"
    if isinstance(said, bool):
        return said, None
    if inspect.iscoroutine(said):
        said.close()
    return True, f"{called} returned neither True nor False, but a value of the type {type(said).__name__}"


def _tool(name: str) -> str:
    if "." in name:
        return find_tool(name).name
    tools = [tool.name for tool in list_tools()]
    for tool in tools:
        if names_tool(name, tool):
            return tool
    raise UnknownToolError(f"tool_approvals: there is no tool {name!r}{did_you_mean(name, tools)}")
