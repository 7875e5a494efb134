"""`terse-temporal runs watch`: a run is shown until it ends."""

from __future__ import annotations

from ..options import Address, Debug, Namespace
from ..tasks import Interrupted, run_interruptibly
from ..watching import print_how_to_return, runs_command, watch_run
from .arguments import AsJson, RunId, RunName
from .asking_servers import client_for

__all__ = ["watch"]


def watch(
    run: RunName,
    *,
    run_id: RunId = "",
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Show a run until it ends, as `trigger --wait` does.

    The steps are shown as they happen, on standard error, and the result goes to standard output, as JSON; with
    `--json` all that `runs show --json` tells of the run, whether it succeeded or not. Ctrl-C leaves the run alone and
    only ends the watching.

    The exit status is 0 when the run has succeeded, 1 when it failed or there is none.
    """
    try:
        return run_interruptibly(_watch(run, run_id, as_json, address, namespace))
    except Interrupted:
        print_how_to_return(runs_command("watch", run, address, namespace))
        raise


async def _watch(run: str, run_id: str, as_json: bool, address: str | None, namespace: str | None) -> int:
    async with client_for(address, namespace, run=run) as client:
        found = await client.get_workflow_handle(run, run_id=run_id or None).describe()
        # By its run id: another run may have the same workflow id later.
        handle = client.get_workflow_handle(run, run_id=found.run_id)
        look_at = runs_command("show", run, address, namespace)
        return await watch_run(client, handle, found.workflow_type, found.task_queue, look_at=look_at, as_json=as_json)
