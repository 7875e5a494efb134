"""Noticing, on a replay, that a step was recorded with another input than the handler gives it now.

The engine compares the names of steps, and no more. Steps of one name that change places, as those of a loop over a
set do in another process, would swap their results in silence. The input cannot be part of what the engine compares:
whoever edits a prompt would block every run that has such a step behind it.

So a call carries a *check*: a hash of what it asks for, and a hash of the code of its job. The worker that runs the
step puts the check beside its result, or into its failure, and the run compares it with that of the call that takes it.
Another input from the same code is non-determinism. From other code it is an edit, which goes on; but it is remembered,
and when a later call of that name asks for what an earlier one has taken the result of, two calls have changed places.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import PayloadConverter
from temporalio.exceptions import ApplicationError

from .._keys import fold

__all__ = [
    "RecordedInputs",
    "add_check_to_failure",
    "check_of",
    "code_hash",
    "failure_check",
    "result_check",
    "with_check",
]

#: In the metadata of the payload with a result, and in the first detail of a failure. It is written to histories.
_METADATA: Final = "terse-check"
_DETAIL: Final = "check"

_LENGTH: Final = 12

#: What the references to tools begin with.
_TOOL: Final = "@tool:"

#: What of a call is compared. References to functions and types are not: in them is the name of the module, which is
#: another one where the file is run as a script.
_ASKED: Final = ("input", "arguments")

#: Bytes of an input up to which the order in its lists does not count. Beyond, it would take too long.
_SORTED_UP_TO: Final = 64 * 1024


def check_of(call: Mapping[str, Any], size: int, code: str) -> str:
    """The check of a call.

    Args:
        call: as it is written to the history.
        size: of that, in bytes.
        code: of its job, see `code_hash`.
    """
    asked = {name: call[name] for name in _ASKED if name in call}
    if str(call.get("step", "")).startswith(_TOOL) and isinstance(asked.get("arguments"), dict):
        asked["arguments"] = _as_written(asked["arguments"])
    # Most lists that come in another order were made of a set, which alone changes nothing.
    canonical = _without_order(asked) if size <= _SORTED_UP_TO else asked
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]}.{code}"


def _as_written(arguments: Mapping[str, Any], depth: int = 2) -> dict[str, Any]:
    """The arguments of a tool, whether or not the server was there that lists how it names them.

    A call is replayed where it is not. Then names are as the handler spells them, and each `None` is still there.
    """
    found = {}
    for name, value in arguments.items():
        if value is not None:
            folded = fold(name.replace("-", "_").replace(".", "_").rstrip("_"))
            found[folded] = _as_written(value, depth - 1) if depth > 1 and isinstance(value, dict) else value
    return found


def _without_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_order(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > 1:
        items = [_without_order(item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def code_hash(files: Iterable[str | None]) -> str:
    """A hash of some files of code, which is the same in every process that has the same files.

    It is empty where one cannot be read: then nobody knows whether the code is the same.
    """
    try:
        contents = [hashlib.sha256(Path(str(file)).read_bytes()).digest() for file in files]
    except OSError:
        return ""
    # Not by name: one that is run as a script has another.
    return hashlib.sha256(b"".join(sorted(contents))).hexdigest()[:_LENGTH]


def with_check(data: Any, check: str, converter: PayloadConverter) -> Any:
    """A step's result, with the check of its call beside it."""
    if not check:
        return data
    payload = data.payload if isinstance(data, RawValue) else converter.to_payload(data)
    payload.metadata[_METADATA] = check.encode("ascii", "replace")
    return RawValue(payload)


def add_check_to_failure(failure: ApplicationError, check: str) -> None:
    """Put the check of a call into what a step fails with."""
    if check and failure.details and isinstance(failure.details[0], dict):
        failure.details[0][_DETAIL] = check


def result_check(payload: Payload) -> str:
    """The check beside a result, empty where there is none: another writer has made it."""
    return payload.metadata.get(_METADATA, b"").decode(errors="replace")


def failure_check(failure: BaseException | None) -> str:
    """The check in a failure, empty where there is none: the step was not run to its end."""
    details = failure.details if isinstance(failure, ApplicationError) else ()
    check = details[0].get(_DETAIL) if details and isinstance(details[0], dict) else None
    return check if isinstance(check, str) else ""


class RecordedInputs:
    """The inputs that the steps of one run were recorded with, where they are not those that the handler gives now."""

    def __init__(self) -> None:
        #: By step name: what was recorded for a call that asks for something else, and what those calls ask for.
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._asked: defaultdict[str, set[str]] = defaultdict(set)

    def problem_of_call(self, name: str, check: str) -> str | None:
        """What is wrong with making a call that is not recorded."""
        asked = check.partition(".")[0]
        return _changed_places(name) if asked in self._taken[name] else None

    def problem_of_result(self, name: str, check: str, recorded: str) -> str | None:
        """What is wrong with taking a result, or failure, for a call.

        Args:
            name: the step's name.
            check: of the call that takes it.
            recorded: what is recorded with it.
        """
        (asked, code), (was, its_code) = check.split(".", 1), (*recorded.split(".", 1), "")[:2]
        if not recorded or asked == was:
            return None
        if code and code == its_code:
            return (
                "it is recorded with another input than the handler gives it now, with the same code. What it is given"
                " depends on something that differs between replays: the order of a set, a clock or random numbers of"
                " another module, the environment"
            )
        if was in self._asked[name] or asked in self._taken[name]:
            return _changed_places(name)
        self._taken[name].add(was)
        self._asked[name].add(asked)
        return None


def _changed_places(name: str) -> str:
    return (
        f"two steps of the name {name!r} have changed places: one would get the result of the other. Give them back"
        " their order, or names of their own"
    )
