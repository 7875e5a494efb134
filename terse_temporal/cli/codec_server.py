"""`terse-temporal codec-server`: encrypted data, readable in Temporal's Web UI and CLI."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from ..converter import with_environment
from ..diagnostics.logs import logger_of
from ..diagnostics.redaction import name_secret_variable
from ..encryption.keys import KEY_VARIABLE, KeyRing, new_key
from ..gateway.extra import require_extra
from ..gateway.settings import DEFAULT_HOST
from ..serialization.payload_limits import STORAGE_VARIABLE
from .exiting import CommandError
from .options import Debug
from .output import configure_logging, console, errors

__all__ = ["codec_server"]

_logger = logger_of("codec")

#: The variable with the tokens, separated by commas.
_TOKEN_VARIABLE: Final = "TERSE_CODEC_TOKEN"

#: Characters of a token, below which it can be guessed.
_SHORTEST_TOKEN: Final = 20

_DEFAULT_PORT: Final = 8089


def codec_server(
    *,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="The address of this machine that it listens at; others need a token."),
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="0 is any that is free.")] = _DEFAULT_PORT,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A Web UI that may ask: http://localhost:8233. As often as there are some."),
    ] = None,
    max_body: Annotated[float, typer.Option(metavar="MIB", min=0.1, max=1024, help="The largest request.")] = 16.0,
    new: Annotated[bool, typer.Option("--new-key", help="Print a new key for TERSE_ENCRYPTION_KEY, and end.")] = False,
    debug: Debug = False,
) -> int:
    """Show encrypted and stored data in Temporal's Web UI and CLI, to whoever may see them.

    It reads TERSE_ENCRYPTION_KEY and TERSE_STORAGE, as workers do, and decrypts what the Web UI and the CLI send it:

        terse-temporal codec-server --origin http://localhost:8233

        temporal workflow show --workflow-id ID --codec-endpoint http://localhost:8089

    In the Web UI enter the same address under "Configure Codec Server". Whoever reaches it reads everything: with
    TERSE_CODEC_TOKEN, some tokens separated by commas, a request needs `Authorization: Bearer TOKEN`
    (`--codec-auth 'Bearer TOKEN'`), and without it it listens on this machine alone. Put TLS in front of it elsewhere.

    The exit status is 2 where it has no key, or may not listen there.
    """
    if new:
        key = new_key()
        print(key)
        errors.print(f"set it as {KEY_VARIABLE}, and keep it: what it has encrypted nobody can read without it")
        return 0
    require_extra("terse-temporal codec-server")
    origins = [_origin(each) for each in origin or ()]
    tokens = _tokens()
    if not tokens and host not in ("127.0.0.1", "localhost", "::1"):
        raise CommandError(
            f"at {host!r} others can reach it, who would read everything: set {_TOKEN_VARIABLE} to a token that the Web"
            " UI or the CLI sends, or leave --host away"
        )
    keys = KeyRing.read()
    if not keys and not os.environ.get(STORAGE_VARIABLE):
        raise CommandError(
            f"neither {KEY_VARIABLE} nor {STORAGE_VARIABLE} is set, so that there is nothing to decode: set them as"
            " they are for the workers"
        )
    configure_logging(None)
    asyncio.run(_serve(keys, (host, port), origins, tokens, max_body))
    return 0


def _origin(text: str) -> str:
    """Return an origin as browsers send it."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.path or parts.query)
    except ValueError:
        fits = False
    if not fits:
        raise CommandError(
            f"--origin {text!r} is no origin of a page: write it as http://localhost:8233, without a path"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _tokens() -> tuple[str, ...]:
    name_secret_variable(_TOKEN_VARIABLE)
    found = tuple(filter(None, (each.strip() for each in os.environ.get(_TOKEN_VARIABLE, "").split(","))))
    if any(len(each) < _SHORTEST_TOKEN or not each.isascii() or not each.isprintable() for each in found):
        raise CommandError(
            f"{_TOKEN_VARIABLE} holds a token of fewer than {_SHORTEST_TOKEN} characters, which can be guessed, or one"
            " with characters that no header has. This makes one:"
            " python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return found


async def _serve(
    keys: KeyRing, where: tuple[str, int], origins: Sequence[str], tokens: Sequence[str], max_body: float
) -> None:
    # They import what the extra brings.
    from ..gateway.codec_app import CODEC_LIMITS, codec_app  # noqa: PLC0415
    from ..gateway.server import GatewayServer, listen  # noqa: PLC0415
    from ..gateway.settings import MIB  # noqa: PLC0415

    body = int(max_body * MIB)
    limits = replace(CODEC_LIMITS, body=body, memory=max(CODEC_LIMITS.memory, 4 * body))
    app = codec_app(with_environment(), origins=origins, tokens=tokens, limits=limits)
    listening = listen(*where)
    found, at = listening.getsockname()[:2]
    shown = {
        "codec server": f"http://{f'[{found}]' if ':' in found else found}:{at}",
        "keys": ", ".join(each.id for each in keys.keys) or "none",
        "Web UI": ", ".join(origins) or "none (--origin)",
        "token": "needed" if tokens else "none",
    }
    console.print("  ".join(f"{name} [bold]{escape(value)}[/]" for name, value in shown.items()), soft_wrap=True)
    server = GatewayServer(app, limits, on_ready=lambda: _logger.info("ready"))
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, server.stop)
    try:
        await server.serve([listening])
    finally:
        listening.close()
    _logger.info("stopped")
