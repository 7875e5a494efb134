"""The functions that have a name of their own: tools, and what the SDK itself runs as a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..agents.turns import model_turn
from ..errors import UnknownFunctionError
from ..state.calls import CALLS
from ..tools import toolbox

__all__ = ["known_function"]

#: By the reference after `@sdk:`. References are written to histories.
_SDK: Final[Mapping[str, Callable[..., Any]]] = {
    "generate_text": model_turn,
    **CALLS,
}


def known_function(reference: str) -> Callable[..., Any] | None:
    """The function behind `@tool:name` or `@sdk:name`; `None` for a reference of any other kind.

    Raises:
        UnknownToolError, UnknownFunctionError: this worker has none of that name.
    """
    # No module has such a name, so it is no other function's reference.
    kind, _, name = reference.partition(":")
    if kind == "@tool":
        return toolbox.find(name).function
    if kind == "@sdk":
        if name not in _SDK:
            raise UnknownFunctionError(f"this worker does not have {name!r}: a newer version of the package wrote it")
        return _SDK[name]
    return None
