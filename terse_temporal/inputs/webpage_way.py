"""The way `webpage`: the link to the page of a question, in the log of the worker and in `inputs show`."""

from __future__ import annotations

from typing import ClassVar, Final

from ..diagnostics.logs import logger_of
from .links import question_link
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
    if link is None:
        _logger.info(
            "run   %s  question %s: answer it with terse-temporal inputs answer. It has a link to its page where"
            " TERSE_GATEWAY_URL and TERSE_GATEWAY_KEY are in the environment of the worker.",
            question.id,
            question.number,
        )
    else:
        _logger.info("run   %s  question %s: %s", question.id, question.number, link)
