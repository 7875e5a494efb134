"""What the parts of vendors' events have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BeforeValidator, ConfigDict, model_validator

from ..events import EventModel

__all__ = ["BUILT_WHEN_USED", "ListOf", "Part"]

_T = TypeVar("_T")


#: Of every vendor's models: whoever imports the package would pay for the validators of all, and uses one or two.
BUILT_WHEN_USED: Final = ConfigDict(defer_build=True)


def _read_null(raw: Any) -> Any:
    return [] if raw is None else raw


#: A list that a vendor may send as null.
ListOf = Annotated[list[_T], BeforeValidator(_read_null)]


class Part(EventModel):
    """A part of a payload in which nothing is required; one that is null (a deleted user) reads as empty.

    So `event.pull_request.author.login` is None where there is no author, and no error.
    """

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    @model_validator(mode="before")
    @classmethod
    def _read_null(cls, raw: object) -> object:
        return {} if raw is None else raw
