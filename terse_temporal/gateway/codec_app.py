"""The codec server: what shows encrypted and stored data in Temporal's Web UI and CLI.

They send payloads as JSON to `/decode` and show what comes back; what is typed into them goes through `/encode`. The
Web UI asks with `?preserveStorageRefs=true`, which leaves references to a storage as they are, and for what a reference
leads to at `/download`. Each stands below the name of a namespace too, as an endpoint may be written with one.

Whoever may ask reads everything. So a browser is answered only where its page comes from an origin that was named, also
if the page believes that it asks itself (DNS rebinding); and without a token only at an address of this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.common import RawValue
from temporalio.converter import DataConverter

from ..diagnostics.logs import logger_of
from ..diagnostics.text import one_line, shorten
from ..errors import TerseError
from ..storage.references import is_reference
from .delivery_log import log_unexpected
from .limits import LimitsMiddleware
from .refusals import Refusal
from .settings import MIB, Limits

__all__ = ["CODEC_LIMITS", "codec_app"]

_logger = logger_of("codec")

#: A page of the Web UI asks for each payload by itself; base64 of 2 MiB, and of some of them together.
CODEC_LIMITS: Final = Limits(body=16 * MIB, memory=256 * MIB, rate=1000.0)

#: Requests that fetch from the storage at once: each may hold hundreds of megabytes several times over.
_DOWNLOADS: Final = 2

#: Headers that the Web UI sends.
_HEADERS: Final = ("X-Namespace", "Authorization", "Authorization-Extras", "Content-Type")

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

#: Characters of what went wrong.
_LONGEST: Final = 1_000


def codec_app(
    converter: DataConverter,
    *,
    origins: Sequence[str] = (),
    tokens: Sequence[str] = (),
    limits: Limits = CODEC_LIMITS,
) -> Starlette:
    """Return an ASGI app that answers `/encode`, `/decode` and `/download`.

    Args:
        converter: with the keys and the storage.
        origins: of pages that may ask, such as `http://localhost:8233`.
        tokens: of which a request has to have one, as `Authorization: Bearer …`; without any nobody needs one, and only
            requests to an address of this machine are answered.
        limits: how much is taken.
    """
    codec = _Codec(converter, frozenset(origins), tuple(tokens))
    routes = [
        Route(f"{prefix}/{name}", answer, methods=["POST"])
        for prefix in ("", "/{namespace}")
        for name, answer in (("encode", codec.encode), ("decode", codec.decode), ("download", codec.download))
    ]
    # What is refused is answered by the limits, and within the other, so that a page may read it.
    middleware = [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=_HEADERS,
            allow_credentials=True,
            allow_private_network=True,
        ),
        Middleware(LimitsMiddleware, limits=limits, on_refused=_log_refused),
    ]
    return Starlette(routes=routes, middleware=middleware)


class _Codec:
    def __init__(self, converter: DataConverter, origins: frozenset[str], tokens: tuple[str, ...]) -> None:
        self._converter = converter
        self._origins = origins
        self._tokens = tokens
        self._downloads = asyncio.Semaphore(_DOWNLOADS)

    async def encode(self, request: Request) -> Response:
        """Encrypt, and store what is large."""
        given = await self._read(request)
        return _response(await _told(self._converter.encode([RawValue(each) for each in given])))

    async def decode(self, request: Request) -> Response:
        """Decrypt; also what a storage has, where references are not to be left as they are."""
        given = await self._read(request)
        if request.query_params.get("preserveStorageRefs") != "true":
            return await self._fetch(given)
        kept = {index: each for index, each in enumerate(given) if is_reference(each)}
        rest = iter(await self._decoded([each for index, each in enumerate(given) if index not in kept]))
        return _response([kept[index] if index in kept else next(rest) for index in range(len(given))])

    async def download(self, request: Request) -> Response:
        """Return what references lead to."""
        return await self._fetch(await self._read(request))

    async def _fetch(self, given: Sequence[Payload]) -> Response:
        if not any(map(is_reference, given)):
            return _response(await self._decoded(given))
        async with self._downloads:
            return _response(await self._decoded(given))

    async def _decoded(self, given: Sequence[Payload]) -> list[Payload]:
        found: list[RawValue] = await _told(self._converter.decode(given, [RawValue] * len(given)))
        return [each.payload for each in found]

    async def _read(self, request: Request) -> Sequence[Payload]:
        self._check(request)
        try:
            return ParseDict({**json.loads(await request.body())}, Payloads()).payloads
        except (ValueError, ParseError, RecursionError, AttributeError, TypeError):
            raise Refusal(
                400, "no_payloads", 'The body is not {"payloads": […]}, as JSON of the Payloads of Temporal\'s API.'
            ) from None

    def _check(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins:
            raise Refusal(
                403,
                "origin_not_allowed",
                "Pages of this origin may not ask: start the codec server with --origin and the address of the Web UI.",
                why=f"of the origin {shorten(one_line(origin), 100)!r}",
            )
        if self._tokens:
            given = request.headers.get("authorization", "").encode("latin-1")
            # Each is compared, in constant time.
            known = [hmac.compare_digest(given, f"Bearer {each}".encode()) for each in self._tokens]
            if not any(known):
                raise Refusal(
                    401,
                    "token_needed",
                    "The request has no token that is known here: Authorization: Bearer TOKEN.",
                    headers={"www-authenticate": "Bearer"},
                )
        elif _host_of(request) not in _LOOPBACK:
            raise Refusal(403, "host_not_allowed", "Without a token only addresses of this machine are answered.")
        # What a page can send to another origin without asking first is none of this.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "no_json", "The body has to be application/json.")


async def _told(awaitable: Any) -> Any:
    """Wait for what a converter does, and have its errors answered."""
    try:
        return await awaitable
    except Exception as err:
        # Ours name keys and places; those of a user's codec may hold what was to be encrypted.
        if isinstance(err, TerseError) or "[TMPRL" in str(err):
            raise Refusal(422, "not_readable", shorten(one_line(str(err)), _LONGEST), why=str(err)) from None
        log_unexpected(_logger, "payloads cannot be read", err)
        raise Refusal(422, "not_readable", f"The payloads cannot be read: {type(err).__name__}.") from None


def _response(payloads: Sequence[Payload]) -> Response:
    return JSONResponse(MessageToDict(Payloads(payloads=payloads)), headers={"cache-control": "no-store"})


def _host_of(request: Request) -> str:
    try:
        return (urlsplit(f"//{request.headers.get('host', '')}").hostname or "").lower()
    except ValueError:
        return ""


def _log_refused(scope: Scope, refusal: Refusal, seconds: float) -> None:
    _logger.warning("%s: %d, %s", shorten(one_line(str(scope["path"])), 100), refusal.status, refusal.why or refusal)
