"""Active Job: Python functions for Rails' jobs, and Rails' jobs from Python (docs/active-job.md).

from pyresque import active_job

@active_job.job("WelcomeJob", queue="mailers")
@active_job.retry_on(TimeoutError, wait=30, attempts=3)
def welcome(user_id: int) -> None: ...

active_job.enqueue(resque, welcome, 42)
active_job.enqueue(resque, "ReportJob", 2026, queue="reports")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyresque.active_job.arguments.gid import GlobalID
from pyresque.active_job.arguments.values import (
    DateTime,
    Duration,
    FarTime,
    Indifferent,
    Keywords,
    Module,
    Range,
    Serialized,
    Symbol,
    Time,
    TimeWithZone,
)
from pyresque.active_job.arguments.versions import NEWEST
from pyresque.active_job.continuation import Continuable, Step
from pyresque.active_job.declaring import (
    after_discard,
    after_enqueue,
    after_perform,
    around_enqueue,
    around_perform,
    before_enqueue,
    before_perform,
    configure,
    discard_on,
    job,
    resolver,
    retry_on,
    serializer,
)
from pyresque.active_job.directory import directory_of
from pyresque.active_job.enqueueing import Prepared, enqueue, enqueue_many, prepare
from pyresque.active_job.execution import Execution, current
from pyresque.errors import DeserializationError, RecordNotFound, SerializationError
from pyresque.model.registry import Registry, default_registry

__all__ = [
    "Continuable", "DateTime", "DeserializationError", "Duration", "Execution", "FarTime", "GlobalID",
    "Indifferent", "Keywords", "Module", "Prepared", "Range", "RecordNotFound", "SerializationError",
    "Serialized", "Step", "Symbol", "Time", "TimeWithZone", "after_discard", "after_enqueue", "after_perform",
    "around_enqueue", "around_perform", "before_enqueue", "before_perform", "configure", "current",
    "deserialize", "discard_on", "enqueue", "enqueue_many", "job", "prepare", "resolver", "retry_on",
    "serialize", "serializer",
]  # fmt: skip


def deserialize(arguments: Sequence[Any], *, registry: Registry = default_registry) -> list[Any]:
    """The `arguments` of an Active Job, as decoded from JSON, as Python values.

    Records become what their model's resolver finds, else GlobalIDs; objects of serializers that nobody
    registered become `Serialized`.

    Raises:
        DeserializationError: one of them cannot be read; RecordNotFound if it is a record that is gone.
    """
    return directory_of(registry).reader(strict=False).arguments(arguments)


def serialize(
    arguments: Sequence[Any], rails: str = NEWEST, *, registry: Registry = default_registry
) -> list[Any]:
    """Python values as the `arguments` of an Active Job, plain JSON values, for a version of Rails.

    Raises:
        SerializationError: one of them is nothing that this version could read.
        ValueError: there is no such version.
    """
    return directory_of(registry).writer(rails).arguments(arguments)
