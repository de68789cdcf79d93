"""A job that is named on the command line: a plain one or an Active Job, known here or only to Ruby."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pyresque.errors import NoQueueError
from pyresque.usercode.safely import cut

if TYPE_CHECKING:
    from pyresque import Resque
    from pyresque.model.job_class import JobClass
    from pyresque.model.registry import Registry

_NEGATIVE = re.compile(r"-\d[\d.eE+-]*")
_MARK = "\0"
_OURS = ("self", "queue", "job")
"""Names of parameters of our own verbs: keywords of these names would be theirs."""


active_job_option = click.option(
    "--active-job", is_flag=True, help="CLASS is an Active Job, also if only Rails knows it."
)


class NumbersAreNoOptions(click.Command):
    """A command for which -5 is an argument, and an unknown -x still an error."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words."""
        end = args.index("--") if "--" in args else len(args)
        marked = [_MARK + word if _NEGATIVE.fullmatch(word) else word for word in args[:end]]
        return super().parse_args(ctx, marked + args[end:])


def argument(text: str) -> Any:
    """An argument as it was typed: what it says as JSON, else the text itself."""
    from pyresque.errors import MalformedPayload
    from pyresque.wire.encoding import decode

    text = text.removeprefix(_MARK)
    try:
        return decode(text.encode("utf-8", "surrogateescape"))
    except MalformedPayload:
        return text


@dataclass(frozen=True)
class NamedJob:
    """A job and its queue; `job` is None where the class is not known here, `wrapped` for an Active Job."""

    name: str
    queue: str
    job: JobClass | None
    wrapped: bool

    @classmethod
    def find(cls, registry: Registry, name: str, queue: str | None, active_job: bool) -> NamedJob:
        """The job that is meant.

        Args:
            active_job: it is an Active Job, whether it is known here or not.

        Raises:
            NoQueueError: nobody knows its queue.
        """
        job = None if active_job else registry.find(name)
        wrapped = _active_job(registry, name) if job is None else None
        known = job or wrapped
        queue = queue if queue is not None else known.queue if known else None
        if not queue:
            raise NoQueueError(_no_queue(registry, name))
        own_name = known.name if known else name
        return cls(own_name, queue, known, active_job or wrapped is not None)

    def wire(self, values: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """The arguments as they are stored."""
        if self.job is None or self.wrapped:
            return [*values, *([dict(keywords)] if keywords else [])]
        return self.job.parameters.written(values, keywords)

    def enqueue(
        self,
        resque: Resque,
        at: float | None,
        values: Sequence[Any],
        keywords: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> object:
        """Put it on its queue, at a moment or now; None if a hook refused it.

        Args:
            options: `track` and so on, as `Resque.enqueue` takes them.
        """
        target: Any = self.job.target if self.job else self.name
        if self.wrapped and options:
            flags = ", ".join("--" + name.replace("_", "-") for name in options)
            raise click.UsageError(f"{flags}: an Active Job has nothing like that")
        if at is not None and "at_front" in options:
            raise click.UsageError("--at-front and --in or --at contradict each other")
        if self.wrapped:
            from pyresque.active_job import prepare

            return prepare(target, *values, **keywords).set(queue=self.queue, wait_until=at).enqueue(resque)
        if wrong := [name for name in keywords if name in _OURS]:
            raise click.UsageError(f"give the argument {wrong[0]} by its position, not with --kwargs")
        own = self.job.parameters.names if self.job else frozenset()
        if taken := [name for name in options if name in own]:
            raise click.UsageError(f"--{taken[0]}: {self.name} has an argument of this name; use --kwargs")
        given: dict[str, Any] = {**keywords, **options}
        if at is None:
            return resque.enqueue_to(self.queue, target, *values, **given)
        return resque.enqueue_at_with_queue(self.queue, at, target, *values, **given)


def _no_queue(registry: Registry, class_name: str) -> str:
    """What to say where nobody knows the queue of a job."""
    names = sorted(job.name for job in registry.jobs())
    if not names:
        return f"on which queue? write -q QUEUE, or -r MODULE with the module that has the job {class_name}"
    if class_name in names:
        return f"on which queue? {class_name} has none of its own: write -q QUEUE"
    from pyresque.client.unknown_classes import close_names

    near = close_names(class_name.removeprefix("::"), names)
    meant = f": did you mean {' or '.join(near)}?" if near else "."
    known = cut(", ".join(names), 500)
    return (
        f"no job is named {class_name} here{meant} Registered here: {known}. "
        "For a class that another program runs, name its queue: -q QUEUE"
    )


def _active_job(registry: Registry, class_name: str) -> JobClass | None:
    """The Active Job of this class, if it is known here: it goes on its queue wrapped."""
    name = class_name.removeprefix("::")
    return next((job for job in registry.wrapped_jobs() if job.name == name), None)
