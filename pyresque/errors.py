"""Every exception of pyresque.

    ResqueError
    ├── NotAJob ............ what was given to enqueue cannot be a job
    │   ├── NoQueueError ... no queue is known for it
    │   ├── NoClassError ... its class name is empty
    │   └── Unencodable .... an argument that a Ruby worker could not read
    ├── InvalidJob ......... @job was used on something that cannot be one
    ├── MalformedPayload ... bytes in Redis that are no job
    ├── WrongArguments ..... a job's arguments do not fit its function
    ├── UnknownJobClass .... no function is registered for a job's class
    ├── DontPerform ........ raise it in before_perform: the job is done without a failure
    ├── DirtyExit .......... the process of a job went away
    │   └── PruneDeadWorkerDirtyExit
    ├── TermException ...... a signal ended the job (raised inside it)
    ├── SignalException .... another signal, raised inside the job
    ├── HookError .......... a hook failed after the job had failed already
    ├── BackendError ....... failure backends that could not save
    ├── ConfigError ........ a setting that cannot be used
    │   └── ImportFailed ... a module of the user's cannot be imported
    └── RedisError
        ├── RedisUnavailable  Redis cannot be reached now; `maybe_done` tells if the command may have run
        ├── RedisTooOld
        ├── RedisRefused .... credentials or permissions
        └── RedisReplied .... Redis answered with an error (a wrong key type, ...)

`ruby_name` is the class name that a failure record shows for an exception (core.md section 11).
"""

from __future__ import annotations


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


class InvalidJob(ResqueError):
    """A function or class that cannot be a job."""


class MalformedPayload(ResqueError):
    """An element of a queue that is no job: not JSON, not an object, too deep, not UTF-8 ..."""

    ruby_name = "Resque::Helpers::DecodeException"


class WrongArguments(ResqueError):
    """The arguments of a job do not fit the function that should run it."""

    ruby_name = "ArgumentError"


class UnknownJobClass(ResqueError):
    """Nothing is registered for the class of a job."""

    ruby_name = "NameError"


class DontPerform(ResqueError):
    """Raise this in a before_perform hook: the job ends there, and is no failure."""

    ruby_name = "Resque::Job::DontPerform"


class DirtyExit(ResqueError):
    """The process that ran a job ended without saying that the job was done."""

    ruby_name = "Resque::DirtyExit"


class PruneDeadWorkerDirtyExit(DirtyExit):
    """The worker of a job was found dead by another worker."""

    ruby_name = "Resque::PruneDeadWorkerDirtyExit"


class TermException(ResqueError):
    """Raised inside a job when its worker is told to stop (TERM_CHILD)."""

    ruby_name = "Resque::TermException"


class SignalException(ResqueError):
    """Raised inside a job when its process gets a signal other than TERM (TERM_CHILD)."""

    ruby_name = "SignalException"


class HookError(ResqueError):
    """An on_failure or always hook raised after its job had failed (core.md section 11)."""

    ruby_name = "RuntimeError"


class BackendError(ResqueError):
    """Some failure backends could not save a failure."""

    ruby_name = "Resque::Failure::Multiple::BackendError"


class ConfigError(ResqueError):
    """A setting (flag, environment variable, URL) that cannot be used."""


class ImportFailed(ConfigError):
    """A module named with --require cannot be imported."""


class RedisError(ResqueError):
    """Something went wrong between us and Redis."""


class RedisUnavailable(RedisError):
    """Redis cannot be reached, or cannot take the command now.

    `maybe_done` is False where the command was certainly not carried out, True where nobody knows
    (it was sent, and the reply did not come).
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class RedisTooOld(RedisError):
    """The server lacks a command that pyresque needs."""


class RedisRefused(RedisError):
    """Redis does not let us in: a wrong password, a missing permission."""


class RedisReplied(RedisError):
    """Redis answered a command with an error, for example WRONGTYPE."""
