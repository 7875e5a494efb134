"""The way `webpage`: the link to the page of a question, in the log of the worker and in `inputs show`."""

from __future__ import annotations

from typing import ClassVar, Final

from ..diagnostics.logs import logger_of
from ..diagnostics.text import one_line
from .links import link_problem, question_link
from .questions import InputQuestion
from .ways import InputWay

__all__ = ["WebpageWay", "log_link", "webpage"]

_logger: Final = logger_of("worker")


class WebpageWay(InputWay):
    """Tells nobody: the link stands in the log, for whoever sends it on."""

    way_name: ClassVar[str] = "page"

    async def ask(self, question: InputQuestion) -> None:
        log_link(question)


def webpage() -> WebpageWay:
    """Ask on the page of the gateway alone: its link stands in the worker's log and in `inputs show`.

    Whoever has the link may answer, as nobody in particular.
    """
    return WebpageWay()


def log_link(question: InputQuestion) -> None:
    """Log where a question is answered."""
    link = question_link(question)
    only = ""
    if question.respond_by:  # the link answers as nobody
        only = f" (open to {', '.join(map(one_line, question.respond_by))}: logged in there as one of these, by a link"
        only += " of their own, or with terse-temporal inputs answer --by)"
    if link is None:
        _logger.info(
            "run   %s  question %s: answer it with terse-temporal inputs answer. %s",
            question.id,
            question.number,
            link_problem()
            or "It has a link to its page where TERSE_GATEWAY_URL and TERSE_GATEWAY_KEY are in the"
            " environment of the worker.",
        )
    else:
        _logger.info("run   %s  question %s: %s%s", question.id, question.number, link, only)
