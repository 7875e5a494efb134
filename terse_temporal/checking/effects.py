"""Side effects in handlers, and what they read: threads, the network, files, the environment, clocks, randomness."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .catalogue import CLOCKS, MUTATORS, RANDOM_FUNCTIONS, REAL_CLOCKS, SEEDED, effect_of, is_nondeterministic
from .findings import Checked, Finding, finding
from .reach import Reached
from .scopes import parent_of

__all__ = ["effects"]

_INTO_A_STEP: Final = "move it into a step, `await job_step(run=…)`"
_INTO_AN_ACTIVITY: Final = "move it into an activity, `await workflow.execute_activity(…)`"
_AGAIN: Final = "the handler runs again from the top whenever the run goes on, and so would this"
_REFUSED: Final = f"the engine refuses it with a SideEffectError: {_AGAIN}"

_ANOTHER_TIME: Final = "here it is another time on every replay, and the run may take another way than the one recorded"

#: For workflows written by hand.
_REPLAYED: Final = "a workflow runs again from the top when it is replayed, and so would this"


def effects(checked: Checked) -> Iterator[Finding]:
    """TERSE201 to 207, 210 to 212, 215 and 216."""
    for reached in checked.reached:
        if reached.role.kind in ("handler", "failure", "filter", "policy", "plain filter", "workflow"):
            for node in reached.nodes:
                if isinstance(node, ast.Call):
                    yield from _of_call(node, reached, checked)
                elif isinstance(node, ast.Attribute | ast.Name):
                    yield from _of_environment(node, reached, checked)


def _of_call(node: ast.Call, reached: Reached, checked: Checked) -> Iterator[Finding]:
    path = checked.resolver.path(node.func)
    if not path:
        return
    by_hand = reached.role.kind == "workflow"
    instead = _INTO_AN_ACTIVITY if by_hand else _INTO_A_STEP
    because = _REPLAYED if by_hand else _REFUSED
    description = _describe(path)
    code = effect_of(path)
    if code == "TERSE201":
        wait = (
            "`await workflow.sleep(…)` or `asyncio.sleep`" if by_hand else '`await sleep("5s")`, which holds no process'
        )
        yield _finding(code, node, reached, description, because, f"wait with {wait}")
    elif code == "TERSE206":
        yield _reads(node, reached, description)
    elif code == "TERSE216":
        if not by_hand:
            yield _finding(
                code, node, reached, description, _AGAIN, "write `log(…)`, which prints once, or print in a step"
            )
    elif code is not None:
        if code == "TERSE204" and _is_silent(path):
            because = "it asks the disk of whatever worker runs it, and a replay may get another answer"
        yield _finding(code, node, reached, description, because, instead)
    elif path in CLOCKS and not _is_deterministic(reached):
        yield _finding("TERSE210", node, reached, description, _differs(reached, "time"), _clock_instead(by_hand))
    elif path in REAL_CLOCKS:
        because = f"no module has it deterministic: {_ANOTHER_TIME}" if not by_hand else _differs(reached, "time")
        yield _finding("TERSE210", node, reached, description, because, _clock_instead(by_hand))
    elif (path in RANDOM_FUNCTIONS or (path == "random.Random" and not node.args)) and not _is_deterministic(reached):
        own = (
            "`workflow.random()` or `workflow.uuid4()`"
            if by_hand
            else "`terse_temporal.uuid4()`, or draw in the job's own module and pass it in"
        )
        yield _finding("TERSE211", node, reached, description, _differs(reached, "value"), f"use {own}")
    elif is_nondeterministic(path) or (path in SEEDED and not (node.args or node.keywords)):
        because = "it comes from the machine, and is another on every replay"
        own = (
            "`workflow.random()`, or an activity"
            if by_hand
            else f"`uuid4()` or `random`, which are the same on every replay, or {_INTO_A_STEP}"
        )
        yield _finding("TERSE212", node, reached, description, because, f"use {own}")
    elif path == "builtins.hash" and node.args and _is_text(node.args[0], checked):
        because = "Python salts the hash of a string anew in every process, so a replay on another worker gets another"
        yield _finding("TERSE215", node, reached, description, because, "use hashlib: `hashlib.sha256(text.encode())`")


def _of_environment(node: ast.Attribute | ast.Name, reached: Reached, checked: Checked) -> Iterator[Finding]:
    if not isinstance(node.ctx, ast.Load) or checked.resolver.path(node) not in ("os.environ", "os.environb"):
        return
    around = parent_of(node)
    if isinstance(around, ast.Attribute):
        writes = around.attr in MUTATORS and isinstance(parent_of(around), ast.Call)
    else:
        writes = isinstance(around, ast.Subscript) and not isinstance(around.ctx, ast.Load)
    if writes:
        by_hand = reached.role.kind == "workflow"
        instead = _INTO_AN_ACTIVITY if by_hand else _INTO_A_STEP
        because = "it changes the process of the worker for all runs in it, again on every replay"
        yield _finding("TERSE207", node, reached, "os.environ is written", because, instead)
    else:
        yield _reads(node, reached, "os.environ is read")


def _reads(node: ast.AST, reached: Reached, description: str) -> Finding:
    because = "the run may go on on another worker, or after a deploy, where the value is another"
    instead = "an activity" if reached.role.kind == "workflow" else "a step, `await job_step(run=…)`,"
    fix = f"read it in {instead} so that what was read is recorded, or at module level if all workers agree for ever"
    return _finding("TERSE206", node, reached, description, because, fix)


def _finding(code: str, node: ast.AST, reached: Reached, description: str, because: str, fix: str) -> Finding:
    return finding(code, reached.module, node, f"{description} {reached.where}", because, fix)


def _is_deterministic(reached: Reached) -> bool:
    return reached.is_home and reached.role.kind != "workflow"


def _differs(reached: Reached, what: str) -> str:
    if reached.role.kind == "workflow":
        return f"a replay gets another {what}, and the workflow may take another way than the one recorded"
    return (
        f"only the job's own module is deterministic: here it is another {what} on every replay, and the run may take"
        " another way than the one recorded"
    )


def _clock_instead(by_hand: bool) -> str:
    if by_hand:
        return "use `workflow.now()` or `workflow.time()`"
    return "use `terse_temporal.now()`, which is right everywhere, or pass the time in"


def _is_silent(path: str) -> bool:
    """Return whether Python announces nothing, so that the engine refuses nothing."""
    return path.rpartition(".")[2] in ("exists", "is_file", "is_dir", "isfile", "isdir", "stat", "getsize", "getmtime")


def _is_text(node: ast.expr, checked: Checked) -> bool:
    found = checked.resolver.constant(node)
    if isinstance(found, ast.Constant):
        return isinstance(found.value, str | bytes)
    return isinstance(found, ast.JoinedStr) or checked.resolver.path(node) == "builtins.str()"


def _describe(path: str) -> str:
    for prefix in ("builtins.", "pathlib."):
        path = path.removeprefix(prefix)
    return f"{path}()".replace("get_running_loop()", "loop").replace("asyncio.loop", "loop")
