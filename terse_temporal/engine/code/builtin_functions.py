"""The functions that have a name of their own: tools, and what the SDK itself runs as a step.

Tools that the code registers or mounts are there because it does so. What is built in can spend what the worker holds
(its credentials, its place in the network, the account with a provider of models), so it is there only where the code
of this worker's jobs uses it, or the operator says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...agents.turns import model_turn
from ...errors import UnknownFunctionError, UnknownToolError
from ...execution.input_requests import ASKING
from ...inputs.ways import ask_by, close_by, remind_by
from ...serialization.wire_names import (
    GENERATE_TEXT,
    INPUT_ASK,
    INPUT_CLOSE,
    INPUT_REMIND,
    JOURNAL_REPLAY,
    RUN_FIND,
    RUN_RESULT,
    RUN_RESULTS,
    SDK_REFERENCE,
    TOOL_REFERENCE,
)
from ...state.calls import CALLS
from ...tools import find_tool
from .followed_runs import find_run, run_result, run_results
from .functions import FunctionIndex
from .mentions import MODEL

__all__ = ["check_used", "known_function"]


async def _nothing() -> None:
    """Do nothing: a run that replays what it carries draws breath."""


#: By the reference after `@sdk:`.
_SDK: Final[Mapping[str, Callable[..., Any]]] = {
    GENERATE_TEXT: model_turn,
    INPUT_ASK: ask_by,
    INPUT_CLOSE: close_by,
    INPUT_REMIND: remind_by,
    RUN_FIND: find_run,
    RUN_RESULT: run_result,
    RUN_RESULTS: run_results,
    JOURNAL_REPLAY: _nothing,
    **CALLS,
}


#: Built-in toolboxes, `generate_text` for models, or `wait_for_input` for the ways to ask people, that a worker has
#: though its code does not name them: separated by commas, or `*`.
_VARIABLE: Final = "TERSE_TOOLS"


def known_function(reference: str, index: FunctionIndex) -> Callable[..., Any] | None:
    """Return the function behind `@tool:name` or `@sdk:name`; `None` for a reference of any other kind.

    Raises:
        UnknownToolError, UnknownFunctionError: this worker has none of that name, or its code does not use it.
    """
    # No module has such a name, so it is no other function's reference.
    if reference.startswith(TOOL_REFERENCE):
        tool = find_tool(reference.removeprefix(TOOL_REFERENCE))
        if tool.template.built_in is not None:
            check_used(tool.toolbox, tool.name, index)
        return tool.function
    if reference.startswith(SDK_REFERENCE):
        name = reference.removeprefix(SDK_REFERENCE)
        if name not in _SDK:
            raise UnknownFunctionError(f"this worker does not have {name!r}: a newer version of the package wrote it")
        if name == GENERATE_TEXT:
            check_used(MODEL, MODEL, index)
        elif name in (INPUT_ASK, INPUT_REMIND, INPUT_CLOSE):
            check_used(ASKING, ASKING, index)
        return _SDK[name]
    return None


def check_used(name: str, call: str, index: FunctionIndex) -> None:
    """Refuse what is built in and not used by the code of this worker's jobs.

    Args:
        name: of the toolbox, or `generate_text` or `wait_for_input`.
        call: the name of what is called: of a tool, or one of these too.

    Raises:
        UnknownToolError: it is not used.
    """
    is_tool = name not in (MODEL, ASKING)
    used = {name, "*"} if is_tool else {name}
    allowed = {each.strip() for each in os.environ.get(_VARIABLE, "").split(",")}
    if not allowed.isdisjoint({name, "*"}) or not index.tools.isdisjoint(used):
        return
    index.import_all()
    if index.tools.isdisjoint(used):
        written = f"toolbox.{call}(…)" if is_tool else f"{name}(…)"
        raise UnknownToolError(
            f"{name!r} is built in, and the code of this worker's jobs does not use it: write {written} in a module of"
            f" theirs, or give the worker {_VARIABLE}={name}"
        )
