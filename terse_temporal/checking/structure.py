"""How a handler is built: what it catches, what it may call, how its steps are named, whether it ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..diagnostics.places import place
from .awaiting import expects_error
from .findings import Checked, Finding, finding
from .reach import Reached
from .roles import Role, keyword
from .scopes import Function, FunctionNode, ancestors

__all__ = ["structure"]

_CANCELLED: Final = frozenset(["asyncio.CancelledError", "asyncio.exceptions.CancelledError", "builtins.BaseException"])

_DURABLE_ONLY: Final = {
    f"terse_temporal.{name}": f"{name}()"
    for name in ("job_step", "job_map", "sleep", "wait_for_input", "wait_for_event")
}

_IN_PLACE_ONLY: Final = {
    "terse_temporal.TerseAgent().run": (
        "agent.run()",
        "it streams what happens while it happens, which a replay cannot: an InPlaceOnlyError is raised",
        "use `await agent.run_and_wait(…)`",
    ),
    "terse_temporal.current_step": (
        "current_step()",
        "no step is running there, and a NotInStepError is raised",
        "call it in the function that the step runs",
    ),
    "terse_temporal.current_state": (
        "current_state()",
        "no step is running there, and an error is raised",
        "take the state as the handler's second argument",
    ),
    **{
        f"terse_temporal.{path}": (
            f"{described}()",
            "what it does is not recorded and would be another on a replay: an InPlaceOnlyError is raised",
            "make the call in a step, `await job_step(run=…)`",
        )
        for path, described in (
            *((f"Run().{name}", f"run.{name}") for name in ("status", "timeline", "terminate", "retry")),
            ("list_runs", "list_runs"),
        )
    },
    "asyncio.run": (
        "asyncio.run()",
        "an event loop is running there, and a RuntimeError is raised",
        "write `await` instead",
    ),
}

_PAUSES: Final = frozenset(f"terse_temporal.{name}" for name in ("sleep", "wait_for_event", "wait_for_input"))


def structure(checked: Checked) -> Iterator[Finding]:
    """TERSE401 to 405."""
    for reached in checked.reached:
        if reached.role.kind in ("handler", "failure", "filter"):
            yield from _in_durable(reached, checked)
        elif reached.role.kind not in ("policy", "workflow"):
            yield from _in_place(reached, checked)
    for role in checked.roles.roles:
        if role.kind == "handler":
            yield from _names(role, checked)


def _in_durable(reached: Reached, checked: Checked) -> Iterator[Finding]:
    for node in reached.nodes:
        if isinstance(node, ast.Try | ast.TryStar):
            yield from _swallows(node, reached, checked)
        elif isinstance(node, ast.With):
            yield from _suppresses(node, reached, checked)
        elif isinstance(node, ast.While):
            yield from _endless(node, reached, checked)
        elif isinstance(node, ast.Call) and (found := _IN_PLACE_ONLY.get(checked.resolver.path(node.func))):
            description, because, fix = found
            if not expects_error(node, checked, "InPlaceOnlyError", "NotInStepError", "TerseError"):
                yield finding("TERSE403", reached.module, node, f"{description} {reached.where}", because, fix)


def _in_place(reached: Reached, checked: Checked) -> Iterator[Finding]:
    for node in reached.nodes:
        if not isinstance(node, ast.Call):
            continue
        path = checked.resolver.path(node.func)
        description = _DURABLE_ONLY.get(path)
        approvals = keyword(node, "tool_approvals") if path == "terse_temporal.generate_text" else None
        named = approvals.keys if isinstance(approvals, ast.Dict) else getattr(approvals, "elts", [])
        if named:
            description = "tool_approvals=, which waits for a person,"
        if description is None or expects_error(node, checked, "DurableOnlyError", "TerseError"):
            continue
        if reached.role.kind in ("plain", "plain failure", "plain filter"):
            because = "the job is not durable, and a DurableOnlyError is raised"
            fix = "add `durable=True` to its `create_job(…)`, or take the call away"
        else:
            because = f"a {reached.role.kind} runs in one piece, and a DurableOnlyError is raised"
            fix = f"make the call in the handler of a durable job, before or after the {reached.role.kind}"
        yield finding("TERSE402", reached.module, node, f"{description} {reached.where}", because, fix)


def _swallows(node: ast.Try | ast.TryStar, reached: Reached, checked: Checked) -> Iterator[Finding]:
    if not _awaits(node.body) or _is_of_own_tasks(node.body, reached.function):
        return
    for handler in node.handlers:
        caught = _cancellation_caught(handler.type, checked)
        if caught is None:
            continue
        if not any(isinstance(each, ast.Raise) for each in _inside(handler.body)) and not _raised_later(
            handler, node, reached.function
        ):
            yield _report_swallowed(handler, f"{caught} without `raise`", reached)
        return  # the first that catches it is the only one that does


def _report_swallowed(node: ast.AST, how: str, reached: Reached) -> Finding:
    because = "cancelling the run raises CancelledError at its `await`: it is caught here, and the run goes on"
    fix = "catch `Exception`, or end with `raise` after cleaning up"
    return finding("TERSE401", reached.module, node, f"{how} around an `await` {reached.where}", because, fix)


def _suppresses(node: ast.With, reached: Reached, checked: Checked) -> Iterator[Finding]:
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and checked.resolver.path(call.func) == "contextlib.suppress":
            caught = next((each for each in call.args if checked.resolver.path(each) in _CANCELLED), None)
            if caught is not None and _awaits(node.body) and not _is_of_own_tasks(node.body, reached.function):
                yield _report_swallowed(call, f"suppress({ast.unparse(caught)})", reached)


def _cancellation_caught(node: ast.expr | None, checked: Checked) -> str | None:
    """Return how a handler says that it catches a cancellation, if it does."""
    if node is None:
        return "a bare `except:`"
    for each in node.elts if isinstance(node, ast.Tuple) else [node]:
        if checked.resolver.path(each) in _CANCELLED:
            return f"`except {ast.unparse(each)}`"
    return None


def _raised_later(handler: ast.ExceptHandler, node: ast.Try | ast.TryStar, function: Function) -> bool:
    """Return whether what was caught is kept, and something raised after it."""
    kept = handler.name is not None and any(
        isinstance(each, ast.Name) and each.id == handler.name for each in _inside(handler.body)
    )
    end = node.end_lineno or node.lineno
    return kept and any(isinstance(each, ast.Raise) and each.lineno > end for each in function.nodes)


def _is_of_own_tasks(body: list[ast.stmt], function: Function) -> bool:
    """Return whether only tasks are awaited that the function itself cancels.

    What is caught is their end, not the run's.
    """
    awaited = [each.value for each in _inside(body) if isinstance(each, ast.Await)]
    cancels = any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "cancel"
        for each in function.nodes
    )
    return cancels and all(
        isinstance(each, ast.Name | ast.Attribute | ast.Subscript)
        or (isinstance(each, ast.Call) and ast.unparse(each.func) in ("asyncio.gather", "asyncio.wait"))
        for each in awaited
    )


def _awaits(body: list[ast.stmt]) -> bool:
    return any(isinstance(each, ast.Await | ast.AsyncFor | ast.AsyncWith) for each in _inside(body))


def _inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield everything in some statements, what is nested in functions excepted."""
    queue: list[ast.AST] = list(body)
    while queue:
        node = queue.pop()
        if not isinstance(node, FunctionNode):
            yield node
            queue.extend(ast.iter_child_nodes(node))


def _endless(node: ast.While, reached: Reached, checked: Checked) -> Iterator[Finding]:
    always = isinstance(node.test, ast.Constant) and bool(node.test.value)
    guarded = any(isinstance(each, ast.Try | ast.TryStar | ast.AsyncWith) for each in ancestors(node))
    if not always or guarded:
        return
    inside = list(_inside(node.body))
    if any(isinstance(each, ast.Return | ast.Raise | ast.Break | ast.Yield) for each in inside):
        return
    awaited = [each.value for each in inside if isinstance(each, ast.Await)]
    others = any(isinstance(each, ast.AsyncFor | ast.AsyncWith) for each in inside)
    steps = all(
        isinstance(each, ast.Call)
        and checked.roles.is_durable_call(each)
        and checked.resolver.path(each.func) not in _PAUSES
        for each in awaited
    )
    if others or not steps:
        return
    if awaited:
        because = "every round is written to the history, which ends at 51,200 events, in hours"
        fix = "sleep in it, `await sleep(…)`, and end it, or start a run for each round by a schedule"
    else:
        because = "nothing in it lets go: the worker gives the run up after two seconds, again and again"
        fix = "wait in it, `await sleep(…)`, or end it"
    yield finding("TERSE405", reached.module, node, f"a loop without end {reached.where}", because, fix)


def _names(role: Role, checked: Checked) -> Iterator[Finding]:
    first: dict[str, tuple[str, str]] = {}
    reported: set[str] = set()
    for reached in (each for each in checked.reached if each.role is role):
        for node in reached.nodes:
            call = checked.roles.step_calls.get(node) if isinstance(node, ast.Call) else None
            if call is None or call.is_update or call.name is None or call.function is None:
                continue
            # The same text twice is the same step twice.
            text, where = ast.dump(call.function.node), place(str(reached.module.path), call.node.lineno)
            other, there = first.setdefault(call.name, (text, where))
            if other == text or call.name in reported:
                continue
            reported.add(call.name)
            message = f"two steps of the job {role.name!r} are called {call.name!r}, this one and another at {there}"
            because = (
                "a history knows steps by name and order: should an edit swap the two, a run that is under way takes"
                " the result of one for the other, and nobody notices"
            )
            yield finding("TERSE404", reached.module, call.node, message, because, "name one: `job_step(name=…)`")
