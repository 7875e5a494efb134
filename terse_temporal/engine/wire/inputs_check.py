"""Noticing, on a replay, that a step was recorded with another input than the handler gives it now.

The engine compares the names of steps, and no more. Steps of one name that change places, as those of a loop over a
set do in another process, would swap their results in silence. The input cannot be part of what the engine compares:
whoever edits a prompt would block every run that has such a step behind it.

So a call carries a *check*, of three hashes: of what it is given, of what is done with that (the function and the
types, by their references), and of the code of its job. The worker that runs the step puts the check beside its result,
or into its failure, and the run compares it with that of the call that takes it. Another call by the same code is
non-determinism. By other code it is an edit, which goes on; but it is remembered, and when a later call of that name
asks for what an earlier one has taken the result of, two calls have changed places. Functions change places only where
they are given the same: of others, one is renamed or replaced by such an edit.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError

from ...serialization.json_text import Json
from ...serialization.keys import fold
from ...serialization.wire_names import CHECK_METADATA, TOOL_REFERENCE

__all__ = [
    "RecordedInputs",
    "add_check_to_failure",
    "check_metadata",
    "check_of",
    "check_of_done",
    "done_of",
    "failure_check",
    "given_of_check",
    "result_check",
    "with_check",
]

#: In the first detail of a failure.
_DETAIL: Final = "check"

_LENGTH: Final = 12

#: What of a call says what is done with its input.
_DONE: Final = ("step", "functions", "types", "input_schema", "output_schema")

_sorted_text: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

#: Bytes of an input up to which the order of keys and lists in it does not count. Beyond, it would take too long.
_SORTED_UP_TO: Final = 64 * 1024


def check_of(call: Mapping[str, Any], given: Json | None, home: str, code: str) -> str:
    """Return the check of a call.

    Args:
        call: as it is written to the history.
        given: the input in it, or the arguments.
        home: the name of the job's module, which is another one where its file is run as a script.
        code: of the job, see `code_hash.py`.
    """
    return check_of_done(done_of(call, home), str(call.get("step", "")), given, code)


def done_of(call: Mapping[str, Any], home: str) -> str:
    """Return the part of a check that says what is done with the input, for `check_of_done`."""
    return _hash(_sorted_text({name: call[name] for name in _DONE if name in call}).replace(f'"{home}:', '":'))


def check_of_done(done: str, function: str, given: Json | None, code: str) -> str:
    """Return the check of a call that has been worked out in part.

    Args:
        done: what is done with the input, by `done_of`.
        function: the reference to it.
        given, code: as for `check_of`.
    """
    if given is None:
        text = ""
    elif function.startswith(TOOL_REFERENCE):
        text = _sorted_text(_without_order(_as_written(given.data)))
    elif len(given.text) <= _SORTED_UP_TO:
        # Most lists that come in another order were made of a set, which alone changes nothing.
        text = _sorted_text(_without_order(given.data))
    else:
        text = given.text
    return f"{_hash(text)}.{done}.{code}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _as_written(arguments: Mapping[str, Any], depth: int = 2) -> dict[str, Any]:
    """Return the arguments of a tool, whether or not the server was there that lists how it names them.

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
        return sorted(items, key=_sorted_text)
    return value


def check_metadata(check: str) -> dict[str, bytes]:
    """Return what stands beside a result of the check of its call."""
    return {CHECK_METADATA: check.encode("ascii", "replace")} if check else {}


def add_check_to_failure(failure: ApplicationError, check: str) -> None:
    """Put the check of a call into what a step fails with."""
    if check and failure.details and isinstance(failure.details[0], dict):
        failure.details[0][_DETAIL] = check


def with_check(payload: Payload, check: str) -> Payload:
    """Return a result as that of a call."""
    copy = Payload()
    copy.CopyFrom(payload)
    copy.metadata.pop(CHECK_METADATA, None)
    copy.metadata.update(check_metadata(check))
    return copy


def given_of_check(check: str) -> str:
    """Return what stands in a check for what the call is given."""
    return check.partition(".")[0]


def result_check(payload: Payload) -> str:
    """Return the check beside a result, empty where there is none: another writer has made it."""
    return payload.metadata.get(CHECK_METADATA, b"").decode(errors="replace")


def failure_check(failure: BaseException | None) -> str:
    """Return the check in a failure, empty where there is none: the step was not run to its end."""
    details = failure.details if isinstance(failure, ApplicationError) else ()
    check = details[0].get(_DETAIL) if details and isinstance(details[0], dict) else None
    return check if isinstance(check, str) else ""


class _Check(NamedTuple):
    given: str
    done: str
    code: str

    @classmethod
    def read(cls, text: str) -> _Check | None:
        """Return what is recorded; `None` where another writer has made it."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == len(cls._fields) else None

    @property
    def call(self) -> str:
        return f"{self.given}.{self.done}"


class RecordedInputs:
    """The calls that the steps of one run were recorded with, where they are not those that the handler makes now."""

    def __init__(self) -> None:
        #: By step name: what was recorded for a call that asks for something else, and what those calls ask for.
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._asked: defaultdict[str, set[str]] = defaultdict(set)

    def problem_of_call(self, name: str, check: str) -> str | None:
        """Return what is wrong with making a call that is not recorded."""
        if not (taken := self._taken.get(name)):
            return None
        now = _Check.read(check)
        known = now is not None and not taken.isdisjoint((now.given, now.call))
        return _changed_places(name) if known else None

    def problem_of_result(self, name: str, check: str, recorded: str) -> str | None:
        """Return what is wrong with taking a result, or failure, for a call.

        Args:
            name: the step's name.
            check: of the call that takes it.
            recorded: what is recorded with it.
        """
        if check == recorded:
            return None
        now, was = _Check.read(check), _Check.read(recorded)
        if now is None or was is None or now.call == was.call:
            return None
        given = now.given != was.given
        if now.code and now.code == was.code:
            return _SAME_CODE.format("input" if given else "function or type")
        asked, taken = (now.given, was.given) if given else (now.call, was.call)
        if taken in self._asked[name] or asked in self._taken[name]:
            return _changed_places(name)
        self._taken[name].add(taken)
        self._asked[name].add(asked)
        return None


_SAME_CODE: Final = (
    "it is recorded with another {} than the handler gives it now, with the same code. That depends on something that"
    " differs between replays: the order of a set, a clock or random numbers of another module, the process, data that"
    " does not lie beside the code. Read it in a step, whose result is recorded. Where it was changed for good, deploy"
    " an edit of the code with it, of any line, and the run goes on"
)


def _changed_places(name: str) -> str:
    return (
        f"two steps of the name {name!r} have changed places: one would get the result of the other. Give them back"
        " their order, or names of their own"
    )
