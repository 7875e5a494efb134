"""The schedules of jobs on a Temporal server, as their triggers say."""

from .specs import schedule_spec
from .syncing import Change, sync

__all__ = ["Change", "schedule_spec", "sync"]
