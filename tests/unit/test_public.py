"""What is public: the names that users import, and nothing more by accident."""

import importlib
import subprocess
import sys

import pytest

import pyresque

PUBLIC = {
    "pyresque": [
        "AsyncResque",
        "DontPerform",
        "JobHandle",
        "JobTimeout",
        "Resque",
        "ResqueError",
        "Retry",
        "Scheduler",
        "Worker",
        "WorkerInfo",
        "__version__",
        "job",
    ],
    "pyresque.scheduler": ["Cron", "Every", "Scheduler"],
    "pyresque.active_job": [
        "Continuable",
        "DateTime",
        "DeserializationError",
        "Duration",
        "Execution",
        "FarTime",
        "GlobalID",
        "Indifferent",
        "Keywords",
        "Module",
        "Prepared",
        "Range",
        "RecordNotFound",
        "SerializationError",
        "Serialized",
        "Step",
        "Symbol",
        "Time",
        "TimeWithZone",
        "after_discard",
        "after_enqueue",
        "after_perform",
        "around_enqueue",
        "around_perform",
        "before_enqueue",
        "before_perform",
        "configure",
        "current",
        "deserialize",
        "discard_on",
        "enqueue",
        "enqueue_many",
        "job",
        "prepare",
        "resolver",
        "retry_on",
        "serialize",
        "serializer",
    ],
    "pyresque.failure": [
        "Backend",
        "Failure",
        "Multiple",
        "Recorder",
        "Redis",
        "RedisMultiQueue",
        "backend_named",
    ],
    "pyresque.config": [
        "Config", "Polling", "Recover", "SchedulerOptions", "Server", "Stopping", "Unknown", "WorkerOptions",
        "environment", "parse_server", "split_queues",
    ],
    "pyresque.plugins": [
        "Lock", "Loner", "Retry", "Status", "Statuses", "current_status", "pause", "paused", "resume",
    ],
    "pyresque.client": [
        "ActionResult", "DelayedItem", "DelayedSelection", "FailureSelection", "Fleet", "FoundJobs", "Group",
        "Groups", "Health", "JobSelection", "KeyValue", "KeysPage", "Look", "PausedQueues", "Problem",
        "QueuedJob", "Resque", "WaitingClass", "waiting_classes",
    ],
    "pyresque.registry": ["Job", "Registry", "RetryPolicy", "default_registry", "job"],
    "pyresque.web": ["create_app"],
    "pyresque.worker": ["JobFilter", "Worker"],
}  # fmt: skip
USED = {
    "pyresque.testing": ["DelayedCall", "delayed", "drain", "enqueued", "inline"],
    "pyresque.hooks": [
        "Hook", "WorkerHooks", "after_fork", "after_job", "after_pause", "before_first_fork", "before_fork",
        "before_job", "before_pause", "call", "call_around", "job_hooks", "queue_empty", "shutdown",
        "worker_exit", "worker_hooks", "JOB_HOOKS", "SCHEDULE_HOOKS",
    ],
    "pyresque.errors": [
        "BackendError", "ConfigError", "ContinuationError", "DeserializationError", "DirtyExit",
        "DontPerform", "Handled", "HookError", "ImportFailed", "InvalidJob", "InvalidSchedule",
        "InvalidStep", "InvalidTime", "JobCancelled", "JobExpired", "JobFailed", "JobNotDone", "JobTimeout",
        "JobTimeoutExit", "MalformedActiveJob", "MalformedPayload", "NoClassError", "NoQueueError",
        "NoResult", "NotAJob", "NotRedis", "PruneDeadWorkerDirtyExit", "RecordNotFound",
        "RedisError", "RedisRefused", "RedisRejected", "RedisReplied", "RedisTooOld",
        "RedisUnavailable", "ResqueError", "ResumeLimit", "SerializationError", "SignalException",
        "TermException", "UnadvanceableCursor", "Unencodable", "UnknownJobClass", "WrongArguments",
    ],
}  # fmt: skip


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_exactly_these(module):
    """A name more or less is a decision, not an accident."""
    assert sorted(importlib.import_module(module).__all__) == PUBLIC[module]


@pytest.mark.parametrize("module", [*PUBLIC, *USED])
def test_every_public_name_is_there_and_documented(module):
    """Each can be had from its module and says what it is."""
    loaded = importlib.import_module(module)
    for name in [*PUBLIC.get(module, []), *USED.get(module, [])]:
        value = getattr(loaded, name)
        assert value.__doc__ or name in ("__version__", "Hook"), name


def test_dir_shows_the_public_names():
    """So that an interactive user finds them."""
    assert set(PUBLIC["pyresque"]) <= set(dir(pyresque))


def test_an_unknown_name_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = pyresque.nothing_such


def test_every_exception_is_a_resque_error():
    """One `except ResqueError` catches all that pyresque raises of its own."""
    errors = importlib.import_module("pyresque.errors")
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    assert all(issubclass(one, errors.ResqueError) for one in kinds)
    assert all(one.__doc__ and one.__name__ in errors.__doc__ for one in kinds)


def test_importing_pyresque_and_job_loads_no_redis_client():
    """A module of jobs is imported by web processes and tests: it must be cheap."""
    code = (
        "import sys, pyresque; pyresque.job; sys.exit(bool({'redis', 'hiredis', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
