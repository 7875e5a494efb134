"""`terse-temporal setup`: what a server needs once, before runs can have tags."""

from __future__ import annotations

from rich.markup import escape

from ..runs.search_attributes import create_tags_attribute
from ..serialization.wire_names import TAGS_ATTRIBUTE
from .options import Address, Debug, Namespace
from .output import console
from .servers import silent_client
from .tasks import run_interruptibly

__all__ = ["setup"]


def setup(*, address: Address = None, namespace: Namespace = None, debug: Debug = False) -> int:
    """Create what a Temporal server needs for tags: the search attribute `TerseTags`.

    Once for each namespace, by somebody who may change it. What is there is left as it is, so that the command may be
    run with every deploy. The server of `terse-temporal dev` and those of tests have it from the start; runs without
    tags need none of it.

    The exit status is 0 when the attribute is there, 2 when it cannot be created.
    """
    return run_interruptibly(_setup(address, namespace))


async def _setup(address: str | None, namespace: str | None) -> int:
    client = await silent_client(address, namespace)
    is_new = await create_tags_attribute(client)
    what = "created the search attribute" if is_new else "nothing to do: there is the search attribute"
    console.print(
        f"{what} [bold]{TAGS_ATTRIBUTE}[/] (KeywordList) in the namespace {escape(repr(client.namespace))}",
        soft_wrap=True,
    )
    return 0
