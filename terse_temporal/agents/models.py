"""Finding a model by its name, and saying what went wrong with it. Needs the extra `agents`."""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import urlsplit

from ..diagnostics.redaction import error_text, redact
from ..errors import MissingExtraError, ModelError, ModelNotConfiguredError, ModelOutputError, ModelUnavailableError
from ..execution.retries import fault_of
from ..execution.test_doubles import model_double

__all__ = [
    "MODEL_VARIABLE",
    "broken_off",
    "chosen_model",
    "cut_short",
    "model_failure",
    "model_named",
    "require_pydantic_ai",
]

MODEL_VARIABLE: Final = "TERSE_MODEL"

_LONGEST_BODY: Final = 500


def require_pydantic_ai() -> None:
    """Say which extra is missing, if it is.

    Raises:
        MissingExtraError: pydantic-ai is not installed.
    """
    try:
        import pydantic_ai  # noqa: F401, PLC0415  an extra
    except ImportError as err:
        raise MissingExtraError(
            f"calling a model needs pydantic-ai: pip install 'terse-temporal[agents]' ({err})"
        ) from None


def chosen_model(name: str | None) -> str:
    """Return the name of the model to call: the one given, else that of the worker's environment.

    Raises:
        ModelNotConfiguredError: there is none.
    """
    name = name or os.environ.get(MODEL_VARIABLE, "").strip()
    if not name and (double := model_double(None)) is not None:
        return str(double.model_name)
    if not name:
        raise ModelNotConfiguredError(
            'no model is configured. Name one as provider:model, in the call, generate_text(model="openai:gpt-5"), or'
            f" in the environment of the worker, {MODEL_VARIABLE}=anthropic:claude-sonnet-4-5, and give the worker the"
            " provider's key (OPENAI_API_KEY, ANTHROPIC_API_KEY, …)."
        )
    return name


def model_named(name: str) -> Any:
    """Return the model of a name, as pydantic-ai has it, not yet asked anything.

    Raises:
        ModelNotConfiguredError: the name means nothing, or the provider lacks its key.
        MissingExtraError: the provider's own library is not installed.
    """
    from pydantic_ai.exceptions import UserError  # noqa: PLC0415  an extra
    from pydantic_ai.models import infer_model  # noqa: PLC0415

    if (double := model_double(name)) is not None:
        return double
    try:
        model = infer_model(_protocol_of(name))
    except ImportError as err:
        raise MissingExtraError(f"the model {name!r} needs a library that is not installed. {err}") from None
    except (UserError, ValueError) as err:
        raise ModelNotConfiguredError(
            f"the model {name!r} cannot be used: {redact(str(err))} Models are named provider:model, such as"
            " openai:gpt-5, and providers read their keys from the worker's environment.",
            model=name,
        ) from None
    # The step is tried again, by rules that outlive this process; a client that tries again within it would make each
    # attempt several. The clients of OpenAI, Anthropic and Groq have the number as an attribute.
    client: Any = getattr(getattr(model, "provider", None), "client", None)
    if isinstance(getattr(client, "max_retries", None), int):
        client.max_retries = 0
    return model


def _protocol_of(name: str) -> str:
    """`openai:` at an address of somebody else's means the protocol that those speak, which is chat completions.

    pydantic-ai takes it for the Responses API, which is OpenAI's own; `openai-responses:` says so in any case.
    """
    base = os.environ.get("OPENAI_BASE_URL")
    if base and name.startswith("openai:"):
        host = urlsplit(base).hostname or ""
        if host != "api.openai.com" and not host.endswith(".openai.com"):
            return f"openai-chat:{name.removeprefix('openai:')}"
    return name


def model_failure(error: Exception, name: str) -> ModelError:
    """Return what an exception of a turn means to whoever called the model."""
    from pydantic_ai import exceptions  # noqa: PLC0415  an extra

    if isinstance(error, exceptions.ModelAPIError):
        return _api_failure(error, name)
    if isinstance(error, exceptions.ContentFilterError):
        return ModelOutputError(
            f"the model {name!r} gave no answer: its provider's content filter stopped it. Change the prompt.",
            model=name,
        )
    if isinstance(error, exceptions.OutputTokenLimitExceeded):
        return cut_short(name)
    if isinstance(error, exceptions.UnexpectedModelBehavior):
        return ModelOutputError(
            f"the model {name!r} answered something that cannot be used: {error_text(error, _LONGEST_BODY)}", model=name
        )
    if isinstance(error, exceptions.UserError):
        return ModelNotConfiguredError(
            f"the model {name!r} cannot be used so: {error_text(error, _LONGEST_BODY)}", model=name
        )
    if (fault := fault_of(error)) is not None:
        said = error_text(error, _LONGEST_BODY)
        return ModelUnavailableError(
            f"the model {name!r} could not be reached, or did not answer to the end: {said}",
            model=name,
            retry_after=fault.retry_after,
            sent=fault.sent,
        )
    return ModelOutputError(
        f"the call of the model {name!r} failed: {type(error).__name__}: {error_text(error, _LONGEST_BODY)}", model=name
    )


def cut_short(name: str) -> ModelOutputError:
    """Return the error for an answer that is at the limit of its length."""
    return ModelOutputError(
        f"the model {name!r} stopped in the middle of its answer, at its limit of output tokens. Ask for less, or"
        ' raise the limit with settings={"max_tokens": …}.',
        model=name,
    )


def broken_off(name: str) -> ModelUnavailableError:
    """Return the error for a stream that ends before the model has."""
    return ModelUnavailableError(f"the model {name!r} did not answer to the end: its stream broke off", model=name)


def _api_failure(error: Any, name: str) -> ModelError:
    from pydantic_ai import exceptions  # noqa: PLC0415  an extra

    status = getattr(error, "status_code", None)
    refusals = (exceptions.ModelRequestRejectedError, exceptions.ModelQuotaExceededError)
    refused = isinstance(error, refusals) or (status is not None and 400 <= status < 500)
    # What cannot be sent now cannot be sent later: a key with a line break, an address that is none.
    refused = refused or _names_in_chain(error) & {"LocalProtocolError", "UnsupportedProtocol", "InvalidURL"}
    if refused and status not in (408, 425) and not isinstance(error, exceptions.ModelRateLimitError):
        said = f"the model {name!r} refused the request" + (f" with {status}" if status else "")
        text, advice = f"{said}: {_describe(error)}", _advice(error)
        return ModelError(f"{text.rstrip('.')}. {advice}" if advice else text, model=name)
    # Without a status: the connection, or an answer that broke off or is not one.
    what = f"answered {status}" if status else "could not be reached, or did not answer to the end"
    return ModelUnavailableError(
        f"the model {name!r} {what}: {_describe(error)}",
        model=name,
        retry_after=error.retry_after,
        sent=getattr(error, "phase", None) not in ("pool", "connect"),
    )


def _names_in_chain(error: BaseException) -> set[str]:
    names: set[str] = set()
    each: BaseException | None = error
    while each is not None:
        names.add(type(each).__name__)
        each = each.__cause__ or each.__context__
    return names


def _advice(error: Any) -> str:
    from pydantic_ai import exceptions  # noqa: PLC0415  an extra

    if isinstance(error, exceptions.ModelAuthenticationError) or getattr(error, "status_code", None) in (401, 403):
        return "Check the provider's key in the environment of the worker."
    if isinstance(error, exceptions.ModelQuotaExceededError):
        return "The account has no credit, or no quota, left."
    if isinstance(error, exceptions.ModelNotFoundError) or getattr(error, "status_code", None) == 404:
        return "Check the name of the model, and where OPENAI_BASE_URL or its like points."
    if isinstance(error, exceptions.ModelContextWindowExceededError):
        return "The conversation is longer than the model takes: pass less, or let tools return less."
    return ""


def _describe(error: Any) -> str:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return redact(str(message or body or error.message), _LONGEST_BODY)
