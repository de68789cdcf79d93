"""What a registry knows of Active Job: its jobs, resolvers, serializers, callbacks and settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyresque.active_job.arguments.conversion import as_kind
from pyresque.active_job.arguments.gid import GlobalID
from pyresque.active_job.arguments.locales import is_locale
from pyresque.active_job.arguments.reading import Reader
from pyresque.active_job.arguments.versions import NEWEST
from pyresque.active_job.arguments.writing import Dump, Writer
from pyresque.active_job.payload import Options, fresh
from pyresque.errors import InvalidJob, NotAJob, RecordNotFound
from pyresque.model.job_class import JobClass
from pyresque.model.registry import Registry
from pyresque.usercode.calling import call
from pyresque.usercode.safely import is_a, name_of, text_of, tried
from pyresque.wire.records import JOB_WRAPPER, Payload, spread


@dataclass
class Settings:
    """Defaults for what is enqueued: the version of Rails that reads it, locale and time zone."""

    rails: str = NEWEST
    locale: str = "en"
    timezone: str | None = None
    locales: frozenset[str] | None = None
    """Those that the application in Ruby has; None where that was not configured."""

    def check_locale(self, locale: str) -> None:
        """Refuse a locale with which the job would fail in Ruby, before it begins.

        Raises:
            NotAJob: it is none.
        """
        if self.locales is not None and locale not in self.locales:
            raise NotAJob(f"locale={locale!r} is none of the locales that were configured for Rails")
        if self.locales is None and locale != self.locale and not is_locale(locale):
            raise NotAJob(
                f"locale={locale!r} is not a locale that I18n knows, such as en, de or pt-BR; if your Rails "
                "has it all the same, say active_job.configure(locales=[...])"
            )


@dataclass
class Directory:
    """The Active Jobs of one registry; the wrapper that `Registry.wrappers` holds for them."""

    by_class: dict[str, JobClass] = field(default_factory=dict)
    resolvers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    loads: dict[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    dumps: dict[type, tuple[str, Dump]] = field(default_factory=dict)
    callbacks: dict[str, list[tuple[frozenset[str], Callable[..., Any]]]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    def find(self, payload: Payload) -> JobClass | None:
        """The job that a wrapper holds; None if it is not known here."""
        return self.by_class.get(payload.job_class.removeprefix("::"))

    def jobs(self) -> list[JobClass]:
        """All jobs."""
        return list(self.by_class.values())

    def only(self, chosen: Callable[[JobClass], bool]) -> Directory:
        """The same with some of the jobs only."""
        jobs = {name: job for name, job in self.by_class.items() if chosen(job)}
        return Directory(jobs, self.resolvers, self.loads, self.dumps, self.callbacks, self.settings)

    def add(self, job: JobClass) -> None:
        """Register a job.

        Raises:
            InvalidJob: another one has this name, or this is not a name.
        """
        if not job.name or any(letter in job.name for letter in '\0"\\ ') or not callable(job.perform):
            raise InvalidJob(f"{job.name!r} is not a class name: write for example Users::WelcomeJob")
        other = self.by_class.get(job.name)
        if other is not None and _place(other) != _place(job):
            raise InvalidJob(f"two Active Jobs are named {job.name}: {_place(other)} and {_place(job)}")
        self.by_class[job.name] = job
        Registry.changes += 1

    def of(self, target: object) -> JobClass | None:
        """The job of a function, class or class name."""
        if isinstance(target, str):
            return self.by_class.get(target.removeprefix("::"))
        return next((job for job in self.by_class.values() if job.target is target), None)

    def called(self, kind: str, class_name: str) -> list[Callable[..., Any]]:
        """The callbacks of a kind for a class."""
        return [hook for names, hook in self.callbacks.get(kind, []) if not names or class_name in names]

    def reader(self, strict: bool) -> Reader:
        """What reads arguments."""
        return Reader(self.record, self.loads, strict)

    def writer(self, rails: str | None = None) -> Writer:
        """What writes arguments."""
        return Writer.of(self.settings.rails if rails is None else rails, self.dumps)

    def record(self, gid: GlobalID) -> Any:
        """What a job gets for a GlobalID: what its model's resolver finds, else the GlobalID itself.

        Raises:
            RecordNotFound: the resolver finds nothing.
        """
        resolve = self.resolvers.get(gid.model)
        if resolve is None:
            return gid
        record, error = tried(call, resolve, gid)
        if error is not None:
            if is_a(error, RecordNotFound) or not is_a(error, Exception):
                raise error
            raise _gone(f"{name_of(type(error))}: {text_of(error)}") from error
        if record is None:
            raise _gone(f"Couldn't find {gid.model} with 'id'={gid.id}")
        return record

    def wrapped(self, class_name: str, args: Any, queue: str | None) -> dict[str, Any] | None:
        """The payload for a job that an item or an entry of a schedule names.

        See docs/protocol/scheduler.md#rules-for-a-scheduler.
        """
        job = self.of(class_name)
        if job is None:
            return None
        return self.wrapper(class_name, args, queue if queue is not None else job.queue)

    def wrapper(self, class_name: str, args: Any, queue: str | None) -> dict[str, Any]:
        """A new wrapper for arguments that are plain JSON; the keys of hashes arrive as strings."""
        job = self.of(class_name)
        steps = bool(job is not None and job.options.get("continuable"))
        arguments = self.writer().arguments(spread(args))
        options = Options(locale=self.settings.locale, timezone=self.settings.timezone)
        return fresh(class_name.removeprefix("::"), queue or "default", arguments, options, steps)


def _gone(reason: str) -> RecordNotFound:
    return RecordNotFound(f"Error while trying to deserialize arguments: {reason}")


def directory_of(registry: Registry) -> Directory:
    """The Active Jobs of a registry."""
    directory = registry.wrappers.get(JOB_WRAPPER)
    if not isinstance(directory, Directory):
        directory = registry.wrappers[JOB_WRAPPER] = Directory()
    return directory


def resolver_of(resolve: Callable[[Any], Any]) -> Callable[[GlobalID], Any]:
    """A resolver that takes the GlobalID; one whose parameter is an int or a str takes the id, as such."""
    parameters = list(inspect.signature(resolve, eval_str=True).parameters.values())
    wanted = parameters[0].annotation if parameters else None
    if wanted in (int, str):
        return lambda record_id: resolve(_id(wanted, record_id))
    return resolve


def _id(kind: type, gid: GlobalID) -> Any:
    text = gid.id if isinstance(gid.id, str) else "/".join(gid.id)
    return int(text) if kind is int else as_kind(kind, text)


def _place(job: JobClass) -> tuple[str, str | None]:
    return (
        getattr(job.target, "__qualname__", ""),
        getattr(inspect.getmodule(job.target), "__file__", None),
    )
