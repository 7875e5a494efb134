"""Connecting to Temporal, with the settings that the Temporal CLI uses.

A client that the SDK has just connected knows only that something at the address is Temporal. Whether the namespace
exists, and may be used, it learns in its first request, often minutes later and in the words of that request. So
`connect` asks for the namespace at once: one request, the same that a worker makes when it starts.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    DnsLoadBalancingConfig,
    GrpcCompression,
    HttpConnectProxyConfig,
    Interceptor,
    KeepAliveConfig,
    PayloadLimitsConfig,
    Plugin,
    RetryConfig,
    TLSConfig,
)
from temporalio.common import HeaderCodecBehavior, QueryRejectCondition
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfigProfile
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from .converter import headers_with_environment, with_environment
from .diagnostics.options import refuse_unknown_options
from .errors import ServerUnavailableError

__all__ = ["ConnectOptions", "connect", "environment_settings"]

_TIMEOUT: Final = 5.0  # seconds. A server in reach answers in 10 ms, one behind TLS on another continent in one second.

#: Seconds in which a thread of the SDK comes to its end, as a process does.
_AT_EXIT: Final = 0.05

# Rust's way of printing an error says the same thing at several depths; the innermost is the one for people.
_INNERMOST: Final = re.compile(r'(?:message|error): "([^"]+)"')

# A server that checks who calls does so in the request that is part of connecting.
_REFUSAL: Final = re.compile(r"code: (Unauthenticated|PermissionDenied)")


class ConnectOptions(TypedDict, total=False):
    """What `connect` takes: the arguments of `temporalio.client.Client.connect`."""

    target_host: str | None
    namespace: str | None
    api_key: str | None
    data_converter: DataConverter
    plugins: Sequence[Plugin]
    interceptors: Sequence[Interceptor]
    default_workflow_query_reject_condition: QueryRejectCondition | None
    tls: bool | TLSConfig | None
    retry_config: RetryConfig | None
    keep_alive_config: KeepAliveConfig | None
    connect_timeout: timedelta | None
    rpc_metadata: Mapping[str, str | bytes]
    identity: str | None
    lazy: bool
    runtime: Runtime | None
    http_connect_proxy_config: HttpConnectProxyConfig | None
    dns_load_balancing_config: DnsLoadBalancingConfig | None
    grpc_compression: GrpcCompression
    payload_limits: PayloadLimitsConfig
    header_codec_behavior: HeaderCodecBehavior


async def connect(**overrides: Unpack[ConnectOptions]) -> Client:
    """Connect to the server that the environment names, as the Temporal CLI would.

    Read are `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…` and `TEMPORAL_GRPC_META_…`,
    over the profile `TEMPORAL_PROFILE` of the file `TEMPORAL_CONFIG_FILE`. Without any of it: `localhost:7233`,
    namespace `default`.

    Args:
        overrides: what `temporalio.client.Client.connect` takes, such as `target_host` (`"host:port"`), `namespace` or
            `plugins`; they win. A `target_host` or `namespace` of `None` is as if not given. With `lazy=True` nothing
            is asked of the server.

    Raises:
        ServerUnavailableError: within 5 seconds: no server answers, it refuses, it has no such namespace, or the
            settings cannot be read.
        TypeError: an override is none of these; the message has the nearest names.
    """
    refuse_unknown_options("connect", overrides, Client.connect)
    settings: dict[str, Any] = {"target_host": "localhost:7233", "namespace": "default"}
    settings |= environment_settings()
    settings |= {
        key: value for key, value in overrides.items() if value is not None or key not in ("target_host", "namespace")
    }
    converter = settings["data_converter"] = with_environment(settings.get("data_converter"))
    settings.setdefault("header_codec_behavior", headers_with_environment(converter))
    server = f"{settings['target_host']!r} (namespace {settings['namespace']!r}, {_tls(settings)})"
    try:
        return await _connect(settings)
    except TimeoutError as error:
        reason = f"it did not answer within {_TIMEOUT:.0f} seconds"
        raise ServerUnavailableError(_unreachable(server, reason)) from error
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise ServerUnavailableError(
                f"the Temporal server at {settings['target_host']!r} has no namespace {settings['namespace']!r}: set"
                " TEMPORAL_NAMESPACE to one that exists, or create it with `temporal operator namespace create`"
            ) from error
        reason = f"{error.status.name.lower().replace('_', ' ')}: {error.message}"
        raise ServerUnavailableError(f"the Temporal server at {server} refuses the request ({reason})") from error
    except (RuntimeError, ValueError) as error:  # how the SDK says that it cannot connect, or not to such an address
        said = _INNERMOST.findall(str(error))
        reason = said[-1] if said else str(error)
        if _REFUSAL.search(str(error)):
            raise ServerUnavailableError(f"the Temporal server at {server} refuses the request ({reason})") from error
        raise ServerUnavailableError(_unreachable(server, reason)) from error


async def _connect(settings: dict[str, Any]) -> Client:
    _pause_at_exit()
    async with asyncio.timeout(_TIMEOUT):
        client = await Client.connect(**settings)
        if not settings.get("lazy"):
            request = DescribeNamespaceRequest(namespace=settings["namespace"])
            await client.workflow_service.describe_namespace(request)
        return client


@functools.cache
def _pause_at_exit() -> None:
    """Let this process pause as it ends, before the interpreter goes.

    A thread of the SDK may still be letting go of its last call, which aborts a process that ends in this moment
    (temporalio/sdk-python#300): on a busy machine one script in thirty, of those whose call has failed one in ten. Only
    leaving by `os._exit`, as the command line does, is sure.
    """
    atexit.register(time.sleep, _AT_EXIT)


def environment_settings() -> dict[str, Any]:
    """Return what the environment and the profile file say, as `Client.connect` takes it; nothing, where they say
    nothing.

    Raises:
        ServerUnavailableError: they cannot be read.
    """
    profile = os.environ.get("TEMPORAL_PROFILE") or "default"
    source = f"the Temporal client settings (file {_config_file()!r}, profile {profile!r})"
    remedy = "Correct them, or set TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE to others."
    try:
        settings = ClientConfigProfile.load().to_client_connect_config()
        return {key: value for key, value in settings.items() if value not in ("", None, {})}
    except OSError as error:  # a certificate or key; that there is no file of settings is no error
        raise ServerUnavailableError(
            f"{source}, or a TEMPORAL_TLS variable, name the file {str(error.filename)!r}: {error.strerror}. {remedy}"
        ) from error
    except (RuntimeError, ValueError) as error:  # the SDK's ConfigError is the first
        raise ServerUnavailableError(f"{source} cannot be read: {str(error).strip()}. {remedy}") from error


def _config_file() -> str:
    """Return the file that the settings are read from. The SDK reads it without saying where it is."""
    if named := os.environ.get("TEMPORAL_CONFIG_FILE"):
        return named
    # Not `Path.home()`, which raises for a user id that has no home, as containers have.
    home = Path("~").expanduser() if "HOME" in os.environ or sys.platform == "win32" else Path("~")
    if sys.platform == "darwin":
        directory = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        directory = Path(os.environ.get("APPDATA", home))
    else:
        directory = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return str(directory / "temporalio" / "temporal.toml")


def _tls(settings: dict[str, Any]) -> str:
    """Say it where one side speaks TLS to another that does not: half of all failures to connect."""
    tls = settings.get("tls")
    return "with TLS" if tls or (tls is None and settings.get("api_key") is not None) else "without TLS"


def _unreachable(server: str, reason: str) -> str:
    return (
        f"no Temporal server answers at {server}: {reason}. Start one with `terse-temporal dev`,"
        " or set TEMPORAL_ADDRESS to one that runs."
    )
