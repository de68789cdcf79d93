"""Every exception of pyresque.

    ResqueError
    ├── NotAJob ............ what was given to enqueue cannot be a job
    │   ├── NoQueueError ... no queue is known for it
    │   ├── NoClassError ... its class name is empty
    │   ├── Unencodable .... an argument that a Ruby worker could not read
    │   ├── SerializationError  an argument that Active Job could not carry
    │   └── InvalidTime .... a time for a delayed job that is none, or has no zone
    ├── InvalidJob ......... @job was used on something that cannot be one
    ├── InvalidSchedule .... an entry of the schedule that cannot be used; the text says why
    ├── InvalidSelection ... what is to be selected, or a page of it, that cannot be understood
    ├── MalformedPayload ... bytes in Redis that are not a job
    ├── WrongArguments ..... a job's arguments do not fit its function
    │   └── MalformedActiveJob  what stands in an Active Job's wrapper is none
    ├── DeserializationError  the arguments of an Active Job cannot be read
    │   └── RecordNotFound .. one of them is a record that is gone
    ├── ContinuationError .. an Active Job with steps that cannot go on
    │   ├── InvalidStep .... its steps are not those that it has been through
    │   ├── ResumeLimit .... it was resumed too often
    │   └── UnadvanceableCursor  its cursor has no next value
    ├── Handled ............ an error that the job has dealt with, and what follows from it
    ├── UnknownJobClass .... no function is registered for a job's class
    ├── JobFailed .......... `handle.result()` of a job that has failed
    ├── JobCancelled ....... of one that was cancelled; raised inside a running one as well
    │   └── JobExpired ..... of one that was not run, for it had waited too long
    ├── JobNotDone ......... of one that is not over yet, after the time that was given
    ├── NoResult ........... of one of which no result can be had; the text says why
    ├── DontPerform ........ raise it in before_perform: the job is done without a failure
    ├── DirtyExit .......... the process of a job went away
    │   ├── PruneDeadWorkerDirtyExit
    │   └── JobTimeout ..... a job took too long (raised inside it)
    │       └── JobTimeoutExit  it did not end after that either, and was killed
    ├── TermException ...... a signal ended the job (raised inside it)
    ├── SignalException .... another signal, raised inside the job
    ├── HookError .......... a hook failed after the job had failed already
    ├── BackendError ....... failure backends that could not save
    ├── ConfigError ........ a setting that cannot be used
    │   └── ImportFailed ... a module of the user's cannot be imported
    └── RedisError .......... `maybe_done` tells if the command may have run
        ├── RedisUnavailable  Redis cannot be reached or cannot do it now; later it may
        │   └── NotRedis .... what answers does not speak Redis's protocol
        ├── RedisTooOld
        ├── RedisRefused .... credentials or permissions
        └── RedisReplied .... Redis answered with an error that will come again (a wrong key type, ...)
            └── RedisRejected  for what the command holds: it is too large, or no expiry

`ruby_name` is the class name that a failure record shows for an exception
(docs/protocol/core.md#error-texts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class ResqueError(Exception):
    """What every error of pyresque is."""

    ruby_name: str | None = None


class NotAJob(ResqueError):
    """What was given cannot be enqueued."""


class NoQueueError(NotAJob):
    """No queue is known for the job (Ruby: Resque::NoQueueError)."""

    ruby_name = "Resque::NoQueueError"


class NoClassError(NotAJob):
    """The job has no class name (Ruby: Resque::NoClassError)."""

    ruby_name = "Resque::NoClassError"


class Unencodable(NotAJob):
    """A value that JSON, or the JSON reader of a Ruby worker, cannot hold."""


class InvalidTime(NotAJob, ValueError):
    """A time that a delayed job cannot be given: without a zone, not a number, out of range."""


class InvalidJob(ResqueError):
    """A function or class that cannot be a job."""


class InvalidSchedule(ResqueError, ValueError):
    """An entry of the schedule, or its `cron` or `every`, that cannot be used."""


class InvalidSelection(ResqueError, ValueError):
    """What is to be selected, how it is to be grouped, or a page of it, cannot be understood."""


class MalformedPayload(ResqueError):
    """An element of a queue that is not a job: not JSON, not an object, too deep, not UTF-8 ..."""

    ruby_name = "Resque::Helpers::DecodeException"


class WrongArguments(ResqueError):
    """The arguments of a job do not fit the function that should run it."""

    ruby_name = "ArgumentError"


class MalformedActiveJob(WrongArguments):
    """The wrapper of an Active Job holds no job: no job_class, no arguments, a wrong type."""


class SerializationError(NotAJob):
    """An argument that Active Job, in the version of Rails that is written for, cannot carry."""

    ruby_name = "ActiveJob::SerializationError"


class DeserializationError(ResqueError):
    """The arguments of an Active Job cannot be read; `discard_on` and `retry_on` may name it."""

    ruby_name = "ActiveJob::DeserializationError"


class RecordNotFound(DeserializationError):
    """A record that an Active Job was given does not exist (any more)."""


class ContinuationError(ResqueError):
    """An Active Job with steps cannot go on."""

    ruby_name = "ActiveJob::Continuation::Error"


class InvalidStep(ContinuationError):
    """A step is not the one that should come now."""

    ruby_name = "ActiveJob::Continuation::InvalidStepError"


class ResumeLimit(ContinuationError):
    """A job with steps was resumed as often as it may be."""

    ruby_name = "ActiveJob::Continuation::ResumeLimitError"


class UnadvanceableCursor(ContinuationError):
    """The cursor of a step has no next value."""

    ruby_name = "ActiveJob::Continuation::UnadvanceableCursorError"


class Handled(ResqueError):
    """An error that the job has dealt with: it counts as done. Raised by the code around a job's function.

    `again` are the jobs that follow: (queue, `wire.records.Payload`, due as seconds since the epoch).
    """

    def __init__(self, message: str, again: tuple[tuple[str, Any, float], ...] = ()) -> None:
        super().__init__(message)
        self.again = again


class UnknownJobClass(ResqueError):
    """Nothing is registered for the class of a job."""

    ruby_name = "NameError"


class JobFailed(ResqueError):
    """A tracked job has failed; `exception` is the class name in its failure record."""

    def __init__(self, message: str, exception: str = "") -> None:
        super().__init__(message)
        self.exception = exception


class JobCancelled(ResqueError):
    """A tracked job was cancelled. Raised inside it, when it next says how far it is, it ends the job."""


class JobExpired(JobCancelled):
    """A tracked job had waited for longer than its `ttl`, and was not run."""


class JobNotDone(ResqueError, TimeoutError):
    """A tracked job was not over when the time to wait for it was."""


class NoResult(ResqueError):
    """A tracked job is over, or unknown, and what its function returned cannot be had."""


class DontPerform(ResqueError):
    """Raise this in a before_perform hook: the job ends there, and is not a failure."""

    ruby_name = "Resque::Job::DontPerform"


class DirtyExit(ResqueError):
    """The process that ran a job ended without saying that the job was done."""

    ruby_name = "Resque::DirtyExit"


class PruneDeadWorkerDirtyExit(DirtyExit):
    """The worker of a job was found dead by another worker."""

    ruby_name = "Resque::PruneDeadWorkerDirtyExit"


class JobTimeout(DirtyExit):
    """Raised inside a job that takes longer than its timeout; if it goes on all the same, it is killed.

    As a DirtyExit it is meant by whoever retries or discards what ends by force.
    """

    ruby_name = "pyresque.JobTimeout"


class JobTimeoutExit(JobTimeout):
    """A job that did not end when JobTimeout was raised in it, so its process was killed."""

    ruby_name = "Resque::DirtyExit"


class TermException(ResqueError):
    """Raised inside a job when its worker is told to stop (TERM_CHILD)."""

    ruby_name = "Resque::TermException"


class SignalException(ResqueError):
    """Raised inside a job when its process gets a signal other than TERM (TERM_CHILD)."""

    ruby_name = "SignalException"


class HookError(ResqueError):
    """An on_failure or always hook raised after its job had failed (docs/protocol/core.md#error-texts)."""

    ruby_name = "RuntimeError"


class BackendError(ResqueError):
    """Some failure backends could not save a failure."""

    ruby_name = "Resque::Failure::Multiple::BackendError"


class ConfigError(ResqueError):
    """A setting (flag, environment variable, URL) that cannot be used."""


class ImportFailed(ConfigError):
    """A module named with --require cannot be imported."""


class RedisError(ResqueError):
    """Something went wrong between us and Redis.

    `maybe_done` is False where the command was certainly not carried out, True where nobody knows (it was
    sent, and no reply came that could be understood).
    """

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class RedisUnavailable(RedisError):
    """Redis cannot be reached, or cannot take the command now: any error that is not known to last.

    Whoever works for a long time waits and tries again; a client has tried for some seconds already.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message, maybe_done=maybe_done)


class NotRedis(RedisUnavailable):
    """What answers there does not speak Redis's protocol: another program, or a reply that was damaged."""


class RedisTooOld(RedisError):
    """The server lacks a command that pyresque needs."""


class RedisRefused(RedisError):
    """Redis does not let us in: a wrong password, a missing permission."""


class RedisReplied(RedisError):
    """Redis answered a command with an error that will come again, for example WRONGTYPE."""


class RedisRejected(RedisReplied):
    """Redis will never take this very command, for what it holds: a text too large, an impossible expiry."""
