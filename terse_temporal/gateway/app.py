"""The gateway as an ASGI app: by itself, or mounted in another."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.client import Client

from .._version import __version__
from ..diagnostics.logs import logger_of
from ..errors import SpoolError
from ..jobs.job import Job
from ..jobs.registry import registered_jobs
from ..runs.starting import DEFAULT_TASK_QUEUE
from .answers import ANSWERED, Alive, Ready, answered_with, describe_delivery, refused_with
from .delivery_log import DeliveryLog
from .endpoints import endpoints as endpoints_of
from .endpoints import missing_secrets
from .gateway import Gateway
from .inputs.page import add_input_page
from .intake import Taken, spool_unusable
from .limits import LimitsMiddleware, path_of
from .operator_tokens import Operators
from .operators.routes import add_operator_routes
from .page_refusals import is_page, refusal_page
from .presence import Connect
from .refusals import Refusal
from .requests import Handshake, SlackInteraction
from .secrets import VENDOR_SECRETS
from .settings import DEFAULT_SPOOL, GatewaySettings, Limits
from .slack_answers import SlackAnswers

__all__ = ["app_of", "build_app"]

_logger = logger_of("gateway")

_VENDORS: Final = {"github": "GitHub", "stripe": "Stripe", "slack": "Slack", "linear": "Linear"}

_FORM: Final = "application/x-www-form-urlencoded"

#: What may be the token of an address, or most of one, in a path that is none: it is not to be logged.
_TOKEN: Final = re.compile(r"[\w-]{40,}|[a-z2-7]{20,}", re.IGNORECASE | re.ASCII)

#: Characters that are looked at of a path that is no address.
_LONGEST_PATH: Final = 1_000


def build_app(
    jobs: Iterable[Job] | None = None,
    *,
    client: Client | None = None,
    connect: Connect | None = None,
    spool: str | Path = DEFAULT_SPOOL,
    task_queue: str = DEFAULT_TASK_QUEUE,
    root_path: str = "",
    limits: Limits | None = None,
) -> FastAPI:
    """Return the gateway as an ASGI app, to be served by itself or mounted in an app of your own.

    Mounted, it is begun by the first request that comes to it, because Starlette runs the lifespan of the outermost
    app alone. To have it begun with your app, and deliveries of before handed on at once, put it into your lifespan:

        gateway = build_app(jobs)

        @asynccontextmanager
        async def lifespan(app):
            async with gateway.state.gateway.running():
                yield

        app = FastAPI(lifespan=lifespan)
        app.mount("/hooks", gateway)

    Secrets are read from the environment, now, and what is not set is logged. The spool is of one process: give each
    process a directory of its own.

    Args:
        jobs: those that deliveries may start; `None` is every registered one.
        client: of the Temporal server that runs are started on.
        connect: makes one, such as `terse_temporal.client.connect`, which is the default. It is tried until it
            succeeds; until then deliveries wait.
        spool: the directory in which deliveries are kept from when they are answered until Temporal has them.
        task_queue: of the workers that have the jobs.
        root_path: the path under which a proxy has the app, if the proxy takes it off.
        limits: how much of what others send is taken.

    Raises:
        GatewaySecretError: a secret in the environment cannot be one.
    """
    settings = GatewaySettings(spool=Path(spool), task_queue=task_queue, root_path=root_path, limits=limits or Limits())
    chosen = list(registered_jobs() if jobs is None else jobs)
    gateway = Gateway(chosen, settings, client=client, connect=connect)
    found = endpoints_of(chosen, gateway.secrets)
    if not chosen:
        _logger.warning("build_app() has no jobs, so that nothing is started: import their modules before it")
    for sentence in missing_secrets(found).values():
        _logger.warning("%s", sentence)
    return app_of(gateway)


def app_of(gateway: Gateway) -> FastAPI:
    """Return the app of a gateway. It is in `app.state.gateway`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with gateway.running():
            yield

    app = FastAPI(
        title="Terse gateway",
        description="Takes webhooks in, and starts the runs of jobs that they are for.",
        version=__version__,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    endpoints = _Endpoints(gateway)
    app.add_middleware(LimitsMiddleware, limits=gateway.settings.limits, on_refused=endpoints.log_refused)
    if gateway.settings.root_path:
        app.add_middleware(_UnderPath, root_path=gateway.settings.root_path)
    app.add_exception_handler(HTTPException, endpoints.refuse_address)
    for source in VENDOR_SECRETS:
        app.add_api_route(
            f"/webhooks/{source}",
            partial(endpoints.take_vendors, source),
            methods=["POST"],
            summary=f"Take a delivery of {_VENDORS[source]}",
            description="It is answered when it is written down; the runs are started from there.",
            operation_id=f"take_{source}",
            tags=["webhooks"],
            response_model=ANSWERED[source],
            responses=answered_with(source),
            openapi_extra=describe_delivery(source),
        )
    app.add_api_route(
        # The name of a job may have a slash in it.
        "/webhooks/{job:path}/{token}",
        endpoints.take_own,
        methods=["POST"],
        summary="Take a request to a job's own address",
        description="The last part of the path is what nobody can guess. How requests are signed, the job says.",
        operation_id="take_request",
        tags=["webhooks"],
        response_model=ANSWERED["webhook"],
        responses=answered_with("webhook"),
        openapi_extra=describe_delivery("webhook"),
    )
    add_operator_routes(app, gateway)
    for path, endpoint, model in (("/healthz", _alive, Alive), ("/readyz", endpoints.ready, Ready)):
        app.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            operation_id=path.strip("/"),
            tags=["health"],
            response_model=model,
            responses=refused_with(503) if model is Ready else {},
        )
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
    add_input_page(app, gateway, Operators.of(gateway.secrets))
    return app


class _UnderPath:
    """Tells an app under which path a proxy has it, whether the proxy takes that off or not.

    Servers have an option for the same, which adds the path to what they get: with a proxy that leaves it there it
    would be there twice.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            scope["root_path"] = self._root_path
        await self._app(scope, receive, send)


class _Endpoints:
    """What answers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._log = DeliveryLog()
        self._slack = SlackAnswers(gateway)

    async def take_vendors(self, source: str, request: Request) -> Response:
        return await self._take(source, request)

    async def take_own(self, job: str, token: str, request: Request) -> Response:
        """Take a request to a job's own address. Without the right token it is as if there were none."""
        if not self._gateway.has_address(job, token):
            raise _unknown_address()
        return await self._take("webhook", request, job)

    async def _take(self, source: str, request: Request, job: str | None = None) -> Response:
        began = time.monotonic()
        _check_encoding(request.headers)
        try:
            # Where nobody runs the lifespan, the first request begins it all.
            intake = await self._gateway.start()
        except SpoolError as error:
            raise spool_unusable(error) from error
        taken = await intake.take(source, request.headers.items(), await request.body(), job=job, method=request.method)
        seconds = time.monotonic() - began
        if isinstance(taken, Handshake):
            self._log.taken(job or source, "-", "handshake", "answered", seconds)
            return JSONResponse(taken.answer)
        if isinstance(taken, SlackInteraction):
            return await self._answer_slack(taken, began)
        assert isinstance(taken, Taken)
        outcome = f"{'' if taken.is_new else 'was taken in before, '}runs: {len(taken.runs)}"
        self._log.taken(job or source, taken.id, taken.kind, outcome, seconds)
        if source == "slack" and request.headers.get("content-type", "").startswith(_FORM):
            return Response()  # what is in the answer to a button or a form, Slack takes for a message or an error
        return JSONResponse({"id": taken.id, "runs": list(taken.runs)})

    async def _answer_slack(self, interaction: SlackInteraction, began: float) -> Response:
        """Take an answer to a question. Slack waits for three seconds; what takes longer goes on afterwards."""
        reply = await self._slack.take(interaction.body)
        self._log.taken("slack", "-", "answer", reply.outcome, time.monotonic() - began)
        rest = None if reply.rest is None else BackgroundTask(reply.rest)
        if reply.content is None:
            return Response(background=rest)
        return JSONResponse(reply.content, background=rest)

    async def ready(self) -> Response:
        """Whether deliveries can be taken in: the spool can be written, and has room."""
        try:
            away = await self._gateway.check()
        except SpoolError as error:
            raise spool_unusable(error) from error
        return JSONResponse({"status": "ok", "temporal": "connected" if away is None else "away"})

    def log_refused(self, scope: Scope, refusal: Refusal, seconds: float) -> None:
        """Log what was refused, by its path without the token."""
        parts = path_of(scope).strip("/").split("/")
        what = "/".join(parts[1:-1]) if len(parts) > 2 and parts[0] == "webhooks" else parts[-1]
        self._log.refused(_TOKEN.sub("…", what), refusal, seconds, self._gateway.reader.variable(what))

    async def refuse_address(self, request: Request, error: Exception) -> Response:
        """Answer what Starlette has found out: there is no such path, or it does not take the method."""
        assert isinstance(error, HTTPException)
        refusal = {
            404: _unknown_address(),
            405: Refusal(405, "method_not_allowed", "This address does not take requests with this method."),
        }.get(error.status_code, Refusal(error.status_code, "refused", "The request is refused."))
        # The whole path: who has entered a wrong address at a vendor looks for it here.
        self._log.refused(_TOKEN.sub("…", str(request.scope["path"])[:_LONGEST_PATH]), refusal, 0.0)
        refusal.headers.update({"cache-control": "no-store", **(error.headers or {})})
        if is_page(path_of(request.scope)):
            return refusal_page(refusal)
        return Response(refusal.body(), refusal.status, refusal.headers, media_type="application/json")


def _check_encoding(headers: Headers) -> None:
    """Refuse what is certainly none of the JSON and forms that are read; a wrong name for those is fine."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise Refusal(415, "media_type_not_supported", "The body is not JSON. Send it as application/json.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refusal(415, "encoding_not_supported", "The body is compressed. Send it as it is.")


async def _alive() -> Response:
    return JSONResponse({"status": "ok"})


def _unknown_address() -> Refusal:
    return Refusal(404, "not_found", "There is nothing at this address.")
