"""The decorators: job, retry_on, discard_on, callbacks, resolver, serializer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pyresque.active_job.arguments.versions import version_of
from pyresque.active_job.arguments.zones import check_zone
from pyresque.active_job.continuation import Continuable
from pyresque.active_job.directory import Directory, directory_of, resolver_of
from pyresque.active_job.execution import Execution
from pyresque.active_job.retrying import JITTER, LONGER, Handler, Wait, flat_errors, key_of
from pyresque.active_job.running import HANDLERS, ActiveJob
from pyresque.errors import InvalidJob
from pyresque.model.job_class import check_code, check_timeout, where_of
from pyresque.model.registry import Registry, default_registry
from pyresque.usercode.safely import plain_name

_T = TypeVar("_T", bound=Callable[..., Any])
Then = Callable[[Execution, BaseException], Any]


def job(
    name: str,
    *,
    queue: str = "default",
    timeout: float | None = None,
    priority: int | None = None,
    continuable: bool | Continuable = False,
    registry: Registry = default_registry,
) -> Callable[[_T], _T]:
    """Register a function, or a class with `perform`, for an Active Job class. It stays what it is.

    Args:
        name: the Ruby class, `Users::WelcomeJob`.
        queue: where `active_job.enqueue` puts it: the final name, with Rails' queue_name_prefix.
        timeout: seconds that it may take; then its process is ended and the job fails with DirtyExit.
        priority: what `active_job.enqueue` writes; Resque does not look at it.
        continuable: whether it has steps (ActiveJob::Continuable), or how it is resumed.
        registry: where to register it.

    Raises:
        InvalidJob: what is decorated cannot be a job.
    """
    resuming = Continuable() if continuable is True else continuable or None
    optional = {"timeout": timeout, "priority": priority, "continuable": resuming}
    options = {key: value for key, value in optional.items() if value is not None}

    def register(target: _T) -> _T:
        check_code(target, is_named=True)
        check_timeout(timeout, where_of(target))
        directory, ruby = directory_of(registry), str(plain_name(name)).removeprefix("::")
        directory.add(ActiveJob(ruby, plain_name(queue), target, (), options, directory))
        return target

    return register


def retry_on(
    *errors: Any,
    wait: Wait = 3,
    attempts: int | None = 5,
    jitter: float = JITTER,
    queue: str | None = None,
    priority: int | None = None,
    then: Then | None = None,
    ruby: str | None = None,
) -> Callable[[_T], _T]:
    """Run the job again after one of these errors, as Rails' retry_on does; written above the function.

    Args:
        errors: exception classes, or the name of one as text (also Ruby's).
        wait: seconds, a timedelta, `"polynomially_longer"`, or a function of the number of errors.
        attempts: how many there are in all; None: any number.
        jitter: the part of the wait that is added at random, at most.
        queue: the queue that the next attempt goes to, else the job's own.
        priority: its priority, else the job's own.
        then: called with the job and the error when no attempt is left; the job counts as done then.
        ruby: the key of the Ruby declaration in exception_executions, `"[Net::OpenTimeout]"`, so that both
            languages count the same attempts; else it is made of the errors' names (or their `ruby_name`).

    Raises:
        InvalidJob: no exception is named, or the wait is none.
    """
    exceptions = flat_errors(errors)
    if isinstance(wait, str) and wait not in LONGER:
        known = ", ".join(LONGER)
        raise InvalidJob(f"wait={wait!r} is not a wait: give seconds, a function or one of {known}")
    key = ruby if ruby is not None else key_of(exceptions)
    return _declared(Handler("retry", exceptions, key, wait, attempts, jitter, queue, priority, then))


def discard_on(*errors: Any, then: Then | None = None) -> Callable[[_T], _T]:
    """Drop the job after one of these errors: it counts as done. `then` is called with the job and the error.

    Raises:
        InvalidJob: no exception is named.
    """
    exceptions = flat_errors(errors)
    return _declared(Handler("discard", exceptions, key_of(exceptions), then=then))


def _declared(handler: Handler) -> Callable[[_T], _T]:
    def declare(target: _T) -> _T:
        # The one that is nearest to the function is applied first, and asked first: Rails too asks from
        # the bottom to the top.
        setattr(target, HANDLERS, (*vars(target).get(HANDLERS, ()), handler))
        return target

    return declare


def _callback(kind: str, jobs: tuple[Any, ...], registry: Registry) -> Callable[[_T], _T]:
    directory = directory_of(registry)
    names = frozenset(_name(directory, job_class) for job_class in jobs)

    def declare(hook: _T) -> _T:
        directory.callbacks.setdefault(kind, []).append((names, hook))
        return hook

    return declare


def _name(directory: Directory, target: Any) -> str:
    job_class = directory.of(target)
    if job_class is None and not isinstance(target, str):
        raise InvalidJob(f"{target!r} is not an Active Job: put the callback below its @active_job.job")
    return job_class.name if job_class is not None else str(target)


def before_enqueue(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A function of the job, before these jobs (else: all) are enqueued. DontPerform: it is not enqueued."""
    return _callback("before_enqueue", jobs, registry)


def around_enqueue(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A generator function of the job that yields where it is enqueued."""
    return _callback("around_enqueue", jobs, registry)


def after_enqueue(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A function of the job, after it was enqueued."""
    return _callback("after_enqueue", jobs, registry)


def before_perform(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A function of the job, before it runs. DontPerform: it does not run, and counts as done."""
    return _callback("before_perform", jobs, registry)


def around_perform(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A generator function of the job that yields where it runs."""
    return _callback("around_perform", jobs, registry)


def after_perform(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A function of the job, after it has run without an error."""
    return _callback("after_perform", jobs, registry)


def after_discard(*jobs: Any, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """A function of the job and its error, when no further attempt follows."""
    return _callback("after_discard", jobs, registry)


def resolver(model: str, *, registry: Registry = default_registry) -> Callable[[_T], _T]:
    """What loads the records of a model: a function of the GlobalID, or of the id if annotated int or str.

    None, or an exception, is RecordNotFound: what `discard_on(active_job.DeserializationError)` discards.
    """

    def register(resolve: _T) -> _T:
        directory_of(registry).resolvers[model] = resolver_of(resolve)
        return resolve

    return register


def serializer(
    name: str,
    kind: type | None = None,
    *,
    dump: Callable[[Any], Mapping[str, Any]] | None = None,
    registry: Registry = default_registry,
) -> Callable[[_T], _T]:
    """What reads the objects of a serializer of the Rails application: a function of their keys.

    Args:
        name: the Ruby class of the serializer, `MoneySerializer`.
        kind: the Python type that is written with it; `dump` gives the keys of one, in Ruby's order.
    """

    def register(load: _T) -> _T:
        directory = directory_of(registry)
        directory.loads[name] = load
        if kind is not None and dump is not None:
            directory.dumps[kind] = (name, dump)
        return load

    return register


def configure(
    *,
    rails: str | None = None,
    locale: str | None = None,
    timezone: str | None = None,
    locales: Iterable[str] | None = None,
    registry: Registry = default_registry,
) -> None:
    """Set what is written where nothing else is said.

    Args:
        rails: the oldest version of Rails that reads what is enqueued here, `"7.0"`.
        locale: the I18n locale, `"en"`.
        timezone: the name of the time zone.
        locales: those that the application in Ruby has; a job with another one is refused.

    Raises:
        ValueError: there is no such version.
        NotAJob: there is no such time zone or locale.
    """
    settings = directory_of(registry).settings
    if timezone:
        check_zone(timezone)
    settings.locales = frozenset(locales) if locales is not None else settings.locales
    if locale is not None:
        settings.check_locale(locale)
    if rails is not None:
        version_of(rails)
        settings.rails = rails
    settings.locale = locale if locale is not None else settings.locale
    settings.timezone = timezone if timezone is not None else settings.timezone
