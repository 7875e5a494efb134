"""Every error a user can meet.

    TerseError
    ├── JobDefinitionError            a job, trigger or step is declared wrongly; raised at import
    ├── JobLoadError                  a module of jobs that cannot be imported, or has none
    ├── MissingExtraError             an optional dependency that is not installed
    ├── ServerUnavailableError        a Temporal server that does not answer, or is not running
    ├── GatewayError                  the gateway cannot listen where it is told to
    ├── EventError                    the input of a run does not fit the job (also a ValueError)
    ├── EventTimeoutError             an event that was waited for did not come in time (also a TimeoutError)
    ├── InputError                    a question to a person that cannot be asked like that (also a ValueError)
    ├── InputTimeoutError             a person did not answer in time (also a TimeoutError)
    ├── AnswerRefusedError            an answer that a run does not take: .kind, .fields, .by
    ├── StartError                    what a run is to be started with makes no sense (also a ValueError)
    ├── SetupError                    the server lacks what a call needs: `terse-temporal setup` creates it
    ├── CatchUpError                  a vendor's API does not list deliveries, or does not deliver again: .status
    ├── GatewaySecretError            a secret in the environment is missing, weak or malformed: .variable
    ├── EncryptionKeyError            a key is missing, malformed, or not the one that data were encrypted with: .key_id
    ├── ScheduleError                 a schedule cannot be made, found or changed: .id
    ├── RunExistsError                there is a run of this workflow id already: .id, .run_id
    ├── RunDepthError                 a run that would stand under more than 20 others, each started by the one before
    ├── RunNotFoundError              there is no run of this workflow id, or no longer: .id
    ├── RunEndedError                 a run that is sent something has ended: .id
    ├── RunFailedError                a run did not end well: .id, .run_id, .job, .error_type, .message
    │   ├── RunCancelledError         somebody cancelled it
    │   ├── RunTerminatedError        somebody terminated it
    │   └── RunTimeoutError           it ran longer than its timeout (also a TimeoutError)
    ├── RunRetryError                 a run cannot go on after its failure: .id, .run_id
    ├── JournalError                  what a long run carries along is too large, or cannot be read
    ├── ResultError                   what a handler returned is not JSON, is too large, or cannot be read
    ├── DurationError                 a duration that cannot be slept (also a ValueError)
    ├── SideEffectError               a call in a durable handler that would repeat on every replay
    ├── DurableOnlyError              a call that only a durable handler may make
    │   └── NotInRunError             a call that only a run may make: current_run(), and those of the state
    ├── NotInStepError                current_step() or current_state() outside a step
    ├── InPlaceOnlyError              a call that a durable handler cannot make
    ├── StepDefinitionError           a step cannot work as it is written or called: the code is to be changed
    │   ├── StepIsolationError        it needs something other than its input and its module
    │   ├── StepInputError            its argument does not fit, is not JSON, or is too large (also a ValueError)
    │   └── StepOutputError           its result does not fit, is not JSON, or is too large (also a StepError)
    ├── StepError                     a step failed: .step, .error_type, .message
    │   ├── StepTimeoutError          it ran longer than its timeout (also a TimeoutError)
    │   └── StepInterruptedError      its worker was lost, and on_interrupt="fail" says not to run it again
    ├── SelfCancelledError            a step or job was cancelled by itself, and by nobody else
    ├── StateError                    what a job keeps between its runs cannot be read or written
    │   ├── UnknownStateKeyError      a key that the job's states= do not declare
    │   └── StateValueError           a value that does not fit, or is not JSON (also a ValueError)
    ├── ToolError                     a tool cannot be called, or says that it failed: .tool
    │   ├── UnknownToolError          a tool, or toolbox, that is not there
    │   ├── ToolDeniedError           a person did not approve the call
    │   └── ServiceError              the other side of a built-in tool said no: .status, .code, .retry_after
    │       └── TransientServiceError     and may not the next time (also a TransientError)
    ├── TransientError                what a tool raises to say that trying again may help
    ├── MountError                    an MCP server that cannot be started or reached
    ├── ModelError                    a call of a model failed: .model
    │   ├── ModelNotConfiguredError   no model is named, or its provider has no key
    │   ├── ModelUnavailableError     it did not answer, or said 429 or 5xx (also a TransientError)
    │   ├── ModelOutputError          what it answered does not fit, after its own corrections
    │   └── TurnLimitError            it did not come to an end within max_turns
    ├── SpoolError                    the gateway's spool cannot be used, read or written
    │   └── SpoolFullError            there is no room in it, or on the disk
    ├── StorageError                  where large data are stored cannot be read or written: .place, .key
    │   ├── StorageUnavailableError   it cannot be reached, refuses, or is full (also a TransientError)
    │   └── StoredDataError           what a history refers to is not there, or not what was stored
    ├── UnknownFunctionError          a step's function that this worker does not have
    ├── UnknownJobError               a job name that is not registered here
    ├── UnknownTriggerError           a run waits for a trigger that this version does not have
    ├── DeliveryRefusedError          a webhook that a test delivered was refused: .status, .answer
    ├── UnreadableCallError           an activity's input that is no call of this package, or of a newer version
    ├── WorkerOptionError             an option of a worker, or the variable that stands for it, is wrong: .option
    └── JobTestError                  what a test asks of the testing kit cannot be done
        ├── TestDoubleError           what it put in the place of a step, a tool or a model does not fit there
        └── CrashTestError            a crash test that cannot go on

`except StepError` is for what may fail in production. A `StepDefinitionError` fails every time, so it stands beside
it, and is not caught with it; only what a step returns can be known no sooner than when it has run, so that a
`StepOutputError` is both.

An exception that a step's own code raised reaches the handler as its own class *and* as a `StepError`: both
`except PaymentDeclined` and `except StepError` catch it. What a run's handler raised reaches who waits for the run as
its own class and as a `RunFailedError`, likewise.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "AnswerRefusedError",
    "CatchUpError",
    "CrashTestError",
    "DeliveryRefusedError",
    "DurableOnlyError",
    "DurationError",
    "EncryptionKeyError",
    "EventError",
    "EventTimeoutError",
    "GatewayError",
    "GatewaySecretError",
    "InPlaceOnlyError",
    "InputError",
    "InputTimeoutError",
    "JobDefinitionError",
    "JobLoadError",
    "JobTestError",
    "JournalError",
    "MissingExtraError",
    "ModelError",
    "ModelNotConfiguredError",
    "ModelOutputError",
    "ModelUnavailableError",
    "MountError",
    "NotInRunError",
    "NotInStepError",
    "ResultError",
    "RunCancelledError",
    "RunDepthError",
    "RunEndedError",
    "RunExistsError",
    "RunFailedError",
    "RunNotFoundError",
    "RunRetryError",
    "RunTerminatedError",
    "RunTimeoutError",
    "ScheduleError",
    "SelfCancelledError",
    "ServerUnavailableError",
    "ServiceError",
    "SetupError",
    "SideEffectError",
    "SpoolError",
    "SpoolFullError",
    "StartError",
    "StateError",
    "StateValueError",
    "StepDefinitionError",
    "StepError",
    "StepInputError",
    "StepInterruptedError",
    "StepIsolationError",
    "StepOutputError",
    "StepTimeoutError",
    "StorageError",
    "StorageUnavailableError",
    "StoredDataError",
    "TerseError",
    "TestDoubleError",
    "ToolDeniedError",
    "ToolError",
    "TransientError",
    "TransientServiceError",
    "TurnLimitError",
    "UnknownFunctionError",
    "UnknownJobError",
    "UnknownStateKeyError",
    "UnknownToolError",
    "UnknownTriggerError",
    "UnreadableCallError",
    "WorkerOptionError",
]


class TerseError(Exception):
    """The base of every error that this package raises on purpose."""


class JobDefinitionError(TerseError):
    """A job, trigger or step is declared in a way that cannot work. Raised when its module is imported."""


class DurationError(TerseError, ValueError):
    """A duration, or a moment to sleep until, that cannot be slept."""


class DurableOnlyError(TerseError):
    """A call that is only allowed in the handler of a durable job."""


class NotInRunError(DurableOnlyError):
    """A call that is allowed in any run, durable or not, and was made outside of one."""


class NotInStepError(TerseError):
    """`current_step()` or `current_state()` was called where no step is running."""


class GatewayError(TerseError):
    """The gateway cannot listen where it is told to: another process does, or that is no address of this machine."""


class EventError(TerseError, ValueError):
    """The input of a run is not a JSON object, or does not fit the model the handler asks for."""


class StartError(TerseError, ValueError):
    """What a run is to be started with, or looked for by, makes no sense. Nothing was started."""


class SetupError(TerseError):
    """The server lacks something that a call needs and that an operator creates once: `terse-temporal setup`."""


class CatchUpError(TerseError):
    """A vendor's API does not list the deliveries of a webhook, or does not deliver one again.

    Attributes:
        status: of its answer; `None` where there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GatewaySecretError(TerseError):
    """A secret that the gateway needs is not in the environment, or what is there is weak or malformed.

    Its message never shows the secret.

    Attributes:
        variable: the environment variable.
    """

    def __init__(self, message: str, *, variable: str = "") -> None:
        super().__init__(message)
        self.variable = variable


class EncryptionKeyError(TerseError):
    """A key of TERSE_ENCRYPTION_KEY is missing or malformed, or what it has encrypted was changed.

    Its message never shows a key.

    Attributes:
        key_id: of the key that the data name; empty where a key itself is malformed.
    """

    def __init__(self, message: str, *, key_id: str = "") -> None:
        super().__init__(message)
        self.key_id = key_id


class ScheduleError(TerseError):
    """A schedule cannot be made, found or changed.

    Attributes:
        id: its id on the server; empty where it is about several.
    """

    def __init__(self, message: str, *, id: str = "") -> None:
        super().__init__(message)
        self.id = id


class EventTimeoutError(TerseError, TimeoutError):
    """An event that `wait_for_event` waits for did not come within its `timeout`.

    Attributes:
        event: its name.
    """

    def __init__(self, message: str, *, event: str = "") -> None:
        super().__init__(message)
        self.event = event


class InputError(TerseError, ValueError):
    """A question to a person that cannot be asked as it is, or an answer that its form has come to refuse."""


class InputTimeoutError(TerseError, TimeoutError):
    """Nobody has answered a question of `wait_for_input` within its `timeout`.

    Attributes:
        question: its number in the run.
    """

    def __init__(self, message: str, *, question: str = "") -> None:
        super().__init__(message)
        self.question = question


class AnswerRefusedError(TerseError):
    """An answer to a question is not taken, and the run has not noticed it.

    Attributes:
        kind: `"wrong"`, where it does not fit; `"not_allowed"`, where it is not this person's to answer; `"answered"`,
            where somebody else was first; `"closed"`, where nobody is asked any more: time is up, or the run has ended.
        fields: what is wrong, by the fields of a form.
        by: who was first, where that is known.
        by_name: what that person is called.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "wrong",
        fields: Mapping[str, str] | None = None,
        by: str = "",
        by_name: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.fields: dict[str, str] = dict(fields or {})
        self.by = by
        self.by_name: str = by_name or by


class RunEndedError(TerseError):
    """A run that is sent an event has ended.

    Attributes:
        id: the workflow id.
    """

    def __init__(self, message: str, *, id: str = "") -> None:
        super().__init__(message)
        self.id = id


class RunExistsError(TerseError):
    """A run cannot be started under a workflow id, because there is one.

    Attributes:
        id: the workflow id.
        run_id: of the run that has it.
    """

    def __init__(self, id: str, run_id: str = "", how: str = "running") -> None:
        super().__init__(id, run_id, how)
        self.id = id
        self.run_id = run_id
        self._how = how

    def __str__(self) -> str:
        run = f" (run id {self.run_id})" if self.run_id else ""
        return f"a run with the id {self.id!r} is already {self._how}{run}: give this one another key or id, or none"


class RunDepthError(TerseError):
    """A run would stand under too many others, each of which was started by the one before. Nothing was started."""


class RunNotFoundError(TerseError):
    """There is no run of a workflow id: it never was, or ended so long ago that the server has deleted it.

    Attributes:
        id: the workflow id.
    """

    def __init__(self, id: str, where: str = "") -> None:
        super().__init__(id, where)
        self.id = id
        self._where = where

    def __str__(self) -> str:
        return (
            f"there is no run with the id {self.id!r}{f' {self._where}' if self._where else ''}. It may never have been"
            " started, or have ended so long ago that the server has deleted it"
        )


class RunFailedError(TerseError):
    """A run did not end well.

    Attributes:
        id: the workflow id.
        run_id: the server's own id of the run.
        job: the job's name.
        error_type: the class name of what its handler raised, such as `"ConnectionError"`.
        message: the text of what it raised.
    """

    def __init__(self, message: str, *, id: str = "", run_id: str = "", job: str = "", error_type: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.id = id
        self.run_id = run_id
        self.job = job
        self.error_type: str = error_type or type(self).__name__

    # As in `StepError`.
    def __str__(self) -> str:
        return self.message


class RunCancelledError(RunFailedError):
    """A run was cancelled, by somebody or with the run that waited for it."""


class RunTerminatedError(RunFailedError):
    """A run was ended from outside, without its handler."""


class RunTimeoutError(RunFailedError, TimeoutError):
    """A run ran longer than its timeout."""


class RunRetryError(TerseError):
    """A run cannot be retried: it has not failed, has been retried already, or there is nothing to go on with.

    Attributes:
        id: the workflow id.
        run_id: of the run that was to be retried; empty where there is none.
    """

    def __init__(self, message: str, *, id: str = "", run_id: str = "") -> None:
        super().__init__(message)
        self.id = id
        self.run_id = run_id


class JournalError(TerseError):
    """What a long run carries along, so as to go on in a new history, is too large, or cannot be read."""


class ResultError(TerseError):
    """A handler returned something that cannot be recorded as the run's result, or that whoever waits cannot read."""


class SideEffectError(TerseError):
    """A durable handler called something that would happen again on every replay."""


class StepDefinitionError(TerseError):
    """A step cannot work as it is written or called. To try it again does not help: the code is to be changed."""


class StepIsolationError(StepDefinitionError):
    """A step's function needs something that will not be there when it runs. Raised before anything is scheduled."""


class StepInputError(StepDefinitionError, ValueError):
    """The argument of a step cannot be passed to it. Raised before anything is scheduled."""


class StepError(TerseError):
    """A step failed.

    Attributes:
        step: the step's name.
        error_type: the class name of what the step raised, such as `"ConnectionError"`.
        message: the text of what it raised.
    """

    def __init__(self, message: str, *, step: str = "", error_type: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.step = step
        self.error_type: str = error_type or type(self).__name__

    # Spelled out because the classes that failures are rebuilt as also inherit from the original, and some builtins
    # (KeyError, OSError) print their arguments in a way of their own.
    def __str__(self) -> str:
        return self.message


class StepOutputError(StepDefinitionError, StepError):
    """A step's result does not fit its schema, cannot be written as JSON, or is over the server's limit."""


class StepTimeoutError(StepError, TimeoutError):
    """A step ran longer than its `timeout`."""


class StepInterruptedError(StepError):
    """A step declared `on_interrupt="fail"` lost its worker: it may have happened, and is not run again."""


class SelfCancelledError(TerseError):
    """A step, or a job, raised `asyncio.CancelledError` though nobody had cancelled it."""


class StateError(TerseError):
    """What a job keeps between its runs cannot be read or written as it is asked for, or where it is stored."""


class UnknownStateKeyError(StateError):
    """A key of a job's state that its `states=` do not declare. Raised before anything is scheduled."""


class StateValueError(StateError, ValueError):
    """A value that does not fit the type of its key, that is not JSON, or that makes the state too large."""


class TransientError(TerseError):
    """Raised by a tool to say that trying again may help.

    A tool that is `idempotent` or `read_only` is tried again; any other only if the request was not sent.

    Args:
        retry_after: how many seconds to wait at least, where the other side says so.
        sent: whether the request may have reached the other side.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, sent: bool = True) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.sent = sent


class ToolError(TerseError):
    """A tool cannot be called, or says that it failed. As it stands, another try would not help.

    Attributes:
        tool: its name, such as `http.request`.
        status: the status of an HTTP answer; `None` where there was none.
        code: what the other side calls the error: Slack's `channel_not_found`, SMTP's `550`; or `None`.
        retry_after: the seconds that it asks to wait before another attempt; or `None`.
    """

    def __init__(
        self,
        message: str,
        *,
        tool: str = "",
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.tool = tool
        self.status = status
        self.code = code
        self.retry_after = retry_after


class UnknownToolError(ToolError):
    """A tool that nobody has registered, or a toolbox that is not mounted on this worker."""


class ToolDeniedError(ToolError):
    """A tool that needs a person's approval did not get it."""


class ServiceError(ToolError):
    """The other side of a built-in tool said no, or the tool is not set up. Trying again does not help."""


class TransientServiceError(ServiceError, TransientError):
    """One that may be gone the next time: the tool is tried again where its kind allows it."""

    def __init__(
        self,
        message: str,
        *,
        tool: str,
        sent: bool,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, tool=tool, status=status, code=code, retry_after=retry_after)
        self.sent = sent


class MountError(TerseError):
    """An MCP server that is mounted as a toolbox, and cannot be started or reached."""


class ModelError(TerseError):
    """A call of a model failed.

    Attributes:
        model: its name, as `provider:model`.
    """

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class ModelNotConfiguredError(ModelError):
    """No model is named, the name means nothing, or its provider lacks a key."""


class ModelUnavailableError(ModelError, TransientError):
    """A model did not answer, or its provider said 429 or 5xx. Tried again, and in the end raised."""

    def __init__(self, message: str, *, model: str = "", retry_after: float | None = None, sent: bool = True) -> None:
        TransientError.__init__(self, message, retry_after=retry_after, sent=sent)
        self.model = model


class ModelOutputError(ModelError):
    """What a model answered cannot be used, and its own corrections did not help."""


class TurnLimitError(ModelError):
    """A model did not come to an end within `max_turns`."""


class InPlaceOnlyError(TerseError):
    """A call that only makes sense where it runs in place: not in the handler of a durable job."""


class SpoolError(TerseError):
    """The spool, in which the gateway stores deliveries, cannot be used, read or written. The message says why."""


class SpoolFullError(SpoolError):
    """There is no room for a delivery in the spool, or on its disk. It is taken in again when there is."""


class StorageError(TerseError):
    """Where TERSE_STORAGE keeps large data cannot be read or written.

    Args:
        message: what is wrong.
        place: the URL of the storage, without a password.
        key: the SHA-256 of what was to be read or written, in hexadecimal; empty where it is of none.
    """

    def __init__(self, message: str, place: str = "", key: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.key = key


class StorageUnavailableError(StorageError, TransientError):
    """The storage cannot be reached, refuses to be read or written, or is full."""


class StoredDataError(StorageError):
    """What a history refers to is not in the storage, or is not what was stored."""


class UnknownFunctionError(TerseError):
    """A step refers to a function that no job module of this worker defines, nests or has bound by name."""


class UnreadableCallError(TerseError):
    """An activity's input that is not a call of this package, or of a version that this worker cannot read."""


class UnknownJobError(TerseError):
    """A job name that is not registered here."""


class UnknownTriggerError(TerseError):
    """A trigger that a run has recorded, by a name or with arguments that this version of the package does not have."""


class JobLoadError(TerseError):
    """A module, file or package given as a source of jobs cannot be imported, or defines none."""


class ServerUnavailableError(TerseError):
    """A Temporal server that does not answer, refuses the connection, or is not running."""


class WorkerOptionError(TerseError):
    """What a worker is told of its size or version, on the command line or by the environment, cannot be.

    Attributes:
        option: the option of `terse-worker`, also where the value stands in its environment variable.
    """

    def __init__(self, message: str, *, option: str = "") -> None:
        super().__init__(message)
        self.option = option


class JobTestError(TerseError):
    """What a test asks of the testing kit cannot be done."""


class TestDoubleError(JobTestError):
    """What a test put in the place of a step, a tool, a model or a server does not fit there, or has no more to say."""

    __test__ = False  # pytest takes what is called `Test…` in a module of tests for a test


class CrashTestError(JobTestError):
    """A crash test cannot go on: its worker process does not start, ended unasked, or cannot go on with a run."""


class DeliveryRefusedError(TerseError):
    """A webhook that a test delivered was refused.

    Attributes:
        status: of the gateway's answer: 401, 422 …
        answer: the JSON that it said.
    """

    def __init__(self, message: str, *, status: int = 0, answer: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class MissingExtraError(TerseError):
    """Something that needs an optional dependency which is not installed."""
