"""One tool: a function with a name of its own, and what may be done with it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Final, Literal

from ..diagnostics.text import did_you_mean
from ..errors import StepInputError
from ..execution.protocol import FaultRule, RetryRule, StepRequest
from ..serialization.keys import fold
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import TOOL_REFERENCE
from .schemas import Written

__all__ = ["ORIGIN_BUILT_IN", "Tool", "fold_name"]

#: The origin of tools that are built in.
ORIGIN_BUILT_IN: Final = "built in"

#: When a call is tried again: five times over about a quarter of a minute, and later where the other side asks for it.
_ATTEMPTS: Final = RetryRule(max_attempts=5, initial=1.0, multiplier=2.0, max_delay=30.0, on=())


@dataclass(frozen=True, eq=False)
class Tool:
    """A tool as registered.

    Attributes:
        name: `toolbox.tool`, which is the activity type of its calls.
        function: what is called, with arguments by name.
        origin: where it comes from: a module, `built in`, or an MCP server.
        where: `file:line` of it, or of what mounts it.
        description: what it does, for a model and for people.
        read_only: it changes nothing.
        idempotent: twice is as good as once, by the idempotency key or by its nature.
        retry: when a failure is retried, instead of the rule for these two.
        timeout: of one attempt.
        on_interrupt: what happens when its worker is lost.
        local: its calls are recorded with the run's workflow task.
        schema: the JSON schema of its arguments, where it is not the function's annotations that say it.
        code_only: arguments that no model is shown, or may give.
        one_request: a call makes one request, so a connection that never came about means that nothing has happened.
    """

    name: str
    function: Callable[..., Any]
    origin: str
    where: str
    description: str = ""
    read_only: bool = False
    idempotent: bool = False
    retry: RetryRule | None = None
    timeout: timedelta = timedelta(minutes=10)
    on_interrupt: Literal["retry", "fail"] = "retry"
    local: bool = False
    schema: Mapping[str, Any] | None = None
    code_only: frozenset[str] = frozenset()
    one_request: bool = False

    #: Whether its function takes and gives plain JSON, which is checked where the arguments are bound.
    _takes_json: ClassVar[bool] = False

    @property
    def toolbox(self) -> str:
        """The part of the name before the last dot."""
        return self.name.rpartition(".")[0]

    @functools.cached_property
    def folded(self) -> str:
        """What the spellings of its name have in common."""
        return fold_name(self.name)

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """What it takes and gives."""
        return inspect.signature(self.function)

    def request(self, arguments: Mapping[str, Any]) -> StepRequest:
        """Return a call, with its arguments bound by name.

        Raises:
            StepInputError: there is one too many or too few.
        """
        return replace(self.template, arguments=self._bound(self._respelled(arguments)))

    @property
    def argument_names(self) -> list[str]:
        """The arguments that it declares, by its own names."""
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return [name for name, parameter in self.signature.parameters.items() if parameter.kind in kinds]

    def argument(self, name: str) -> str | None:
        """Return its own name of an argument that is given in either spelling; `None` if it declares none."""
        names = self.argument_names
        folded = [each for each in names if self._fold(each) == self._fold(name)]
        return name if name in names else folded[0] if len(folded) == 1 else None

    def _fold(self, name: str) -> str:
        return fold(name)

    def problem_with(self, name: str, value: Any) -> str | None:
        """Return why it does not take a value, which is JSON, for an argument of its own; `None` if it does."""
        try:
            shared_serializer.codec(shared_serializer.parameter_types(self.function).get(name, Any)).load(value)
        except ValueProblem as problem:
            return str(problem)
        return None

    def from_json(
        self,
        arguments: Mapping[str, Any],
        *,
        by_model: bool = False,
        by_code: Collection[str] = (),
        is_part: bool = False,
    ) -> dict[str, Any]:
        """Return the arguments that a model or a test gives, checked: JSON, for a request that is `as_json`.

        Args:
            arguments: by name, in either spelling.
            by_model: a model gives them, so none may be for code alone,
            by_code: but for these.
            is_part: others may be missing.

        Raises:
            StepInputError: there is one too many or too few, or one does not fit or is for code alone.
        """
        bound = self._bound(self._respelled(arguments), is_part=is_part)
        # Of the names as the function has them: a model is free to spell them `authEnv` or `AUTH_ENV`.
        if by_model and (hidden := sorted(self.code_only.intersection(bound).difference(by_code))):
            raise StepInputError(f"tool {self.name!r} ({self.where}) has no argument {hidden[0]!r} for a model")
        types = shared_serializer.parameter_types(self.function)
        problems = []
        for name, value in bound.items():
            try:
                found = shared_serializer.codec(types.get(name, Any))
                bound[name] = found.record(found.load(value)).data
            except ValueProblem as problem:
                problems.append(f"its argument {name!r}: {problem}")
        if problems:
            raise StepInputError("\n".join([f"tool {self.name!r} ({self.where}):", *problems]))
        return bound

    def shown(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what travels as the arguments, as one would write them in a call."""
        return arguments

    @functools.cached_property
    def template(self) -> StepRequest:
        """A call without its arguments."""
        return StepRequest(
            run=self.function,
            name=self.name,
            timeout=self.timeout,
            on_interrupt=self.on_interrupt,
            local=self.local,
            retry=self.retry or replace(_ATTEMPTS, faults=self._faults()),
            reference=f"{TOOL_REFERENCE}{self.name}",
            as_json=self._takes_json,
            built_in=self.toolbox if self.origin == ORIGIN_BUILT_IN else None,
        )

    def _faults(self) -> FaultRule:
        if self.read_only or self.idempotent:
            return "any"
        return "unsent" if self.one_request else "declared"

    def _bound(self, arguments: Mapping[str, Any], *, is_part: bool = False) -> dict[str, Any]:
        signature = self.signature
        by_name = {
            name
            for name, parameter in signature.parameters.items()
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        }
        takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
        if not takes_any and (unknown := [name for name in arguments if name not in by_name]):
            raise StepInputError(
                f"tool {self.name!r} ({self.where}) has no argument {unknown[0]!r}"
                f"{did_you_mean(unknown[0], by_name) or '.'} It is {self.name}{self.shown_signature}"
            )
        try:
            bound = signature.bind_partial(**arguments) if is_part else signature.bind(**arguments)
        except TypeError as err:
            raise StepInputError(
                f"tool {self.name!r} ({self.where}): {err}. It is {self.name}{self.shown_signature}"
            ) from None
        # Defaults are the function's own matter, and need not be of the type that is annotated.
        return dict(bound.arguments)

    def _respelled(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with `camelCase` names as the function has them."""
        names = self.signature.parameters
        missing = {fold(name): name for name in names if name not in arguments}
        respelled: dict[str, Any] = {}
        for name, value in arguments.items():
            spelled = name if name in names else missing.get(fold(name), name)
            if spelled in respelled:
                raise StepInputError(f"tool {self.name!r} ({self.where}): the argument {spelled!r} is given twice")
            respelled[spelled] = value
        return respelled

    @property
    def shown_signature(self) -> str:
        """What it takes and gives, as one would write it."""
        signature = self.signature
        shown = signature.replace(
            parameters=[
                parameter.replace(annotation=_as_written(parameter.annotation))
                for parameter in signature.parameters.values()
            ],
            return_annotation=_as_written(signature.return_annotation),
        )
        return str(shown).replace("typing.", "")


def fold_name(name: str) -> str:
    """Return what the spellings of a tool's name have in common: `slack.sendMessage` is `slack.send_message`."""
    return ".".join([fold(part) for part in name.split(".")])


def _as_written(annotation: Any) -> Any:
    return Written(annotation) if isinstance(annotation, str) else annotation
