"""`terse-temporal runs cancel`, `terminate` and `rerun`."""

from __future__ import annotations

from functools import partial

from ...runs.changing import cancel_run, rerun_run, terminate_run
from ..options import Address, Debug, Namespace
from .arguments import AsJson
from .change import Reason, Server, Verb, Yes, change
from .selecting import MOST_SELECTED, Ids, JobOption, Limit, Selection, Since, Status, Tag

__all__ = ["cancel", "rerun", "terminate"]


def cancel(
    ids: Ids = None,
    *,
    job: JobOption = None,
    status: Status = None,
    since: Since = None,
    tag: Tag = None,
    limit: Limit = MOST_SELECTED,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Ask runs to end: their handlers are cancelled, and may tidy up. Asks first.

    A run without a worker ends when there is one; `terminate` needs none. Selected by options are those that run.

    The exit status is 1 where one of them had ended before, or is not there.
    """
    verb = Verb("Cancel", partial(cancel_run, reason=reason), "running")
    selection = Selection(job, status, since, tag, limit)
    return change(verb, ids, selection, Server(address, namespace), yes=yes, as_json=as_json)


def terminate(
    ids: Ids = None,
    *,
    job: JobOption = None,
    status: Status = None,
    since: Since = None,
    tag: Tag = None,
    limit: Limit = MOST_SELECTED,
    reason: Reason = "",
    yes: Yes = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """End runs at once: nothing of their handlers runs any more, neither `finally` nor `on_failure`. Asks first.

    A step that is running is cut off. No worker is needed. Selected by options are those that run.

    The exit status is 1 where one of them had ended before, or is not there.
    """
    verb = Verb("Terminate", partial(terminate_run, reason=reason), "running")
    selection = Selection(job, status, since, tag, limit)
    return change(verb, ids, selection, Server(address, namespace), yes=yes, as_json=as_json)


def rerun(
    ids: Ids = None,
    *,
    job: JobOption = None,
    status: Status = None,
    since: Since = None,
    tag: Tag = None,
    limit: Limit = MOST_SELECTED,
    yes: Yes = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Start new runs with the events of old ones, from the beginning. Asks first.

    A new run has a new id, and the job, the task queue and the tags of the old one, which is left as it is. All of its
    steps are run again, under new idempotency keys: to go on where a run has failed is what `retry` does. Selected by
    options are those that have ended.

    The exit status is 1 where one of them could not be started.
    """
    verb = Verb("Start anew", rerun_run, "ended", ", with all of their steps")
    selection = Selection(job, status, since, tag, limit)
    return change(verb, ids, selection, Server(address, namespace), yes=yes, as_json=as_json)
