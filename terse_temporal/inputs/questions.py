"""A question as data: what is asked, by which run, since when. As JSON it stands in the run's memo.

The JSON is a format, version 1, that only gains optional fields: `v`, `prompt`, `run` (the run id before any reset),
`since` and `until` (ISO 8601), `options` (`id`, `label`, `description`, `free_text`) or `form` (a JSON schema) with
`fields` (their names in order: the SDK sorts keys), `details` (pairs of a name and JSON, likewise), `respond_by`,
`on_timeout`, `via` (names), `remind_every` (seconds), and of an approval `tool`, `arguments` and perhaps `because`.
Where a run asks more at once than a memo may hold, `is_short` says that there is more of it (the run answers a query
for the whole), and `more` how many further ones are not listed. Earlier releases wrote `tool` and `arguments` alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ..diagnostics.text import shorten
from ..errors import InputError
from ..execution.input_requests import APPROVE, DENY
from ..execution.run_events import is_name
from ..serialization.json_text import encoded_size
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem, too_deep

__all__ = [
    "QUESTION_VERSION",
    "InputOption",
    "InputQuestion",
    "approval_options",
    "options_json",
    "question_digest",
    "question_json",
    "read_question",
    "read_time",
]

QUESTION_VERSION: Final = 1

#: Characters of the prompt, of the id of an option, of its label and of its description.
_LONGEST_PROMPT: Final = 4_000
_LONGEST_ID: Final = 100
_LONGEST_LABEL: Final = 100
_LONGEST_DESCRIPTION: Final = 500

#: Options of a question, and lines of its details.
_MOST_OPTIONS: Final = 20
_MOST_DETAILS: Final = 50

#: People who may answer, and characters of each.
_MOST_RESPONDENTS: Final = 50
_LONGEST_RESPONDENT: Final = 200

#: Characters of what an answer says it is an answer to.
_DIGEST: Final = 16

#: Bytes of a question as JSON. It is recorded whenever one is asked or answered.
_MOST_BYTES: Final = 24 * 1024


@dataclass(frozen=True, slots=True)
class InputOption:
    """One of the answers that a person can choose.

    Attributes:
        id: what `answer.choice` is; up to 100 characters.
        label: what the button says; up to 100 characters.
        description: what that means, in a sentence; up to 500 characters.
        free_text: whether a text may be given with it, which `answer.text` is: a reason, say.
    """

    id: str
    label: str
    description: str = ""
    free_text: bool = False


@dataclass(frozen=True, slots=True)
class InputQuestion:
    """A question that a run asks a person: what ways to ask are given, and what stands in the memo of the run.

    Texts in it were written by others, a model among them: whoever shows them makes them fit to be shown.

    Attributes:
        id: the workflow id of the run.
        run: its run id, as it was before any reset: the questions of each run of a chain are counted from 1.
        number: of the question in the run: `"1"`.
        job: the job's name.
        namespace: of the server.
        prompt: what is asked.
        options: the answers to choose from; empty for a form or a free text.
        form: the JSON schema of the form, or `None`; `forms.read_form` makes fields of it.
        details: what is shown beside it, as a table: JSON by names.
        since, until: when it was asked, and when it is over; `None` where that is not known, or never.
        on_timeout: the option that counts then, if one does.
        respond_by: who may answer; empty is everybody.
        via: the names of the ways by which it is asked.
        tool, arguments: of an approval, the call that it is about.
        because: likewise, why a person is asked, where that is not for the tool alone; or an empty string.
        is_short: whether this is not all of it.
        digest: what an answer says it is an answer to; empty where that is not known.
    """

    id: str
    run: str
    number: str
    job: str = ""
    namespace: str = ""
    prompt: str = ""
    options: tuple[InputOption, ...] = ()
    form: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    on_timeout: str | None = None
    respond_by: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    tool: str | None = None
    arguments: Any = None
    because: str = ""
    is_short: bool = False
    digest: str = ""

    def label_of(self, choice: str | None) -> str | None:
        """Return what an option is called; where there is none with this id, the id."""
        return next((each.label for each in self.options if each.id == choice), choice)


def question_json(
    prompt: Any,
    *,
    options: Any = None,
    form: Mapping[str, Any] | None = None,
    details: Any = None,
    respond_by: Any = None,
    on_timeout: Any = None,
    call: str,
) -> dict[str, Any]:
    """Return a question as JSON, checked.

    Args:
        prompt, options, details, respond_by, on_timeout: as `wait_for_input` takes them.
        form: the JSON schema of a form.
        call: in whose name to complain, with the line.

    Raises:
        InputError: it cannot be asked.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise InputError(f"{call}: prompt={shorten(repr(prompt), 60)}; give the question, a string that is not empty")
    if len(prompt) > _LONGEST_PROMPT:
        raise InputError(
            f"{call}: the prompt has {len(prompt):,} characters, and {_LONGEST_PROMPT:,} is the most. Put the rest into"
            " details=, or where a link leads to."
        )
    shown: dict[str, Any] = {"v": QUESTION_VERSION, "prompt": _sendable(prompt)}
    if options is not None:
        shown["options"] = options_json(_checked_options(options, call))
    if form is not None:
        shown["form"] = form
        shown["fields"] = list(form["properties"])
    if details:
        shown["details"] = _checked_details(details, call)
    if respond_by is not None:
        shown["respond_by"] = _checked_respondents(respond_by, call)
    if on_timeout is not None:
        ids = [each["id"] for each in shown.get("options", ())]
        if on_timeout not in ids:
            given = f"of {', '.join(map(repr, ids))}" if ids else "where there are options"
            raise InputError(f"{call}: on_timeout={shorten(repr(on_timeout), 60)}: give the id of an option, {given}")
        shown["on_timeout"] = on_timeout
    if (size := encoded_size(shown)) > _MOST_BYTES:
        raise InputError(
            f"{call}: the question is {size:,} bytes as JSON, and {_MOST_BYTES:,} is the most. Ask for less at once, or"
            " say in details= where the rest is."
        )
    return shown


def question_digest(shown: Mapping[str, Any]) -> str:
    """Return what an answer says it is an answer to, of a question as JSON.

    After a reset a run may ask something else under the same number: a model chooses another call, or the code has
    changed. What somebody has answered before is no answer to that.
    """
    options = [each.get("id") for each in _list(shown.get("options")) if isinstance(each, Mapping)]
    asked = [shown.get("prompt"), options, shown.get("tool"), shown.get("arguments"), _list(shown.get("fields"))]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def options_json(options: Sequence[InputOption]) -> list[dict[str, Any]]:
    """Return options as JSON."""
    return [
        {
            "id": each.id,
            "label": each.label,
            **({"description": each.description} if each.description else {}),
            **({"free_text": True} if each.free_text else {}),
        }
        for each in options
    ]


def approval_options() -> list[dict[str, Any]]:
    """Return the options of the question whether a tool may be called."""
    return options_json(
        [InputOption(APPROVE, "Approve", free_text=True), InputOption(DENY, "Deny", free_text=True)],
    )


def read_question(
    wire: Mapping[str, Any], *, id: str, number: str, job: str = "", namespace: str = ""
) -> InputQuestion | None:
    """Return a question of its JSON, `None` for what is none.

    A memo is anybody's writing: what does not fit is dropped.

    Args:
        wire: as it stands in a memo.
        id, number, job, namespace: what is known besides, from the server.
    """
    tool = wire.get("tool")
    if "event" in wire or not (isinstance(wire.get("prompt"), str) or isinstance(tool, str)):
        return None
    is_approval = isinstance(tool, str)
    read = [each for each in map(_read_option, _list(wire.get("options"))) if each is not None]
    if is_approval and not read:  # of an earlier release
        read = [InputOption(**each) for each in approval_options()]
    return InputQuestion(
        id=id,
        run=str(wire.get("run") or ""),
        number=number,
        job=job,
        namespace=namespace,
        prompt=str(wire.get("prompt") or f"May {tool} be called?"),
        options=tuple(read),
        form=_read_form(wire.get("form"), _list(wire.get("fields"))),
        details={
            each[0]: each[1]
            for each in _list(wire.get("details"))
            if isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)  # a pair
        },
        since=read_time(wire.get("since")),
        until=read_time(wire.get("until")),
        on_timeout=each if isinstance(each := wire.get("on_timeout"), str) else None,
        respond_by=tuple(each for each in _list(wire.get("respond_by")) if isinstance(each, str)),
        via=tuple(each for each in _list(wire.get("via")) if isinstance(each, str)),
        tool=tool if is_approval else None,
        arguments=wire.get("arguments"),
        because=because if is_approval and isinstance(because := wire.get("because"), str) else "",
        is_short=wire.get("is_short") is True,
        digest="" if wire.get("is_short") is True else question_digest(wire),
    )


def read_time(text: Any) -> datetime | None:
    """Return a time that stands in a memo, in UTC; `None` for what is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):  # the latter at either end of time
        return None


def _checked_options(options: Any, call: str) -> list[InputOption]:
    if isinstance(options, str) or not isinstance(options, Sequence):
        raise InputError(f"{call}: options={shorten(repr(options), 60)}; give a list of InputOption(id, label)")
    if not 1 <= len(options) <= _MOST_OPTIONS:
        raise InputError(f"{call}: there are {len(options)} options; give from 1 to {_MOST_OPTIONS}")
    seen: set[str] = set()
    for each in options:
        if not isinstance(each, InputOption):
            raise InputError(f"{call}: {shorten(repr(each), 60)} is no option; write InputOption('yes', 'Yes')")
        for what, most in (("id", _LONGEST_ID), ("label", _LONGEST_LABEL)):
            if not is_name(value := getattr(each, what), most):
                raise InputError(
                    f"{call}: the {what} {shorten(repr(value), 60)} of an option: give a string of 1 to {most}"
                    " characters in one line"
                )
        if not isinstance(each.description, str) or len(each.description) > _LONGEST_DESCRIPTION:
            raise InputError(
                f"{call}: the description of the option {each.id!r} is to be a string of {_LONGEST_DESCRIPTION}"
                " characters at most"
            )
        if each.id in seen:
            raise InputError(f"{call}: two options have the id {each.id!r}")
        seen.add(each.id)
    return list(options)


def _checked_details(details: Any, call: str) -> list[list[Any]]:
    if not isinstance(details, Mapping) or not all(is_name(each, _LONGEST_LABEL) for each in details):
        raise InputError(
            f"{call}: details={shorten(repr(details), 60)}; give a dict whose keys are strings of 1 to"
            f" {_LONGEST_LABEL} characters"
        )
    if len(details) > _MOST_DETAILS:
        raise InputError(f"{call}: there are {len(details)} details, and {_MOST_DETAILS} is the most")
    try:
        written = shared_serializer.codec(Any).record(dict(details))
    except ValueProblem as problem:
        raise InputError(f"{call}: the details are not JSON: {problem}") from None
    if (path := too_deep(written.data)) is not None:
        raise InputError(f"{call}: the details, at {path} …, are nested too deep")
    return [[name, each] for name, each in written.data.items()]


def _checked_respondents(respond_by: Any, call: str) -> list[str]:
    if isinstance(respond_by, str) or not isinstance(respond_by, Sequence):
        raise InputError(f"{call}: respond_by={shorten(repr(respond_by), 60)}; give a list: respond_by=[…]")
    if not 1 <= len(respond_by) <= _MOST_RESPONDENTS:
        raise InputError(f"{call}: respond_by= has {len(respond_by)} people in it; give from 1 to {_MOST_RESPONDENTS}")
    for each in respond_by:
        if not is_name(each, _LONGEST_RESPONDENT):
            raise InputError(f"{call}: respond_by=[…, {shorten(repr(each), 60)}]: give addresses, names or user ids")
    return list(respond_by)


def _read_option(wire: Any) -> InputOption | None:
    if not isinstance(wire, Mapping) or not isinstance(wire.get("id"), str):
        return None
    label, description = wire.get("label"), wire.get("description")
    return InputOption(
        wire["id"],
        label if isinstance(label, str) else wire["id"],
        description if isinstance(description, str) else "",
        wire.get("free_text") is True,
    )


def _read_form(form: Any, names: list[Any]) -> Mapping[str, Any] | None:
    """Return a JSON schema with its fields in their order, as far as that is known."""
    if not isinstance(form, Mapping):
        return None
    properties = form.get("properties")
    if not isinstance(properties, Mapping):
        return form
    ordered = [name for name in names if isinstance(name, str) and name in properties]
    return {**form, "properties": {name: properties[name] for name in dict.fromkeys([*ordered, *properties])}}


def _sendable(text: str) -> str:
    """Return a text with what UTF-8 cannot say escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
