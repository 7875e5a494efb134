"""`terse-temporal runs why`: what a run waits for."""

from __future__ import annotations

from ...runs.why import Why, why
from ..options import Address, Debug, Namespace
from ..output import console, print_json
from ..tasks import run_interruptibly
from .arguments import AsJson, RunId, RunName
from .asking_servers import client_for

__all__ = ["why_command"]


def why_command(
    run: RunName,
    *,
    run_id: RunId = "",
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Say what a run waits for, or how it has ended.

    No worker is needed: it is told from what the server knows. A run that waits for several things at once has a line
    for each, and for a run that waits for another one it is told what that one waits for.

    The exit status is 1 where there is no such run.
    """
    found = run_interruptibly(_why(run, run_id, address, namespace))
    if as_json:
        print_json(found.to_json())
        return
    for each in found.sentences:
        console.print(each, markup=False)


async def _why(run: str, run_id: str, address: str | None, namespace: str | None) -> Why:
    async with client_for(address, namespace, run=run) as client:
        return await why(client, run, run_id)
