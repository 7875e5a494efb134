"""The numbers of the engine, each chosen on purpose.

A worker that is killed must be noticed within ten seconds, and one that is merely slow must never be taken for dead: a
step would run twice at once. So beats are frequent and the silence that counts as death is several beats long.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: How often a running step says that it is alive. Also what the SDK is told not to hold beats back beyond.
HEARTBEAT_EVERY: Final = timedelta(seconds=1.5)

#: The silence after which the server gives a step to another worker: four missed beats, and with the delay before the
#: next attempt and a queue poll still under ten seconds.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=7)

#: The delay before an interrupted step runs again, doubled with each attempt up to the longest. Attempts that raised
#: count too, and after many of them an interruption must still be over within ten seconds.
FIRST_RERUN: Final = timedelta(milliseconds=200)
LONGEST_RERUN: Final = timedelta(seconds=1)

#: A step's own timeout is kept by the worker that runs it. The server's is a net below that, for one that does not.
TIMEOUT_SLACK: Final = timedelta(seconds=30)

#: How long a job that is not durable may run. It is one activity, watched by heartbeats, so a generous bound is safe.
PLAIN_JOB_TIMEOUT: Final = timedelta(hours=24)

#: How long running steps may take to end after SIGTERM. Under the 30 seconds that Kubernetes waits before SIGKILL.
GRACE: Final = timedelta(seconds=20)

#: How long the next workflow task waits for the worker that has the run in its cache, before any worker may take it.
#: The SDK's ten seconds would be added to every recovery from a killed worker. With three, up to a tenth of the tasks
#: of a burst on a starved machine came too late, and then stood behind all runs that had not begun, for 15 s and more.
STICKY_TIMEOUT: Final = timedelta(seconds=5)

#: Steps that run at once on one worker, and as many local ones. Each that is a `def` has a thread, made as needed.
STEPS_AT_ONCE: Final = 100

#: How long a step that is a `def` waits for one of these threads before it is handed back, for any worker to take. Its
#: timeout does not run meanwhile, so it is less than the slack above.
THREAD_PATIENCE: Final = timedelta(seconds=20)

#: How long a handler may take in one go where a storage holds large data, which it reads and writes then. Less than the
#: ten seconds after which the server gives the task to another worker. Without a storage it is the SDK's two seconds.
LARGE_DATA_TIME: Final = timedelta(seconds=8)

#: Step inputs that go to the server in one message, in bytes. It takes 4 MiB, with what codecs and headers add.
SENT_AT_ONCE: Final = 3 * 1024 * 1024

#: How long a local step waits within the workflow task before it is tried again. Before a longer delay it is a timer,
#: and the task ends.
LOCAL_RETRY_THRESHOLD: Final = timedelta(milliseconds=300)

#: How long a local step is waited for before it goes on as an activity; and how long local steps may follow each other
#: before what they came to is recorded. All that comes in for a run waits so long, and a heartbeat of the server's
#: task, for which the SDK's core has 8 s, must not come between.
LOCAL_PATIENCE: Final = timedelta(seconds=2)
LOCAL_TASK: Final = timedelta(seconds=1)

#: Local steps in one workflow task. The clock of a run goes on with what they take, and not with what lies between.
LOCAL_AT_MOST: Final = 300

#: Bytes of what a local step may give. They go with the workflow task, all in one message. What is more goes on as an
#: activity. Beside it each has a marker, of so many bytes.
LARGEST_LOCAL: Final = 64 * 1024
LOCAL_MARKER: Final = 1024

#: Steps of one run that are open at once; more wait their turn. The server refuses the 2,001st
#: (`limit.numPendingActivities.error`), and the run would stand still for good.
OPEN_STEPS: Final = 1_000

#: Child runs of one run that are open at once; more wait their turn. Likewise, for `limit.numPendingChildExecutions`.
#: What goes on by itself counts too: the server keeps track of each until it ends.
OPEN_CHILDREN: Final = 1_000

#: Bytes of results that a worker has at hand for conversations with models, which refer to them. A history has 50 MiB,
#: so that the longest conversation fits.
RESULTS_KEPT: Final = 64 * 1024 * 1024

#: Runs above a run, each started by the one before. A job that starts itself would go on for ever, and at ever more
#: cost where it starts two.
DEEPEST_RUN: Final = 20

#: How long a run that somebody else has started is waited for. It is an activity, watched by heartbeats.
LONGEST_FOLLOW: Final = timedelta(days=3650)

#: The longest that a child run sleeps before it begins: what a hand-made memo says is not believed beyond.
LONGEST_DELAY: Final = timedelta(days=36_500)

#: How long a worker may be at a workflow task of the workflows that keep state and events. It is ten seconds by
#: default, which all writes, and all events under a key, wait when one is lost, as happens under load. A task takes
#: some milliseconds, and 0.1 s with the replay of a run.
OWN_TASK_TIMEOUT: Final = timedelta(seconds=3)

#: Runs that a worker keeps in memory between their workflow tasks, at 72 KiB each (28 in Python, the rest in the SDK's
#: core). With 500 of 1,500 sleeping runs a worker had 54 MB more than with none, of which some 18 are what the burst of
#: their starts leaves; the SDK's own 1,000 are 72 by themselves. What is not kept is replayed, 1.6 ms for each step.
CACHED_RUNS: Final = 300

#: Pollers. With the SDK's five, many short jobs wait longer for a poller than they run.
WORKFLOW_POLLERS: Final = 10
STEP_POLLERS: Final = 10
