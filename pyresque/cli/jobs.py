"""`pyresque jobs`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line
from pyresque.cli.output import safe, table
from pyresque.errors import RedisError
from pyresque.usercode.safely import text_of, tried

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.client.unknown_classes import WaitingClass
    from pyresque.model.job_class import JobClass


@click.command()
@click.option("--no-redis", is_flag=True, help="Only what is registered; Redis is not asked what waits.")
@json_option
@common
@pass_settings
def jobs(settings: Settings, no_redis: bool, as_json: bool) -> None:
    """List the jobs that -r registers. Below: the classes of waiting jobs that are not among them.

    Those wait until a worker comes that knows them, in Ruby or here; a misspelt class waits for ever.
    """
    resque = settings.resque()
    settings.import_jobs()
    registered = sorted(resque.registry.jobs(), key=lambda job: (job.queue or "", job.name))
    if as_json:
        for job in registered:
            json_line(_document(job))
    elif registered:
        head = ("CLASS", "KIND", "QUEUE", "OPTIONS", "CODE")
        table(head, map(_row, registered), whole=("CLASS",))
    else:
        click.echo("no job is registered: import yours with -r, as in -r app.jobs")
    if not no_redis:
        _tell_waiting(resque, as_json)


def _tell_waiting(resque: Resque, as_json: bool) -> None:
    from pyresque.client.unknown_classes import waiting_classes

    try:
        waiting = waiting_classes(resque, resque.registry)
    except RedisError as error:
        click.echo(f"which jobs wait is not known: {safe(error)}", err=True)
        return
    if as_json:
        for group in waiting:
            json_line(_unknown(group))
    elif waiting:
        click.echo("\nJobs of these classes wait, and nobody here knows them:")
        rows = ((group.queue, _count(group), group.advice) for group in waiting)
        table(("QUEUE", "JOBS", "CLASS"), rows, whole=("CLASS",), numbers=("JOBS",))


def _count(waiting: WaitingClass) -> str:
    """How many wait; `+` where only the head of a long queue was looked at."""
    return f"{waiting.count}{'+' if waiting.is_sampled else ''}"


def _row(job: JobClass) -> tuple[object, ...]:
    kind = f"{'async ' if _is_async(job) else ''}{_KINDS[_kind(job)]}"
    return job.name, kind, job.queue or "", ", ".join(_options(job)), _place(job)


_KINDS = {"job": "job", "active_job": "Active Job"}


def _document(job: JobClass) -> dict[str, Any]:
    return {
        "class": job.name,
        "kind": _kind(job),
        "async": _is_async(job),
        "queue": job.queue,
        "code": _place(job),
        "is_class": inspect.isclass(job.target),
        "options": {name: _plain(value) for name, value in job.options.items()},
        "plugins": [_named(plugin) for plugin in job.plugins],
    }


def _unknown(waiting: WaitingClass) -> dict[str, Any]:
    return {
        "unknown": {
            "queue": waiting.queue,
            "class": waiting.class_name,
            "count": waiting.count,
            "near": waiting.near,
            "advice": waiting.advice,
            "sampled": waiting.is_sampled,
        }
    }


def _kind(job: JobClass) -> str:
    from pyresque.active_job.running import ActiveJob

    return "active_job" if isinstance(job, ActiveJob) else "job"


def _is_async(job: JobClass) -> bool:
    from pyresque.worker.aio.task import is_async

    answer, _ = tried(lambda: is_async(job.perform))  # to have it, an object of the user's may be made
    return bool(answer)


def _place(job: JobClass) -> str:
    from pyresque.model.job_class import where_of

    location, _ = tried(where_of, job.target)
    return text_of(location)


def _options(job: JobClass) -> Iterator[str]:
    yield from (f"{name}={_safely_said(value)}" for name, value in job.options.items())
    yield from map(_named, job.plugins)


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | str) or value is None else _safely_said(value)


def _safely_said(value: Any) -> str:
    text, error = tried(_said, value)  # a policy of the user's own may do anything
    return text_of(value) if text is None or error is not None else text


def _said(value: Any) -> str:
    """An option as it was written, as far as possible: of a dataclass only what is not its default."""
    if is_dataclass(value) and not isinstance(value, type):
        attributes = [
            f"{attribute.name}={_said(getattr(value, attribute.name))}"
            for attribute in fields(value)
            if attribute.init
            and getattr(value, attribute.name) not in (attribute.default, (attribute.default,))
        ]
        return f"{type(value).__name__}({', '.join(attributes)})"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_said, value))}]"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return text_of(value)


def _named(plugin: object) -> str:
    """What a plugin is: its class; of a class or module itself its name."""
    name, _ = tried(lambda: getattr(plugin, "__name__", None) or type(plugin).__name__)
    return text_of(name)
