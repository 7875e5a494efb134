"""The result of a run, as the type that its handler's annotation says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from ..errors import ResultError
from ..serialization.serializer import Serializer
from ..serialization.value_problems import ValueProblem

__all__ = ["SKIPPED", "typed_result"]

#: What a run gives that its job's filter has ended, whatever its handler's annotation says.
SKIPPED: Final = {"skipped": "filter"}


def typed_result(
    data: Any, *, handler: Callable[..., Any] | None, run: str, serializer: Serializer, text: bytes | None = None
) -> Any:
    """Return a result as the type of its handler's return annotation; as it is, where that is not known.

    Args:
        data: the result as plain JSON, unless there is its text.
        handler: the job's function.
        run: which run it is of, for the message.
        serializer: what types are read with.
        text: the result as JSON text.

    Raises:
        ResultError: it does not fit, or the annotation cannot be resolved.
    """
    if text is not None and len(text) <= len(json.dumps(SKIPPED)):
        data, text = json.loads(text), None
    if text is None and data == SKIPPED:
        return data
    try:
        codec = serializer.codec(Any if handler is None else serializer.result_type(handler))
        return codec.load(data) if text is None else codec.load_text(text)
    except ValueProblem as problem:
        raise ResultError(f"the result of {run}: {problem}") from None
    except NameError as error:
        what = f"the handler's return annotation cannot be resolved: {error}"
        raise ResultError(f"the result of {run}: {what}") from error
