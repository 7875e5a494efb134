"""Keeping what comes to a handler, until its run continues as new and carries it along.

It costs a short run next to nothing: what came is kept as bytes, and is written as entries of a journal by the hundred.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from ..wire.journal import PAGE, Journal, pack_block
from .entries import entry_of

__all__ = ["Recorder"]

#: Entries that are compressed together.
_BLOCK: Final = 128


class Recorder:
    """The journal of a run while it grows.

    Args:
        journal: of the runs before it.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._pages = [] if journal is None else list(journal.pages)
        self.large: list[Payload] = [] if journal is None else list(journal.large)
        self.entries = 0 if journal is None else journal.manifest.entries
        #: Bytes that are kept, about.
        self.size = sum(map(len, self._pages)) + sum(len(each.data) for each in self.large)
        self._new: list[tuple[bytes, Sequence[int], list[list[Any]]]] = []

    def add(
        self, act: WorkflowActivation, flags: Sequence[int], commands: list[list[Any]], refused: Collection[str] = ()
    ) -> None:
        """Keep what has come, and what the handler did.

        Args:
            act: what has come.
            flags: of the SDK, that hold from here on.
            commands: what the handler did.
            refused: the updates that it has refused, which leave no trace.
        """
        if refused or any(job.HasField("initialize_workflow") or job.HasField("notify_has_patch") for job in act.jobs):
            whole, act = act, WorkflowActivation(available_internal_flags=act.available_internal_flags)
            act.timestamp.CopyFrom(whole.timestamp)
            for job in whole.jobs:
                if job.HasField("initialize_workflow"):
                    act.jobs.add().initialize_workflow.SetInParent()  # the manifest has what was in it
                elif not job.HasField("notify_has_patch") and job.do_update.protocol_instance_id not in refused:
                    act.jobs.add().CopyFrom(job)
            if not act.jobs and not commands:
                return
        self._new.append((act.SerializeToString(), flags, commands))
        self.entries += 1
        if len(self._new) >= _BLOCK:
            self._pack()

    def pages(self) -> list[bytes]:
        """Return the pages with all that has been kept."""
        if self._new:
            self._pack()
        return self._pages

    def _pack(self) -> None:
        lines = []
        for data, flags, commands in self._new:
            act = WorkflowActivation.FromString(data)
            lines.append(entry_of(act, [*act.available_internal_flags, *flags], commands, self._keep))
        self._new.clear()
        block = pack_block(lines).data
        self.size += len(block)
        if self._pages and len(self._pages[-1]) < PAGE:
            self._pages[-1] += block
        else:
            self._pages.append(block)

    def _keep(self, payload: Payload) -> int:
        kept = Payload()
        kept.CopyFrom(payload)
        self.large.append(kept)
        self.size += len(kept.data)
        return len(self.large) - 1
