"""What is said in Slack to whoever has answered: only where the answer was not taken. The message says the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ...diagnostics.logs import logger_of
from ...inputs.questions import InputQuestion
from ...inputs.slack_way import rich_text as rich
from ...inputs.slack_way.message import is_user
from ...tools.builtin.http.client import quiet_libraries
from ..inputs.answering import InputOutcome

__all__ = ["outcome_note", "plain_note", "say"]

_logger = logger_of("gateway")

#: Where Slack takes what is said to one person.
_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})

#: Seconds for Slack to take it.
_TIMEOUT: Final = 10.0

#: Characters of a sentence, of what a run says, and of a name.
_LONGEST: Final = 2_000
_LONGEST_NAME: Final = 200

_NOTES: Final[Mapping[str, str]] = {
    "away": "Your answer was not taken: what runs the jobs does not answer. Try again in a minute.",
    "no_worker": "Your answer was not taken yet: it seems that no worker of this job is running. It may still count"
    " when there is one. Sent again, it counts once.",
    "not_allowed": "Only some people may answer this question, and you are none of them.",
}

_OVER: Final[Mapping[str, str]] = {
    "timed_out": "Time is up: nobody has answered this in time, and it is not open any more.",
    "withdrawn": "This is not asked any more: the run has gone on without an answer.",
    "": "This question is not open any more: it is over, or its run has ended.",
}


def outcome_note(outcome: InputOutcome, user: str, question: InputQuestion | None = None) -> list[dict[str, Any]]:
    """Return why an answer was not taken, for whoever gave it, as rich text.

    Args:
        outcome: what became of it.
        user: who gave it.
        question: what was asked, if that is known.
    """
    if outcome.kind == "answered":
        label = outcome.label or (outcome.choice if question is None else question.label_of(outcome.choice))
        is_own = outcome.by == user
        said = "You have answered this already" if is_own else "Somebody was faster, and the first answer counts"
        note = [rich.text(said, _LONGEST)]
        if label:
            note += [rich.text(": ", 2), rich.text(label, _LONGEST_NAME, bold=True)]
        if outcome.by and not is_own:
            name = rich.text(outcome.by_name or outcome.by, _LONGEST_NAME)
            who = rich.user(outcome.by) if is_user(outcome.by) else name
            note += [rich.text(" by ", 4), who]
        return [*note, rich.text(".", 1)]
    if outcome.kind == "closed":
        return [rich.text(_OVER.get(outcome.ended, _OVER[""]), _LONGEST)]
    return [rich.text(_NOTES.get(outcome.kind) or f"Your answer does not fit: {outcome.message}", _LONGEST)]


def plain_note(note: Sequence[Mapping[str, Any]]) -> str:
    """Return a note without its marks."""
    return "".join(str(each.get("text") or each.get("user_id") or "") for each in note)


async def say(response_url: str, note: Sequence[dict[str, Any]], link: str | None = None) -> None:
    """Say something to whoever has clicked, and to nobody else. Never raises.

    Args:
        response_url: as Slack has sent it, with the click.
        note: rich text.
        link: to the page of the question, where that helps.
    """
    if not _is_slack(response_url):
        _logger.warning("whoever has clicked in Slack cannot be told: the address for that is not Slack's")
        return
    page = [] if link is None else [rich.text(" ", 1), {"type": "link", "url": link, "text": "Answer on the page"}]
    message: dict[str, Any] = {
        "response_type": "ephemeral",
        "replace_original": False,
        "text": rich.escaped(plain_note(note), _LONGEST),
        "blocks": [rich.rich_text(rich.section(*note, *page))],
    }
    try:
        # Whoever has the address can write to the channel in the name of the app.
        with quiet_libraries():
            async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                answer = await client.post(response_url, json=message)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _logger.warning("whoever has clicked in Slack cannot be told: %s", type(error).__name__)
        return
    if answer.is_error:
        _logger.warning("whoever has clicked in Slack cannot be told: Slack answers with %s", answer.status_code)


def _is_slack(url: str) -> bool:
    """Return whether it is an address of Slack's, or of what stands for it: the gateway asks nobody else."""
    try:
        found = urlsplit(url)
        stands_for_it = urlsplit(os.environ.get("SLACK_API_URL", "").strip())
    except ValueError:
        return False
    if found.scheme == "https" and found.netloc in _HOSTS:
        return True
    return bool(stands_for_it.netloc) and found[:2] == stands_for_it[:2]
