"""The automatic attempt at a failed job that is still to come.

A failure record does not say that its job runs again by itself: with `Retry` here, with resque-retry in Ruby.
What says so is the counter of its attempts (worker/retries.py) together with the job itself, which is then
delayed, waits on a queue, or runs. A counter alone may have been left behind; an equal job without a counter
is another job. An Active Job needs no counter, for its job_id is its own.

A counter's key follows from class and arguments, unless the class has an `identify` of its own (in Ruby:
`retry_identifier`) and is not registered here. Then an equal delayed job is perhaps the next attempt, if the
class has any counter at all: such an attempt is not `sure`.

A job goes from the delayed jobs to its queue and on to a worker. It is looked for in this order, and once
more where it was not found, so that it cannot slip past.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, get_args

import msgspec

from pyresque.errors import MalformedPayload, RedisRefused, RedisReplied, Unencodable
from pyresque.keys import second_of_list
from pyresque.model.registry import Registry
from pyresque.store import delayed, failures
from pyresque.store import retries as store
from pyresque.store.delayed import Element
from pyresque.store.space import Space
from pyresque.wire.encoding import Style, encode
from pyresque.wire.joined_arguments import digest
from pyresque.wire.records import FailureRecord, Payload, WorkingOn, is_wrapper, wrapped_job

LOOK = 20_000
"""Delayed jobs, and waiting ones, that are looked at where not all of them are."""

ROUNDS = 3
"""Times that is looked for what goes round meanwhile."""

Identity = tuple[str, str]
"""What is the same in two elements that are the same job."""

_CLASS = re.compile(r"(?<!:):(?!:)")
"""What separates the class from the rest in the name of a counter."""


@dataclass(frozen=True)
class NextAttempt:
    """The attempt at a failed job that comes by itself.

    `state` is `delayed` (until the second `at`), `queued` (it waits on the queue `where`), `running` (on the
    worker `where`), `aside` (it was put aside, with the failure `where`) or `unknown` (there is a counter,
    but not everything was looked at, or the job went on meanwhile). `place` is where the delayed job is.
    `sure` is False for an equal delayed job that is perhaps the next attempt.
    """

    state: Literal["delayed", "queued", "running", "aside", "unknown"]
    where: str = ""
    at: int = 0
    element: Element = (b"", b"")
    sure: bool = True


def next_attempts(
    space: Space, registry: Registry, records: Sequence[FailureRecord], thorough: bool = True
) -> list[NextAttempt | None]:
    """For each failure the attempt at its job that is still to come; None where there is none.

    Args:
        thorough: look at every delayed and waiting job if need be, not only at the first 20,000. (Active
            Jobs are looked for among these only.)
    """
    search = _Search(space, registry)
    names = [search.enter(record) for record in records]
    result = search.run(thorough)
    return [None if name is None else result.get(name) for name in names]


def forget_attempts(space: Space, registry: Registry, *items: bytes) -> None:
    """Forget how often jobs were tried whose delayed attempts were removed, unless they are elsewhere, too.

    Else the next equal job would begin with the number of an attempt that was never made.
    """
    search = _Search(space, registry)
    entered = {search.enter(FailureRecord(b"", {"payload": _value_of(item)})) for item in items}
    names = [name for name in entered if name is not None]
    found = search.run(thorough=True) if names else {}
    for name in names:
        if name not in found:
            search.forget(name)


@dataclass
class _Sought:
    """A job of which an attempt may be to come.

    `names` are the names that its class may go by, `identifier` is what tells it from others in the name of
    its counter, `guess` whether that may be something else; `wrapped` jobs have no counter.
    """

    payload: Payload
    names: tuple[str, ...]
    identifier: str
    guess: bool
    wrapped: bool
    queues: set[str] = field(default_factory=set)
    counts: list[bytes | None] = field(default_factory=list)

    @property
    def counted(self) -> bool:
        """Whether it has a counter."""
        return any(count is not None for count in self.counts)

    def items(self) -> Iterator[bytes]:
        """What the next attempt looks like where a program that we know has delayed it."""
        value = self.payload.value
        known: dict[str, Any] = {"class": value.get("class"), "args": self.payload.args}
        others = {key: item for key, item in value.items() if key not in ("class", "args", "queue")}
        # Keys of other tools are kept by our retries and dropped by Ruby's.
        for queue, more, style in product(self.queues, ({}, others), get_args(Style)):
            try:
                yield encode({**known, "queue": queue, **more}, style)
            except Unencodable:
                return  # so nobody has written it in this form


class _Search:
    """One look at everything, for many failures at once."""

    def __init__(self, space: Space, registry: Registry) -> None:
        self._space = space
        self._registry = registry
        self._sought: dict[Identity, _Sought] = {}
        self._found: dict[Identity, NextAttempt] = {}
        self._open: set[Identity] = set()

    def enter(self, record: FailureRecord) -> Identity | None:
        """Look for the job of this failure, too; returns what it is found under."""
        name = None if record.aside is not None else _identity(record.payload)
        if name is not None:
            sought = self._sought.get(name) or self._enter(name, Payload(b"", record.payload))
            sought.queues.add(record.text("queue") or "")
        return name

    def _enter(self, name: Identity, payload: Payload) -> _Sought:
        job, class_name = self._registry.find(payload.class_name), payload.class_name
        identifier = _identifier(job.options.get("retry") if job else None, payload.args)
        sought = self._sought[name] = _Sought(
            payload,
            names=tuple(dict.fromkeys((class_name, _ruby_name(class_name)))) if job is None else (job.name,),
            identifier=digest(payload.args) if identifier is None else identifier,
            guess=identifier is None,
            wrapped=is_wrapper(class_name),
        )
        own_queue = getattr(job.options.get("retry"), "queue", None) if job else None
        sought.queues.update(name for name in (job and job.queue, own_queue) if isinstance(name, str))
        return sought

    def run(self, thorough: bool) -> dict[Identity, NextAttempt]:
        """Look; returns what was found."""
        self._count(self._sought)
        self._look_up()
        names_sought = {name for name, sought in self._sought.items() if sought.counted or sought.wrapped}
        self._open = names_sought - self._found.keys()
        restless: set[Identity] = set()
        for _ in range(ROUNDS):
            cut = self._look(thorough)
            self._open = {name for name in self._open if self._sought[name].counted}
            if cut or not self._open:
                restless |= self._open
                break
            # Behind our back a job may have failed and be delayed again. Two looks find it, unless it was
            # begun meanwhile; but then its counter has changed.
            self._look(thorough)
            restless |= self._recounted()
            self._open &= restless
        left = restless - self._found.keys()
        return self._found | dict.fromkeys(left, NextAttempt("unknown"))

    def _look(self, thorough: bool) -> bool:
        """Look at every place; whether that was given up before the end of one."""
        cut = self._look_through(delayed.each(self._space), _delayed, thorough)
        cut |= self._look_through(store.waiting(self._space), _queued, thorough)
        for worker, raw in store.working(self._space) if self._open else ():
            self._note(WorkingOn.parse(raw).payload, NextAttempt("running", worker))
        counted = any(self._sought[name].counted for name in self._open)
        for record in self._put_aside() if counted else ():
            self._note(record.payload, NextAttempt("aside", record.id))
        return cut

    def _put_aside(self) -> Iterator[FailureRecord]:
        """The failures of jobs that were put aside and not put back."""
        for name in ("failed", *failures.list_names(self._space)):
            yield from (record for record in failures.each(self._space, name) if record.holds_aside)

    def _count(self, names: Collection[Identity]) -> None:
        plain = [self._sought[name] for name in names if not self._sought[name].wrapped]
        keys = [self._space.keys.retry(name, sought.identifier) for sought in plain for name in sought.names]
        counts = iter(store.counts(self._space, keys))
        for sought in plain:
            sought.counts = [next(counts) for _ in sought.names]

    def _recounted(self) -> set[Identity]:
        """Count again; those whose counter has changed."""
        before = {name: self._sought[name].counts for name in self._open}
        self._count(before)
        return {name for name, counts in before.items() if self._sought[name].counts != counts}

    def forget(self, name: Identity) -> None:
        """Remove the counter of a job."""
        sought = self._sought[name]
        if sought.counted:
            store.forget(
                self._space, [self._space.keys.retry(each, sought.identifier) for each in sought.names]
            )

    def _look_up(self) -> None:
        """Ask for delayed jobs by their bytes: that takes no look at all the others."""
        asked = [
            (name, item)
            for name, sought in self._sought.items()
            if sought.counted or (sought.guess and not sought.wrapped)
            for item in dict.fromkeys(sought.items())
        ]
        lists = store.lists_with(self._space, [item for _, item in asked])
        places = [(names[0], item, name) for (name, item), names in zip(asked, lists, strict=True) if names]
        guesses = [self._sought[name] for _, _, name in places if not self._sought[name].counted]
        perhaps = self._with_counters({name for sought in guesses for name in sought.names})
        for list_name, item, name in sorted(places, key=lambda element: second_of_list(element[0])):
            sought = self._sought[name]
            if sought.counted or perhaps.intersection(sought.names):
                self._found.setdefault(name, replace(_delayed(list_name, item), sure=sought.counted))

    def _with_counters(self, classes: set[str]) -> set[str]:
        """Those of the classes that have a counter, under whatever name."""
        try:
            # `A::B:id` is a counter of `A::B`, and none of `A`.
            result = (
                {_CLASS.split(name, maxsplit=1)[0] for name in store.counter_names(self._space)}
                if classes
                else ()
            )
        except (RedisRefused, RedisReplied):
            return classes  # we may not look
        return classes.intersection(result)

    def _look_through(
        self, elements: Iterable[tuple[Any, Any]], meaning: Callable[[Any, Any], NextAttempt], thorough: bool
    ) -> bool:
        """Look among elements for what has not been found; whether that was given up before their end."""
        classes = {_ruby_name(self._sought[name].payload.class_name) for name in self._open}
        goes_on = bool(self._open)
        for number, (where, raw) in enumerate(elements if goes_on else ()):
            if number == LOOK:
                goes_on = self._needs_all(thorough)
            if not goes_on:
                return True
            if _class_of(raw) in classes and self._note(_value_of(raw), meaning(where, raw)):
                goes_on = bool(self._open) if number < LOOK else self._needs_all(thorough)
        return False

    def _needs_all(self, thorough: bool) -> bool:
        return thorough and any(self._sought[name].counted for name in self._open)

    def _note(self, value: Mapping[str, Any] | None, attempt: NextAttempt) -> bool:
        name = _identity(value or {})
        if name is None or name not in self._open:
            return False
        self._open.discard(name)
        self._found[name] = attempt
        return True


def _delayed(list_name: bytes, item: bytes) -> NextAttempt:
    return NextAttempt("delayed", at=second_of_list(list_name), element=(list_name, item))


def _queued(queue: str, _element: bytes) -> NextAttempt:
    return NextAttempt("queued", queue)


def _identity(value: Mapping[str, Any]) -> Identity | None:
    class_name = value.get("class")
    if not isinstance(class_name, str) or not class_name:
        return None
    if is_wrapper(class_name):
        job_id = (wrapped_job(value) or {}).get("job_id")
        return ("Active Job", job_id) if isinstance(job_id, str) and job_id else None
    return _ruby_name(class_name), json.dumps(Payload(b"", dict(value)).args, sort_keys=True)


def _identifier(policy: Any, args: list[Any]) -> str | None:
    """What a `retry=` makes of the arguments; None without one, or if it cannot tell."""
    try:
        result = policy.identifier(copy.deepcopy(args)) if policy is not None else None
    except (Exception, SystemExit):
        return None
    return result if isinstance(result, str) else None


def _ruby_name(class_name: str) -> str:
    """A class name as the class itself knows it: a payload may have `::Mail` or `send-mail`.

    See docs/protocol/core.md#class-names.
    """
    name = class_name.removeprefix("::")
    return "".join(part.capitalize() for part in name.split("-")) if "-" in name else name


class _Head(msgspec.Struct):
    """As much of an element as is read of all."""

    class_: Any = msgspec.field(name="class", default=None)


_HEADS = msgspec.json.Decoder(_Head)


def _class_of(raw: bytes) -> str:
    try:
        result = _HEADS.decode(raw).class_
    except (msgspec.MsgspecError, ValueError, RecursionError):
        result = _value_of(raw).get("class")
    return _ruby_name(result) if isinstance(result, str) else ""


def _value_of(raw: bytes) -> dict[str, Any]:
    try:
        return Payload.parse(raw).value
    except MalformedPayload:
        return {}
