"""The options that say which failures, delayed jobs or waiting jobs are meant, and which page of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast

import click

from pyresque.cli.moments import LengthOrMoment

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Option = Callable[[Callable[..., Any]], Callable[..., Any]]

SHOWN = 20
"""So many rows has a page, unless it is asked for another number."""


@dataclass(frozen=True)
class Wanted:
    """What the filters ask for: `filters` as `select` of the client takes them."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    everything: bool = False

    @property
    def is_open(self) -> bool:
        """Whether no filter was given."""
        return not self.filters

    def with_ids(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """What `select` is to be asked for, of elements that may have been named by ID, too.

        Raises:
            click.UsageError: nothing says which are meant.
        """
        if not ids and self.is_open and not self.everything:
            raise click.UsageError("say which: IDs, or filters such as --class, or --all")
        if ids and self.everything:
            raise click.UsageError("IDs and --all contradict each other")
        return {**self.filters, **({"ids": ids} if ids else {})}


@dataclass(frozen=True)
class Page:
    """Which of many elements are shown, and in which order."""

    number: int | None
    limit: int | None
    sort: str | None = None

    def is_whole(self, as_json: bool) -> bool:
        """Whether all of them are shown: with --limit 0, and for programs that did not ask for a page."""
        return self.limit == 0 or (as_json and self.limit is None and self.number is None)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return self.limit or SHOWN

    @property
    def first(self) -> int:
        """How many elements are on the pages before."""
        return ((self.number or 1) - 1) * self.size

    def sorted(self, elements: Iterable[T], key: Callable[[T], Any], as_json: bool) -> list[T]:
        """The elements of this page, in the order of a key; only it and those before are kept."""
        if self.is_whole(as_json):
            return sorted(elements, key=key)
        return heapq.nsmallest(self.first + self.size, elements, key=key)[self.first :]


def gathered(name: str, make: Callable[..., Any], options: Mapping[str, Option]) -> Callable[[F], F]:
    """Give a command several options whose values come to it as one thing: `make(**values)`, under `name`."""

    def decorate(command: F) -> F:
        @wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            values = {option: kwargs.pop(option) for option in options}
            return command(*args, **{name: make(**values)}, **kwargs)

        given: Callable[..., Any] = run
        for option in reversed(list(options.values())):
            given = option(given)
        return cast("F", given)

    return decorate


def _names(*flags: str, name: str, metavar: str, of: str) -> Option:
    return click.option(
        *flags, name, metavar=metavar, multiple=True, help=f"Of this {of}; * is any text. May be repeated."
    )


_CLASS: dict[str, Option] = {
    "class_name": _names("-c", "--class", name="class_name", metavar="CLASS", of="class")
}
_QUEUE: dict[str, Option] = {"queue": _names("-q", "--queue", name="queue", metavar="QUEUE", of="queue")}
_TEXT: dict[str, Option] = {
    "text": click.option("-t", "--text", metavar="TEXT", help="In which this text occurs.")
}
_ALL: dict[str, Option] = {
    "everything": click.option("--all", "everything", is_flag=True, help="All of them.")
}


def _times(what: str) -> dict[str, Option]:
    return {
        side: click.option(f"--{side}", metavar="TIME", type=LengthOrMoment(), help=f"{text}: {what}.")
        for side, text in (("since", "From then on"), ("until", "Until then"))
    }


_FAILURES: dict[str, Option] = {
    **_CLASS,
    "exception": _names("-e", "--exception", name="exception", metavar="CLASS", of="exception"),
    **_QUEUE,
    **_TEXT,
    **_times("2h (ago), 17:45, 2026-11-30 17:45"),
    "retried": click.option(
        "--retried/--not-retried", default=None, help="Whose job was put back by hand, or was not."
    ),
}
_DELAYED: dict[str, Option] = {
    **_CLASS,
    **_QUEUE,
    **_TEXT,
    **_times("2h (from now), 17:45, 2026-11-30 17:45"),
}
_JOBS: dict[str, Option] = {**_CLASS, **_TEXT}


def _wanted(everything: bool = False, **values: Any) -> Wanted:
    if values.get("text") == "":
        raise click.UsageError("--text is empty: every element has that")
    return Wanted({name: value for name, value in values.items() if value not in (None, ())}, everything)


def failure_filters(command: F) -> F:
    """Give a command the filters of failures, as `wanted`."""
    return gathered("wanted", _wanted, _FAILURES)(command)


def failure_choice(command: F) -> F:
    """The same, and `--all`."""
    return gathered("wanted", _wanted, {**_ALL, **_FAILURES})(command)


def delayed_filters(command: F) -> F:
    """Give a command the filters of delayed jobs, as `wanted`."""
    return gathered("wanted", _wanted, _DELAYED)(command)


def delayed_choice(command: F) -> F:
    """The same, and `--all`."""
    return gathered("wanted", _wanted, {**_ALL, **_DELAYED})(command)


def job_filters(command: F) -> F:
    """Give a command the filters of waiting jobs, as `wanted`."""
    return gathered("wanted", _wanted, _JOBS)(command)


def job_choice(command: F) -> F:
    """The same, and `--all`."""
    return gathered("wanted", _wanted, {**_ALL, **_JOBS})(command)


def paged(first: str, sorts: Sequence[str] = ()) -> Callable[[F], F]:
    """Give a command `--page`, `--limit` and, where there are several orders, `--sort`, as `page`.

    Args:
        first: which elements are on the first page: `last`, `next`.
        sorts: the orders that can be asked for.
    """
    options: dict[str, Option] = {
        "number": click.option("-p", "--page", "number", type=click.IntRange(1), help="Which page."),
        "limit": click.option(
            "-n",
            "--limit",
            type=click.IntRange(0),
            help=f"How many on a page, 0 for all. Without it the {first} {SHOWN}; with --json all.",
        ),
    }
    if sorts:
        options["sort"] = click.option("--sort", type=click.Choice(sorts), help="In which order.")
    return gathered("page", Page, options)
