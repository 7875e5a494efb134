"""Where the Web UI of a server on this machine is."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from temporalio.client import Client, WorkflowHandle

__all__ = ["UI_PORT_ABOVE", "web_ui_of"]

#: How far above the server's port its Web UI is, with `terse-temporal dev` and `temporal server start-dev`.
UI_PORT_ABOVE: Final = 1000


def web_ui_of(client: Client, handle: WorkflowHandle[Any, Any]) -> str | None:
    """Return where a run is in the Web UI of a server on this machine, if there is one."""
    host, _, port = client.service_client.config.target_host.rpartition(":")
    if host not in ("localhost", "127.0.0.1") or not port.isdigit():
        return None
    ui_port = int(port) + UI_PORT_ABOVE
    with suppress(OSError, OverflowError), socket.create_connection(("127.0.0.1", ui_port), timeout=0.2):
        run_id = handle.first_execution_run_id or handle.run_id or ""
        workflow_id = quote(handle.id, safe="")
        return f"http://127.0.0.1:{ui_port}/namespaces/{client.namespace}/workflows/{workflow_id}/{run_id}"
    return None
