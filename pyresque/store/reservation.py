"""Reserving a job and settling it: one script each, so that it is always in its queue or in `worker:ID`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pyresque.store.connection.link import Command, Reply, Word, as_bytes
from pyresque.store.connection.replies import amount, cases, data, digits, exactly, integer, row, words
from pyresque.store.script import REMEMBER_SECONDS, Script, flat
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.wire import times
from pyresque.wire.encoding import encode
from pyresque.wire.records import working_on_bytes

_FOUND = cases(
    job=row(data, words, integer(1), data, amount, data),
    held=row(data, words, data),
    look=row(data, words, integer(1), amount, data, rest=data),
    more=row(data, words, integer(1), amount, data),
    queues=row(data, words, words),
    stranger=row(data, words),
    namesake=row(data, words),
    paused=row(data, words),
    none=row(data, words),
    limited=row(data, words, data, amount),
)
_SETTLED = row(exactly(b"settled", b"already", b"recounted", b"gone", b"disputed"), words, integer())

_reserve = Script(
    "reserve",
    uses=("namesake", "json", "remove_at", "class_limits"),
    call="reserve(KEYS, ARGV)",
    reply=_FOUND,
)
_reserve_element = Script(
    "reserve_element", uses=("namesake", "remove_at", "class_limits"), reply=integer(-1)
)
_settle = Script("settle", uses=("effects", "namesake"), call="settle(KEYS, ARGV)", reply=_SETTLED)
_settle_apart = Script("settle_apart", uses=("effects",), reply=row(exactly(b"settled", b"gone"), words))
_advance = Script(
    "settle_and_reserve",
    uses=("effects", "namesake", "settle", "json", "remove_at", "class_limits", "reserve"),
    reply=row(_SETTLED, _FOUND),
)

PIECE = 500
"""Queues that one script looks at."""


@dataclass(frozen=True)
class QueueOrder:
    """Where to look: queues in order; `members` is the set of queues it was made from (None: fixed)."""

    queues: tuple[str, ...]
    members: tuple[str, ...] | None = None


@dataclass(frozen=True)
class WantedClasses:
    """Which classes a worker takes.

    `every`: all but those that wait; `ask`: unknown ones are shown to the caller too. `limits`: how many jobs
    of some classes may run at a time, or begin within a time (parts/class_limits.lua).
    """

    names: tuple[str, ...] = ()
    every: bool = False
    ask: bool = False
    waiting: tuple[str, ...] = ()
    limits: str = ""

    def word(self) -> bytes:
        """The form in which the script reads it."""
        if self.every:
            return ("*" + "".join(f"\0{name}" for name in self.waiting) + "\0").encode()
        return (("?" if self.ask else "") + "".join(f"\0{name}" for name in self.names) + "\0").encode()


@dataclass(frozen=True)
class Bookmark:
    """How far a queue was looked through: the elements before `offset` were left; `mark`: see reserve.lua."""

    offset: int
    mark: bytes


_NEAR, _SHORT = 200, 1024


def mark_of(raw: bytes, offset: int) -> bytes:
    """The mark of a bookmark behind this element, as reserve.lua makes it; empty if it is not to be kept."""
    if offset < _NEAR:
        return b""
    return raw if len(raw) <= _SHORT else b"%d %b%b" % (len(raw), raw[:400], raw[-400:])


@dataclass
class LeftJobs:
    """What a worker has left to others at the beginning of its queues.

    `at_a_time`: how many elements of a form that the script cannot judge the worker wants to see together.
    """

    bookmarks: dict[str, Bookmark] = field(default_factory=dict)
    at_a_time: int = 1


class Search:
    """A question for the reserve script: whose job, in which order, of which classes; asked many times."""

    def __init__(
        self,
        space: Space,
        who: Registration,
        order: QueueOrder,
        wanted: WantedClasses,
        left: LeftJobs | None = None,
    ) -> None:
        keys, worker_id = space.keys, who.id
        self.order = order
        self.who, self.worker_id = who, worker_id
        self._left = left or LeftJobs()
        queues, pauses = [*map(keys.queue, order.queues)], [*map(keys.queue_pause, order.queues)]
        names = [keys.worker(worker_id), keys.pause_all, keys.queues, keys.queue_pause(), keys.workers]
        self._head = [*map(as_bytes, [*names, keys.worker_started(worker_id)])]
        self._queues, self._pauses = [*map(as_bytes, queues)], [*map(as_bytes, pauses)]
        watched = [keys.pause_all, keys.queue_pause(), *queues, *pauses]
        watched += [] if order.members is None else [keys.queues]
        self.watched: list[Word] = [as_bytes(name) for name in watched]
        members = "-" if order.members is None else "".join(f"{name}\0" for name in order.members)
        self._classes, self._members = wanted.word(), as_bytes(members)
        self.limits = as_bytes(wanted.limits)
        self._id = as_bytes(worker_id)
        self._names = [encode(printable(queue), space.style) for queue in order.queues]
        self.processed = as_bytes(keys.stat("processed", worker_id))
        """The counter of what this worker has settled."""

    def words(self, start: tuple[int, int] = (0, 0)) -> tuple[list[Word], list[Word]]:
        """The keys and arguments of the script for a look from this queue (its index) and offset on."""
        begin = start[0] // PIECE * PIECE
        piece, left = slice(begin, begin + PIECE), self._left
        args: list[Word] = [
            _run_at(int(time.time())), self._classes, b"-" if begin else self._members, start[0] - begin + 1,
            start[1], left.at_a_time, self._id, self.who.started, self.limits, *self._names[piece],
        ]  # fmt: skip
        if left.bookmarks:
            bookmarks = enumerate(map(left.bookmarks.get, self.order.queues[piece]), 1)
            args += [word for n, at in bookmarks if at for word in (n, at.offset, at.mark)]
        return [*self._head, *self._queues[piece], *self._pauses[piece]], args

    def behind(self, start: tuple[int, int]) -> tuple[int, int] | None:
        """Where to go on when the script has seen everything from there on; None if that was all."""
        end = start[0] // PIECE * PIECE + PIECE
        return (end, 0) if end < len(self.order.queues) else None


@lru_cache(maxsize=2)
def _run_at(second: int) -> bytes:
    return times.run_at(second).encode()


@dataclass(frozen=True)
class Answer:
    """The answer of the reserve script: see reserve.lua for the meaning of `what`.

    `queue` counts all queues of the search; `mark` belongs to a bookmark at `offset`. `troubles` is what is
    wrong with single keys; `left` are classes that were left to others, each with the key of its queue, but
    not each time all of them.
    """

    what: str
    queue: int = 0
    offset: int = 0
    mark: bytes = b""
    record: bytes = b""
    elements: Sequence[bytes] = ()
    troubles: Sequence[str] = ()
    left: Sequence[tuple[str, str]] = ()
    limited: tuple[str, float] = ("", 0.0)
    """The class that has to wait, and for how many seconds."""

    @classmethod
    def of(cls, reply: list[Reply], begin: int) -> Answer:
        """Read the reply to a look that began at this queue."""
        what, notes, rest = reply[0].decode(), reply[1], reply[2:]
        troubles: list[str] = []
        left: list[tuple[str, str]] = []
        for note in notes:
            text = note.decode("utf-8", "replace")
            if text.startswith("\0"):
                left.append(text[1:].split("\0", 1))
            else:
                troubles.append(text)
        if what == "job":
            number, record, offset, mark = rest
            return cls(what, begin + number - 1, offset, mark, record, (), troubles, left)
        if what == "held":
            return cls(what, record=rest[0], troubles=troubles, left=left)
        if what == "limited":
            name = rest[0].decode("utf-8", "surrogateescape")
            return cls(what, troubles=troubles, left=left, limited=(name, rest[1] / 1000))
        if what in ("look", "more"):
            number, offset, mark, *elements = rest
            return cls(what, begin + number - 1, offset, mark, b"", elements, troubles, left)
        return cls(what, elements=rest[0] if rest else (), troubles=troubles, left=left)


@dataclass(frozen=True)
class EndedJob:
    """A job to be settled: what `worker:ID` holds, how many were settled before, what its end means.

    `token` is for what is not counted: it must be the same however often it is tried.
    """

    record: bytes
    settled_before: int
    effects: Sequence[Command]
    token: str = ""

    def words(self, prefix: str, who: Registration) -> list[Word]:
        """The arguments of the settle script."""
        effects = flat(self.effects)
        return [prefix, self.record, self.settled_before, who.started, 5 + len(effects), *effects]


NEVER = 1 << 53
"""`settled_before` of something that is not a finished job, and is therefore not counted."""


def reserve(space: Space, search: Search, start: tuple[int, int] = (0, 0)) -> Answer:
    """Look for a job from a queue (its index in the order) and an offset on; reserve the first one wanted."""
    return Answer.of(_reserve.run(space, *search.words(start)), start[0] // PIECE * PIECE)


@dataclass(frozen=True)
class Settled:
    """What became of a settlement: `settled`, `already` ... (see settle.lua); troubles with single keys.

    `count`: how many jobs this worker has settled now, as its counter in Redis says.
    """

    what: str
    troubles: Sequence[str]
    count: int

    @classmethod
    def of(cls, reply: list[Reply]) -> Settled:
        """Read the reply of the script."""
        what, troubles, count = reply
        return cls(what.decode(), [trouble.decode("utf-8", "replace") for trouble in troubles], count)


def settle(space: Space, who: Registration, ended: EndedJob) -> Settled:
    """End the job that `worker:ID` holds; may be sent again after a lost reply."""
    keys = [space.keys.worker(who.id), space.keys.stat("processed", who.id)]
    keys.append(space.keys.worker_started(who.id))
    once = space.keys.once(ended.token)
    if ended.token:
        keys.append(once)
        ended = replace(ended, effects=[*ended.effects, ("SET", once, 1, "EX", REMEMBER_SECONDS)])
    try:
        settled = Settled.of(_settle.run(space, keys, ended.words(space.keys.prefix, who)))
    except BaseException:
        who.unsure = True
        raise
    if ended.token and not who.unsure:
        space.link.forget(once)
    return settled if settled.what == "settled" else _undisputed(space, who, ended, settled)


def advance(space: Space, ended: EndedJob, search: Search) -> tuple[Settled, Answer]:
    """Settle one job and reserve the next in one round trip; may be sent again after a lost reply."""
    who, (keys, args) = search.who, search.words()
    args = [*ended.words(space.keys.prefix, who), *args]
    try:
        reply = _advance.run(space, [search.processed, *keys], args)
    except BaseException:
        who.unsure = True  # it may have taken a job, and may arrive later than we think
        raise
    settled = Settled.of(reply[0])
    if settled.what != "settled":
        settled = _undisputed(space, who, ended, settled)
    return settled, Answer.of(reply[1], 0)


def _undisputed(space: Space, who: Registration, ended: EndedJob, settled: Settled) -> Settled:
    """What became of a settlement that is not simply done, also where another worker has the same id."""
    # The counter tells of a repetition, and nothing was repeated: then somebody else has counted.
    if settled.what == "recounted" or (settled.what == "already" and not who.unsure):
        who.contested = True
    elif settled.what == "gone":
        # Nor would a lesser count be another worker's doing: then Redis came back older than it was.
        who.contested = who.contested or not (who.unsure or settled.count < who.settled)
        return settled
    elif settled.what != "disputed":
        return settled
    # The same token however often it is tried: only `settled` tells two jobs that are alike apart.
    text = f"{who.mark} {who.id} {who.settled} ".encode("utf-8", "surrogateescape") + ended.record
    once = space.keys.once(hashlib.sha1(text).hexdigest())  # noqa: S324 (no secret)
    keys = [space.keys.worker(who.id), space.keys.our_workers, once]
    args = [space.keys.prefix, ended.record, who.id, who.mark, REMEMBER_SECONDS, *flat(ended.effects)]
    what, troubles = _settle_apart.run(space, keys, args)
    return Settled.of([what, troubles, who.settled + 1])


def settled_count(space: Space, who: Registration) -> int:
    """How many jobs a worker has settled, as its counter in Redis says."""
    raw = space.link.execute("GET", space.keys.stat("processed", who.id))
    return int(raw) if digits(raw) else 0


def reserve_element(
    space: Space,
    who: Registration,
    queue: str,
    raw: bytes,
    payload: bytes,
    offset: int = 0,
    limited: tuple[str, Word] = ("", ""),
) -> bytes | None:
    """Take this very element; returns the record that is now in `worker:ID`, None if it cannot be had.

    Args:
        offset: where it was seen.
        limited: its class, and the limits of classes.

    Raises:
        Stranger: the worker is not registered, or another one is under its id.
        Limited: its class has to wait.
    """
    record = working_on_bytes(printable(queue), times.run_at(time.time()), payload, space.style)
    keys = [space.keys.worker(who.id), space.keys.queue(queue), space.keys.workers]
    keys.append(space.keys.worker_started(who.id))
    taken = _reserve_element.run(space, keys, [raw, record, who.id, who.started, offset, *limited])
    if taken < 0:
        raise Stranger(who.id)
    if taken > 1:
        raise Limited(limited[0], (taken - 1) / 1000)
    return record if taken else None


class Limited(Exception):
    """No more jobs of a class may begin now."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name)
        self.name, self.seconds = name, seconds


class Stranger(Exception):
    """A worker asked for a job that is not registered, or that another one has the id of."""


def printable(queue: str) -> str:
    """A queue name as it can be written in JSON: what is not UTF-8 in it is replaced."""
    return queue.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
