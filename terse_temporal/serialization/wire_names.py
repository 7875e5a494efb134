"""Every name that this package writes where it outlives a release: into histories, memos, and requests to services.

A run that was begun with one of these is replayed by every later version, so none of them is ever changed: what comes
to mean something else gets a new name. None is a text for people, and none tells where something stands in this
package. Each begins with `terse.` (`terse-` in an id, `@` in a reference), so that it meets no name of a job's. What
holds data in a format of ours also ends with the version of that format, `.v1`; what people and other programs send
(updates, queries) does not.

The formats, all of them JSON, stand beside what reads and writes them:

    StepCall, JobCall (wire/calls.py)       the input of an activity. `v`: the version. Of a step: `step` (a reference
                                            to a function), `job`, `timeout` (seconds), `key` (the idempotency key),
                                            `input` or `arguments`, `input_schema`, `output_schema` and `types`
                                            (references to types), `functions` (references), `retry`, `by_model`,
                                            `check`, `label`, `once`, `of_run` (the id that the run had before any
                                            reset), `before` and `runs_on` (of a local step that was
                                            handed over). Of a job that is not durable: `run` (its
                                            name), `event`, `key`; of its on_failure: `on_failure` (the
                                            job's name), `event`, `key`, `failure` (`type`, `message`,
                                            `step`).
    check (wire/inputs_check.py)            `GIVEN.DONE.CODE`: hashes of twelve hexadecimal digits of what the call is
                                            given, of the function and types by their references, and of the job's code.
    FailureDetail (wire/calls.py)           the first detail of a failure, of a step and of a run. `v`, `step` (its
                                            name; of a run, that of the step which caused it, or empty), `error` and
                                            `bases` (references to classes), `arguments`, `attributes`, `missing`,
                                            `check`, `attempt` where it is not the first, and of a local step
                                            `key`. Of one that is handed over
                                            there is `attempt` and `runs` instead.
    what a run failed with                  where that is a group of exceptions, in the details: `failed_steps`, the
                                            events that the failed steps began with, and the ids of local ones.
    questions to a person (inputs/)         in the memo, by their numbers: see `inputs/questions.py`. Those that were
                                            over: `run`, `ended`, `at`, and perhaps `by`, `by_name`, `choice`, `label`,
                                            `via`. An answer: `id` (the number), `run`, `choice`, `text`, `data`, `by`,
                                            `by_name`, `via`; of an approval also `approved` and `reason`. The steps of
                                            a way (inputs/ways.py) are given `way` (a reference to a class), `options`,
                                            `question` (with `number` and `job`), and `sent`, `number`, `outcome` (how
                                            it is over, as above); the one that asks gives `v`, `sent`, `reminds`,
                                            `closes`. What the built-in ways have sent: of mails `v`, `messages` and
                                            `failed` (by address); of Slack `channel` and `ts`; of the default way `by`
                                            (the text of the variable) and `sent`.
    the link to a question (inputs/)        stands in mails and messages: see `inputs/tokens.py`. A list of the
                                            namespace, workflow id, run id, number and respondent, signed with the
                                            version in front.
    what a run waits for (waiting.py)       in its memo: of a question as above; of an event, by `event-` and its
                                            number, `event`, `since`, and perhaps `key`, `until`, and `more`, how many
                                            further waits are not told; of a delivery also `trigger`, as it is written,
                                            and `match`.
    a run that another follows (code/)      `run.find`: given `id`, it gives `run_id` and `job`. `run.result`: given
                                            `id` and `run_id`, it gives `result`, or `failure` as the API has it.
    a reference to a function (code/)       `module:qualname`, with `#FINGERPRINT` where names are shared; or one of the
                                            two kinds below.
    a reference to a class (wire/)          `module:qualname`; of this package `terse_temporal:Name`, see
                                            `wire/public_classes.py`. Types are objects of these: `union`, `literal`,
                                            `of` and `with`, `member`, `bytes`.
    the state of a job (state/table.py)     the input of its workflow: `v`, `values`, `applied`, `results`,
                                            `writes_per_run`. A write: `v`, `op`, `write`, `key`, `value`, `base`.
    events by key (engine/events/)          the input of their workflow: `v`, `name`, `key`, `next`, `kept`, `ids`,
                                            `waiting`, `inbox`, `messages_per_run`, `timeless`. An event: `id`, `data`,
                                            `at`, `until`, `n`, `only`, `shared`. One that is sent: `v`, `name`, `key`,
                                            `id`, `data`, `keep`, `remember`. Waits of a run: `v`, `name`, `key`,
                                            `owner`, `run`, `open`, `close`, `returned`, `gone`, `answer`. What a run is
                                            given: `v`, `from`, `owner`, `wait`, `name`, `key`, `event`. What is told by
                                            a workflow of its own: `v`, `to`, `task_queue`, `say`, `type`.
    waits for deliveries (engine/events/)   the input of their workflow: `v`, `next`, `waits`, `inbox`,
                                            `messages_per_run`. A wait there, as its query gives it too (`v`, `waits`):
                                            `owner`, `run`, `number`, `n`, `at`, `trigger` (`Trigger.reference()`:
                                            `trigger`, `arguments`), `match`, `since`, `key`. Waits of a run: as above,
                                            with `for` (`trigger`, `match`, `since`, `key`); by a gateway `gone`, and
                                            `spent` (`[owner, number, n]`). A delivery that a run is
                                            given: `v`, `source`, `owner`, `wait`, `name`, `key`, `trigger` (as it is
                                            written), `event` (`id`, `data`); where a wait is not taken `v`, `owner`,
                                            `key`, `refused`, their numbers. The key is a hash of trigger and match.
    what is stored (storage/driver.py)      in the place of a payload the SDK's reference, whose claim has `sha256`: the
                                            hash of the payload in protobuf's wire format, under which that is stored.
    a schedule (schedules/markers.py)       its memo says whose it is: `v`, `job`. That of its runs what it is made of:
                                            `v`, `module` (of the job), `trigger` (as it is written), `timezone`, and
                                            `cron`, or `every` and `offset` (seconds).
    an encrypted payload (encryption/)      metadata: the encoding ENCRYPTED_ENCODING, and the id of the key. Data: a
                                            nonce of 24 bytes, and another payload, as protobuf writes it, encrypted by
                                            XAES-256-GCM (C2SP); its additional data are the encoding, a space and the
                                            key's id. The id: the first twelve hexadecimal digits of the HMAC-SHA-256 of
                                            `terse.encryption.v1 id` with the key.
    events of a run (workflow/mailbox.py)   what is carried on when its author continues it as new, the second argument:
                                            under EVENTS_CARRIED `kept` (`[name, data]`, of a delivery
                                            `[name, data, key, id]`), `ids` (`[name, id]`), and `began` (seconds) where
                                            it has waited for deliveries.
    the journal of a run (wire/journal.py)  what a run carries that has continued as new by itself: its second argument
                                            is the manifest, under JOURNAL `v` and the fields of `Manifest`; then come
                                            as many pages as it says, and large payloads. See there.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "APPROVAL_NEEDED_MARKER",
    "ARGUMENTS_REFUSED_MARKER",
    "ATTEMPT_METADATA",
    "BEGAN_MEMO",
    "CALL_REFUSED_MARKER",
    "CHECK_METADATA",
    "CHILD_ENDED_MARKER",
    "CONTINUED_MARKER",
    "DELAY_MEMO",
    "DELIVERY_SIGNAL",
    "DEPTH_MEMO",
    "ENCRYPTED_ENCODING",
    "ENCRYPTION_KEY_METADATA",
    "ENDS_IF_UNKNOWN_MEMO",
    "EVENTS_CARRIED",
    "EVENTS_DONE_SIGNAL",
    "EVENTS_EARLY_MARKER",
    "EVENTS_ID_PREFIX",
    "EVENTS_OVER_MARKER",
    "EVENTS_POST_ID_PREFIX",
    "EVENTS_POST_WORKFLOW",
    "EVENTS_SEND_SIGNAL",
    "EVENTS_WAIT_SIGNAL",
    "EVENTS_WORKFLOW",
    "EVENT_SIGNAL",
    "FOLLOW_ID_PREFIX",
    "GENERATE_TEXT",
    "HANDED_OVER_FAILURE",
    "HANDLER_DOUBLED_MARKER",
    "HELD_MARKER",
    "IDEMPOTENCY_KEY_META",
    "INPUTS_ANSWERED_MEMO",
    "INPUT_ASK",
    "INPUT_CLOSE",
    "INPUT_DEFAULT_MARKER",
    "INPUT_EARLY_MARKER",
    "INPUT_QUERY",
    "INPUT_REMIND",
    "INPUT_UPDATE",
    "JOB_REFERENCE",
    "JOURNAL",
    "JOURNAL_REPLAY",
    "KEY_METADATA",
    "LOCAL_ID_PREFIX",
    "MODEL_TOOL_METADATA",
    "MOUNT_REFUSED_MARKER",
    "NAME_REFUSED_MARKER",
    "NOT_BEGUN_FAILURE",
    "ON_FAILURE_MARKER",
    "OVER_MARKER",
    "OWN_WORKFLOWS",
    "OWN_WORKFLOW_TYPES",
    "PACKAGE",
    "RANDOM_STREAM",
    "RETRY_REASON",
    "RUNS_ON_QUERY",
    "RUN_FIND",
    "RUN_RESULT",
    "RUN_RESULTS",
    "SCHEDULE_MEMO",
    "SDK_REFERENCE",
    "SLACK_ACTIONS",
    "SLACK_ANSWER_VIEW",
    "SLACK_CHOOSE_ACTION",
    "SLACK_EVENT_TYPE",
    "SLACK_MENU_ACTION",
    "SLACK_PAGE_ACTION",
    "SLACK_WRITE_ACTION",
    "STATE_DELETE",
    "STATE_GET",
    "STATE_ID_PREFIX",
    "STATE_PREFIX",
    "STATE_READ_QUERY",
    "STATE_SET",
    "STATE_UPDATE",
    "STATE_WORKFLOW",
    "STATE_WRITE_UPDATE",
    "STEP_BEGUN_HEARTBEAT",
    "STEP_INTERRUPTED_FAILURE",
    "STORAGE_DRIVER",
    "STORED_MARKER",
    "TAGS_ATTRIBUTE",
    "TIMED_OUT_MEMO",
    "TOKENS_MEMO",
    "TOKENS_METADATA",
    "TOOL_REFERENCE",
    "WAITING_MEMO",
    "WAITS_ID_PREFIX",
    "WAITS_QUERY",
    "WAITS_WORKFLOW",
    "WRONG_ANSWER_FAILURE",
]

#: In place of the module, in references to classes of this package.
PACKAGE: Final = "terse_temporal"

# References to functions that have a name of their own, which no module can have: tools, what the SDK runs itself, and
# the handlers of jobs. The ids of child runs are made of these too, as are the keys of steps of their names.
TOOL_REFERENCE: Final = "@tool:"
SDK_REFERENCE: Final = "@sdk:"
JOB_REFERENCE: Final = "@job:"

# Activity types, which also stand behind `@sdk:`. Those of steps, tools and jobs are the names that users give them.
GENERATE_TEXT: Final = "generate_text"
STATE_PREFIX: Final = "state."
STATE_GET: Final = "state.get"
STATE_SET: Final = "state.set"
STATE_UPDATE: Final = "state.update"
STATE_DELETE: Final = "state.delete"
INPUT_ASK: Final = "input.ask"
INPUT_REMIND: Final = "input.remind"
INPUT_CLOSE: Final = "input.close"
RUN_FIND: Final = "run.find"
RUN_RESULT: Final = "run.result"
RUN_RESULTS: Final = "run.results"
JOURNAL_REPLAY: Final = "journal.replay"

#: What the activity ids of local steps begin with, before their number in the run. One that is handed over keeps it.
LOCAL_ID_PREFIX: Final = "terse.local."

#: Likewise of those by which a run that has continued waits for the ends of its child runs.
FOLLOW_ID_PREFIX: Final = "terse.runs."

#: What the types of workflows begin with that this package starts for itself: no runs to anybody who looks.
OWN_WORKFLOWS: Final = "terse."

#: The workflow that keeps the state of a job, its id, and what it takes.
STATE_WORKFLOW: Final = "terse.state"
STATE_ID_PREFIX: Final = "terse-state"
STATE_WRITE_UPDATE: Final = "terse.write"
STATE_READ_QUERY: Final = "terse.read"

#: The workflow that brings events by key to runs, its id, the one that tells it something, and what it is told.
EVENTS_WORKFLOW: Final = "terse.events"
EVENTS_ID_PREFIX: Final = "terse-events"
EVENTS_POST_WORKFLOW: Final = "terse.events.post"
EVENTS_POST_ID_PREFIX: Final = "terse-events-post"
EVENTS_SEND_SIGNAL: Final = "terse.events.send"
EVENTS_WAIT_SIGNAL: Final = "terse.events.wait"
EVENTS_DONE_SIGNAL: Final = "terse.events.done"

#: A marker, with a number behind it: what it has kept is over by the clock on the wall.
EVENTS_OVER_MARKER: Final = "terse.events.over.v1"

#: A marker of a run, from the first event by key that it has given back for coming before earlier ones.
EVENTS_EARLY_MARKER: Final = "terse.events.early.v1"

#: What it tells a run. An event that is sent to a run itself is a signal of the event's name.
EVENT_SIGNAL: Final = "terse.event"

#: The workflow that knows which runs wait for deliveries, its id, and the question which those are.
WAITS_WORKFLOW: Final = "terse.waits"
WAITS_ID_PREFIX: Final = "terse-waits"
WAITS_QUERY: Final = "terse.waits"

#: All of them: what a worker runs beside its jobs, and a replay knows.
OWN_WORKFLOW_TYPES: Final = (STATE_WORKFLOW, EVENTS_WORKFLOW, EVENTS_POST_WORKFLOW, WAITS_WORKFLOW)

#: A delivery of a webhook, which a gateway gives to a run. Under this name a run also remembers their ids.
DELIVERY_SIGNAL: Final = "terse.delivery"

#: In the second argument of a run that was continued as new by its author: the events that it had kept.
EVENTS_CARRIED: Final = "terse.events.v1"

#: In the second argument of a run that has continued as new by itself: what came to its handler so far.
JOURNAL: Final = "terse.journal.v1"

#: The answer to a question that a run asks a person (`id` of the question, `run`, `choice`, `text`, `data`, `by`,
#: `by_name`, `via`), and the query for one of them in full, by its number.
INPUT_UPDATE: Final = "terse.input"
INPUT_QUERY: Final = "terse.input"

# Query of a run: whether its worker still runs a local step that was handed over, by the step's key.
RUNS_ON_QUERY: Final = "terse.runs_on"

# Markers, each with a number behind it (`terse.refused.call.v1.0`): which of the calls that could be refused so was
# refused; the others leave none. A tool or model that the code does not use; a toolbox that is not mounted on the
# worker; a name that its server does not have; arguments that do not fit the server's schema.
CALL_REFUSED_MARKER: Final = "terse.refused.call.v1"
MOUNT_REFUSED_MARKER: Final = "terse.refused.mount.v1"
NAME_REFUSED_MARKER: Final = "terse.refused.name.v1"
ARGUMENTS_REFUSED_MARKER: Final = "terse.refused.arguments.v1"

#: A marker likewise: which of the calls that a function in `tool_approvals=` decides about needed a person.
APPROVAL_NEEDED_MARKER: Final = "terse.approval.needed.v1"

#: A marker likewise, of a run whose worker had a default way to ask as it came to its first question that names none.
INPUT_DEFAULT_MARKER: Final = "terse.input.default.v1"

#: A marker likewise: which of the answers that came again with a reset did not fit its question any more.
INPUT_EARLY_MARKER: Final = "terse.input.early.v1"

#: A marker too: the handler has ended, and what the job does then begins.
ON_FAILURE_MARKER: Final = "terse.on_failure.v1"

#: The reason of a reset by which a run is retried. In the history of such a run, and of no other that was reset, what
#: had finished in the run before stands for what would be done again.
RETRY_REASON: Final = "terse.retry.v1"

# Markers, each with how much had come to the handler: there its run continues as new by itself; from there on nothing
# new is begun, until it can; there it is failed, as it never could.
CONTINUED_MARKER: Final = "terse.continued.v1"
HELD_MARKER: Final = "terse.held.v1"
OVER_MARKER: Final = "terse.over.v1"

#: A marker, with a run id and what has become of it: a child run has ended that was begun before the run continued.
CHILD_ENDED_MARKER: Final = "terse.child.v1"

#: A marker likewise: a test has put something in the place of the handler of a durable job.
HANDLER_DOUBLED_MARKER: Final = "terse.doubled.v1"

#: The name of the storage driver in references to what is stored outside of histories.
STORAGE_DRIVER: Final = "terse.storage.v1"

#: A marker likewise: from here on a value of the run may be larger than the server takes, as a storage keeps it.
STORED_MARKER: Final = "terse.stored.v1"

# In the memo of a run: the questions and the waits for events that are open, by number; the questions that were over
# last; the tokens used so far; true where it fails if the first worker that takes it does not have its job; true where
# the timeout of its job is over, so that it will fail with that; how many runs stand above it, each started by the one
# before; how many seconds a child run sleeps before it begins; when it began, in ISO 8601, where that was in a history
# before this one, as it has continued as new by itself.
WAITING_MEMO: Final = "terse.waiting.v1"
INPUTS_ANSWERED_MEMO: Final = "terse.answered.v1"
TOKENS_MEMO: Final = "terse.tokens.v1"
ENDS_IF_UNKNOWN_MEMO: Final = "terse.ends_if_unknown.v1"
TIMED_OUT_MEMO: Final = "terse.timed_out.v1"
DEPTH_MEMO: Final = "terse.depth.v1"
DELAY_MEMO: Final = "terse.delay.v1"
BEGAN_MEMO: Final = "terse.began.v1"

#: In the memo of a schedule that was made from a job's trigger, and in that of each run which it starts.
SCHEDULE_MEMO: Final = "terse.schedule.v1"

#: The search attribute with the tags of a run, a list of keywords: the one name that operators create by themselves.
TAGS_ATTRIBUTE: Final = "TerseTags"

# In the metadata of the payload with a result: the check of its call, and the tokens that it used.
CHECK_METADATA: Final = "terse.check.v1"
#: Likewise, where it was not the first: the attempt that gave it.
ATTEMPT_METADATA: Final = "terse.attempt.v1"
#: Beside the result of a local step, whose call is not recorded: its idempotency key.
KEY_METADATA: Final = "terse.key.v1"
TOKENS_METADATA: Final = "terse.tokens.v1"

#: The encoding of a payload that is encrypted, and in its metadata the id of the key.
ENCRYPTED_ENCODING: Final = "terse.encrypted.v1"
ENCRYPTION_KEY_METADATA: Final = "terse.key.v1"

#: In the details of a heartbeat: the attempt that has begun, of a call that runs at most once.
STEP_BEGUN_HEARTBEAT: Final = "terse.begun.v1"

# Types of failures that are no class. Other failures have the name of the exception's class.
STEP_INTERRUPTED_FAILURE: Final = "terse.StepInterrupted"
HANDED_OVER_FAILURE: Final = "terse.HandedOver"
NOT_BEGUN_FAILURE: Final = "terse.NotBegun"
WRONG_ANSWER_FAILURE: Final = "terse.WrongAnswer"

#: Seeds the random numbers of a handler, with the run: under another name it would draw others on a replay.
RANDOM_STREAM: Final = "terse.random"

#: In the definition of a tool that a model may call: its name, as the model's provider may not take a dot in it.
MODEL_TOOL_METADATA: Final = "terse.tool"

# Where the idempotency key of a step stands in a request to an MCP server (in its `_meta`), and the type of the
# metadata that a message in Slack has it in.
IDEMPOTENCY_KEY_META: Final = "terse.dev/idempotency-key"
SLACK_EVENT_TYPE: Final = "terse_temporal_step"

# What buttons, menus and modals of questions are called in Slack, where messages stay. All begin with the first. Behind
# that for a button stand `:` and the id of the option; its value is the token, and so is the id of a menu's block. A
# modal has the token and the id of an option or `null` as its private metadata, a list.
SLACK_ACTIONS: Final = "terse.input."
SLACK_CHOOSE_ACTION: Final = "terse.input.choose.v1"
SLACK_MENU_ACTION: Final = "terse.input.menu.v1"
SLACK_WRITE_ACTION: Final = "terse.input.write.v1"
SLACK_PAGE_ACTION: Final = "terse.input.page.v1"
SLACK_ANSWER_VIEW: Final = "terse.input.answer.v1"
