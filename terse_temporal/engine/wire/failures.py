"""What is sent of an exception, of a step, a job or a handler: a failure that the server takes, whatever was raised.

One that it does not take is no failure to it: the step is run again, or the run stands still. So every part is made
sendable here, and nowhere else: the text, the class's name, the stack traces, the causes, and what the exception holds.
Each has a bound, and so have all of them together. What cannot be encoded (half a surrogate pair, as file names and cut
texts have) is written as Python would write it in a string. Credentials are taken out.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from types import GetSetDescriptorType, MemberDescriptorType, TracebackType
from typing import Any, Final

from pydantic import ValidationError
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, FailureError

from ...diagnostics.places import only_users_traceback, users_traceback
from ...diagnostics.redaction import error_text, redact, redact_value
from ...diagnostics.text import shorten
from ...errors import TerseError
from ...serialization.json_text import encoded_size
from .calls import FailureDetail, plain_json
from .public_classes import class_references
from .validation import validation_lines

__all__ = [
    "SentFailureError",
    "bounded_text",
    "failure_detail",
    "failure_text",
    "recorded_cause",
    "refused",
    "sendable_text",
    "slots_of",
    "step_failure",
    "trim_tracebacks",
]

#: The server takes 2 MiB of a failure. A run fails with the failure of its step inside, and that of a child run too.
_LONGEST_TEXT: Final = 10_000
_LONGEST_TRACEBACK: Final = 10_000
_MOST_CAUSES: Final = 20
_LARGEST_CAUSES: Final = 300_000
_LARGEST_VALUE: Final = 10_000
_LARGEST_VALUES: Final = 100_000
_LARGEST_RECORDED: Final = 1_000_000
_MOST_MISSING: Final = 50
_LONGEST_NAME: Final = 100


class SentFailureError(ApplicationError):
    """A failure made of an exception. All of it can be sent.

    Attributes:
        raised: the exception, for the worker's log.
    """

    raised: BaseException | None = None

    # The SDK records the traceback of a failure as text. This one is raised by the engine, so all its lines are the
    # SDK's and this package's, which no history is to name; the user's are those of its cause. It cannot be taken away
    # once and for all, since every function that the failure passes through adds a line: so it is hidden from who reads
    # it. What is set is passed over, as by `contextlib`, and not an error.
    @property
    def __traceback__(self) -> None:
        return None

    @__traceback__.setter
    def __traceback__(self, value: object) -> None: ...


def step_failure(error: BaseException, step: str, next_retry_delay: timedelta | None) -> SentFailureError:
    """Return what a step raised, as Temporal records it. Without a delay it is not retried.

    It has its cause, and is to be raised `from` that.
    """
    trim_tracebacks(error)
    failure = SentFailureError(
        failure_text(error),
        failure_detail(error, step).to_wire(),
        type=_name(error),
        non_retryable=next_retry_delay is None,
        next_retry_delay=next_retry_delay,
    )
    failure.__cause__ = recorded_cause(error)
    failure.raised = error
    return failure


def failure_detail(error: BaseException, step: str) -> FailureDetail:
    """Return what is recorded of an exception for it to be made anew; `step` is where it was raised, if in one."""
    arguments, attributes, missing = _attributes_of(error)
    first, *others = _classes(error)
    return FailureDetail(
        step=sendable_text(step),
        error=first,
        bases=others,
        arguments=arguments,
        attributes=attributes,
        missing=missing,
    )


def trim_tracebacks(error: BaseException) -> None:
    """Take out of the tracebacks of an exception, and of all that it comes from, what is not the user's to read."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            shown = only_users_traceback if isinstance(each, TerseError) else users_traceback
            # Not by assignment: the class may not let anything be set.
            BaseException.with_traceback(each, shown(each.__traceback__))
            pending += [each.__cause__, each.__context__]
            pending += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def refused(what: str, error: Exception, again: timedelta) -> SentFailureError:
    """Return what a worker says to a call that it cannot run, of which it has run nothing."""
    return SentFailureError(bounded_text(f"{what} refused: {error}"), type=type(error).__name__, next_retry_delay=again)


def recorded_cause(error: BaseException) -> FailureError:
    """Return an exception with its causes, to be recorded as the cause of a failure."""
    chain: list[FailureError] = []
    left = _LARGEST_CAUSES
    causes = list(_with_causes(error))
    for number, each in enumerate(causes):
        if number == _MOST_CAUSES or left <= 0:
            rest = len(causes) - number
            chain.append(ApplicationError(f"{rest} more {'cause is' if rest == 1 else 'causes are'} not recorded"))
            break
        if isinstance(each, FailureError) and each.failure is not None:  # it came out of a history, causes and all
            chain.append(_recorded_before(each))
            break
        if isinstance(each, ApplicationError):
            copy = ApplicationError(bounded_text(redact(each.message)), type=sendable_text(each.type or ""))
        else:
            copy = ApplicationError(failure_text(each), type=_name(each))
        copy.__traceback__, size = _sendable_traceback(each.__traceback__)
        left -= size + len(copy.message.encode())
        chain.append(copy)
    for effect, cause in pairwise(chain):
        effect.__cause__ = cause
    return chain[0]


def failure_text(error: BaseException) -> str:
    """Return the text of an exception, of a group those of its exceptions too, as it can be sent."""
    return bounded_text(_text(error))


def bounded_text(text: str) -> str:
    """Return a string as it can be sent: cut where it is long, and without what cannot be encoded."""
    # Cut before anything else is done with it. Control characters stay: code in the handler may read the text.
    return sendable_text(shorten(text, _LONGEST_TEXT, with_length=True, escape=False))


def sendable_text(text: str) -> str:
    r"""Return a string without what UTF-8 cannot say: half a surrogate pair becomes `\ud83d`."""
    return text.encode("utf-8", "backslashreplace").decode()


def slots_of(cls: type[BaseException]) -> Mapping[str, Any]:
    """Return what an exception of a class holds outside its `__dict__`, by name.

    That is what stands in `__slots__`, and what builtins hold in C.
    """
    return {
        name: each
        for base in reversed(cls.__mro__)
        if base not in (BaseException, object)
        for name, each in vars(base).items()
        if isinstance(each, MemberDescriptorType | GetSetDescriptorType) and not name.startswith("__")
    }


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from, or while it was handled, as a traceback shows them."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _classes(error: BaseException) -> list[str]:
    """Return the classes that an exception is of, from its own on: those that an `except` can name, and tells it by."""
    above = [cls for cls in type(error).__mro__ if issubclass(cls, BaseException)]
    references = list(map(sendable_text, class_references(above)))
    return [each for each in references if each not in ("builtins:Exception", "builtins:BaseException")][:20] or [
        references[0]
    ]


def _name(error: BaseException) -> str:
    return sendable_text(shorten(type(error).__name__, 200))


def _text(error: BaseException, depth: int = 0) -> str:
    if isinstance(error, BaseExceptionGroup):
        parts: list[str] = []
        for each in error.exceptions if depth < 10 else ():
            parts.append(f"{type(each).__name__}: {_text(each, depth + 1)}")
            if sum(map(len, parts)) > 2 * _LONGEST_TEXT:
                break
        return f"{redact(error.message)}: {'; '.join(parts)}"
    try:
        return error_text(error)
    except BaseException as err:
        return f"{type(error).__name__} (its text cannot be had: {type(err).__name__})"


def _attributes_of(error: BaseException) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Return the arguments and the attributes of an exception that come back as they were, and are not too large.

    And the names of the attributes that do not.
    """
    left = _LARGEST_VALUES
    kept: dict[str, Any] = {}
    missing: list[str] = []
    # What other classes do when they are read, or are not what they look like, must not stand in the way.
    try:
        arguments = list(vars(BaseException)["args"].__get__(error))
        values = {"": arguments} | _slot_values(error) | dict(object.__getattribute__(error, "__dict__"))
        if isinstance(error, ValidationError):
            values["errors"] = validation_lines(error)
        for name, value in values.items():
            if not isinstance(name, str):
                continue
            if plain_json(value):
                sendable = _sendable_value(redact_value(value))
                size = encoded_size(sendable)
                if size <= _LARGEST_VALUE and size + len(name) <= left:
                    left -= size + len(name)
                    kept[sendable_text(name)] = sendable
                    continue
            if name.isidentifier() and len(name) <= _LONGEST_NAME and len(missing) < _MOST_MISSING:
                missing.append(sendable_text(name))
    except Exception:
        kept, missing = {}, []
    return kept.pop("", []), kept, missing


def _slot_values(error: BaseException) -> dict[str, Any]:
    values = {}
    for name, slot in slots_of(type(error)).items():
        try:
            value = slot.__get__(error, type(error))
        except Exception:  # not set
            continue
        if value is not None:
            values[name] = value
    return values


def _sendable_value(value: Any) -> Any:
    if isinstance(value, str):
        return sendable_text(value)
    if isinstance(value, dict):
        return {sendable_text(key): _sendable_value(item) for key, item in value.items()}
    return [_sendable_value(item) for item in value] if isinstance(value, list) else value


def _sendable_traceback(whole: TracebackType | None) -> tuple[TracebackType | None, int]:
    """Return a traceback of which the text can be sent, and how long that is.

    Of a long one only the first lines and the last are kept.
    """
    try:
        size = _size_of(whole)
        if size is not None and size <= _LONGEST_TRACEBACK:
            return whole, size
        each, lines = whole, []
        while each is not None:
            lines.append(TracebackType(None, each.tb_frame, each.tb_lasti, each.tb_lineno))
            each = each.tb_next
        sizes = [_size_of(line) for line in [*lines[:5], *lines[5:][-45:]]]
        kept, length = None, 0
        for line, size in reversed(list(zip([*lines[:5], *lines[5:][-45:]], sizes, strict=True))):
            if size is not None and length + size <= _LONGEST_TRACEBACK:
                length += size
                kept = TracebackType(kept, line.tb_frame, line.tb_lasti, line.tb_lineno)
        return kept, length
    except Exception:  # the source of a line that cannot be had
        return None, 0


def _size_of(lines: TracebackType | None) -> int | None:
    """Return the length of a traceback as text, in bytes; `None` if it cannot be sent."""
    try:
        return len("\n".join(traceback.format_tb(lines)).encode())
    except UnicodeEncodeError:
        return None


def _recorded_before(error: FailureError) -> FailureError:
    """Return a failure that came out of a history, without its innermost causes where it is too large to be sent."""
    assert error.failure is not None
    if _depth(error.failure) <= 2 * _MOST_CAUSES and error.failure.ByteSize() <= _LARGEST_RECORDED:
        return error
    copy = Failure()
    copy.CopyFrom(error.failure)
    levels = min(_depth(copy), 2 * _MOST_CAUSES)
    while levels and (_depth(copy) > levels or copy.ByteSize() > _LARGEST_RECORDED):
        each = copy
        for _ in range(levels - 1):
            each = each.cause
        each.ClearField("cause")
        levels -= 1
    if copy.ByteSize() > _LARGEST_RECORDED:
        return ApplicationError(bounded_text(error.message), type=type(error).__name__)
    return FailureError(error.message, failure=copy)


def _depth(failure: Failure) -> int:
    depth = 1
    while failure.HasField("cause"):
        failure, depth = failure.cause, depth + 1
    return depth
