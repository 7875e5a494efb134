"""The run that a handler or a step belongs to: `current_run`."""

from __future__ import annotations

import os
from urllib.parse import quote

from ..errors import NotInRunError
from ..execution.protocol import RunIdentity, current_execution

__all__ = ["current_run", "run_identity_of"]

#: The environment variable with the address of the Web UI, such as `https://temporal.example.com`. `dev` sets it.
_UI_ADDRESS = "TERSE_UI_ADDRESS"


def current_run() -> RunIdentity:
    """Return the run that is under way, in a handler of any job, in a step, and in a tool.

    Returns:
        `.id`, the workflow id; `.run_id`, the server's own id of this run; `.job`, the job's name; and `.url`, where it
        is in the Web UI. That is known where the environment variable `TERSE_UI_ADDRESS` says where the UI is, as it
        does under `terse-temporal dev`; else it is `None`.

    Raises:
        TerseError: called outside a run.

    Costs nothing, and asks the server nothing.
    """
    execution = current_execution()
    run = execution.run if execution is not None else None
    if run is None:
        raise NotInRunError(
            "current_run() was called outside a run. It is allowed in a handler, in a step and in a tool, when a worker"
            " runs them."
        )
    return run


def run_identity_of(job: str, namespace: str, workflow_id: str, run_id: str) -> RunIdentity:
    """Return a run as the engine knows it, with its address in the Web UI."""
    address = os.environ.get(_UI_ADDRESS, "").strip().rstrip("/")
    parts = (quote(each, safe="") for each in (namespace, workflow_id, run_id))
    url = "{}/namespaces/{}/workflows/{}/{}".format(address, *parts) if address else None
    return RunIdentity(id=workflow_id, run_id=run_id, job=job, url=url)
