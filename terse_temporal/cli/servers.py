"""The connection to a server that others run: a client that is silent."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from ..client import connect, environment_settings
from ..diagnostics.places import shown_path
from .dev_server_file import running_dev_server
from .output import errors

__all__ = ["silent_client"]


async def silent_client(address: str | None, namespace: str | None, **options: Any) -> Client:
    """Return a client without the SDK's log: of a server that is gone, the commands speak themselves.

    Where neither the address nor the environment nor a profile names a server, it is that of the `terse-temporal dev`
    which runs in this directory, if there is one; that is said on standard error.
    """
    if address is None and not environment_settings() and (found := running_dev_server()) is not None:
        dev, where = found
        address = dev.address
        errors.print(f"server {address}, of terse-temporal dev ({shown_path(str(where))})", style="dim", markup=False)
    silent = Runtime(telemetry=TelemetryConfig(logging=None))
    return await connect(target_host=address, namespace=namespace, runtime=silent, **options)
