"""Taking a job and ending it: each one script, so that a job is always in its queue or in `worker:ID`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pyresque.errors import RedisReplied
from pyresque.store.link import Command, Reply, Word, as_bytes
from pyresque.store.replies import amount, cases, data, exactly, integer, row, words
from pyresque.store.script import Script, flat
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import encode
from pyresque.wire.records import working_on_bytes

_FOUND = cases(
    job=row(data, words, integer(1), data),
    held=row(data, words, data),
    look=row(data, words, integer(1), amount, rest=data),
    more=row(data, words, integer(1), amount),
    queues=row(data, words, words),
    stranger=row(data, words),
    paused=row(data, words),
    none=row(data, words),
)
_SETTLED = row(exactly(b"settled", b"already", b"gone"), words, integer())

_reserve = Script("reserve", uses=("measure",), call="reserve(KEYS, ARGV)", reply=_FOUND)
_claim = Script("claim", reply=integer(-1, 1))
_settle = Script("settle", uses=("effects",), call="settle(KEYS, ARGV)", reply=_SETTLED)
_advance = Script("advance", uses=("effects", "settle", "measure", "reserve"), reply=row(_SETTLED, _FOUND))


@dataclass(frozen=True)
class Order:
    """Where to look: queues in order; `members` is the set of queues it was made from (None: fixed)."""

    queues: tuple[str, ...]
    members: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Wanted:
    """Which classes a worker takes. `every`: all; `ask`: unknown ones are shown to the caller too."""

    names: tuple[str, ...] = ()
    every: bool = False
    ask: bool = False

    def word(self) -> bytes:
        """The form in which the script reads it."""
        if self.every:
            return b"*"
        return (("?" if self.ask else "") + "".join(f"\0{name}" for name in self.names) + "\0").encode()


class Search:
    """A question for the reserve script: whose job, in which order, of which classes; asked many times."""

    def __init__(self, space: Space, worker_id: str, order: Order, wanted: Wanted) -> None:
        keys = space.keys
        self.order = order
        queues, pauses = [*map(keys.queue, order.queues)], [*map(keys.queue_pause, order.queues)]
        names = [keys.worker(worker_id), keys.pause_all, keys.queues, keys.queue_pause(), keys.workers]
        self.keys: list[Word] = [as_bytes(name) for name in (*names, *queues, *pauses)]
        watched = [keys.pause_all, keys.queue_pause(), *queues, *pauses]
        watched += [] if order.members is None else [keys.queues]
        self.watched: list[Word] = [as_bytes(name) for name in watched]
        members = "-" if order.members is None else "".join(f"{name}\0" for name in order.members)
        self._what: list[Word] = [wanted.word(), as_bytes(members)]
        names_as_json: list[Word] = [encode(printable(queue), space.style) for queue in order.queues]
        self._who: list[Word] = [as_bytes(worker_id), *names_as_json]

    def args(self, start: tuple[int, int] = (0, 0)) -> list[Word]:
        """The words of the script for a look from this queue (its place) and offset on."""
        return [_run_at(int(time.time())), *self._what, start[0] + 1, start[1], *self._who]


@lru_cache(maxsize=2)
def _run_at(second: int) -> bytes:
    return times.run_at(second).encode()


@dataclass(frozen=True)
class Answer:
    """What the reserve script said: see reserve.lua for the meaning of `what`."""

    what: str
    troubles: tuple[str, ...] = ()
    queue: int = 0
    offset: int = 0
    record: bytes = b""
    elements: tuple[bytes, ...] = field(default=())


@dataclass(frozen=True)
class Ended:
    """A job to be settled: what `worker:ID` holds, how many were settled before, what its end means."""

    record: bytes
    settled_before: int
    effects: Sequence[Command]

    def args(self, prefix: str) -> list[Word]:
        """The words of the settle script."""
        words = flat(self.effects)
        return [prefix, self.record, self.settled_before, 4 + len(words), *words]


NEVER = -2
"""`settled_before` of something that is no finished job, and is therefore not counted."""


def reserve(space: Space, search: Search, start: tuple[int, int] = (0, 0)) -> Answer:
    """Look for a job from a queue (its place in the order) and an offset on; take the first one wanted."""
    return _answer(_reserve.run(space.link, search.keys, search.args(start)))


@dataclass(frozen=True)
class Settled:
    """What became of a settlement: `settled`, `already`, `gone` (see settle.lua); troubles with single keys.

    `count`: how many jobs this worker has settled now, as its counter in Redis says.
    """

    what: str
    troubles: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, reply: list[Reply]) -> Settled:
        """Read the answer of the script."""
        what, troubles, count = reply
        return cls(what.decode(), _texts(troubles), count)


def settle(space: Space, worker_id: str, ended: Ended) -> Settled:
    """End the job that `worker:ID` holds; may be sent again after a lost reply."""
    keys = [space.keys.worker(worker_id), space.keys.stat(f"processed:{worker_id}")]
    return Settled.of(_settle.run(space.link, keys, ended.args(space.keys.prefix)))


def advance(space: Space, worker_id: str, ended: Ended, search: Search) -> tuple[Settled, Answer]:
    """Settle one job and reserve the next in one round trip; may be sent again after a lost reply."""
    keys = [space.keys.stat(f"processed:{worker_id}"), *search.keys]
    args = [*ended.args(space.keys.prefix), *search.args()]
    settled, found = _advance.run(space.link, keys, args)
    return Settled.of(settled), _answer(found)


def claim(space: Space, worker_id: str, queue: str, raw: bytes, payload: bytes) -> bytes | None:
    """Take this very element; returns the record that now stands in `worker:ID`, None if it is gone.

    Raises:
        Stranger: the worker is not registered.
    """
    record = working_on_bytes(printable(queue), times.run_at(time.time()), payload, space.style)
    keys = [space.keys.worker(worker_id), space.keys.queue(queue), space.keys.workers]
    try:
        taken = _claim.run(space.link, keys, [raw, record, worker_id])
    except RedisReplied as error:
        if "HELD" in str(error):
            return None
        raise
    if taken < 0:
        raise Stranger(worker_id)
    return record if taken else None


class Stranger(Exception):
    """A worker that is not in the books asked for a job."""


def printable(queue: str) -> str:
    """A queue name as it can stand in JSON: a name that is no UTF-8 loses what is none."""
    return queue.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _answer(reply: list[Reply]) -> Answer:
    what, troubles, rest = reply[0].decode(), _texts(reply[1]), reply[2:]
    if what == "job":
        return Answer(what, troubles, rest[0] - 1, record=rest[1])
    if what == "held":
        return Answer(what, troubles, record=rest[0])
    if what == "look":
        return Answer(what, troubles, rest[0] - 1, rest[1], elements=tuple(rest[2:]))
    if what == "more":
        return Answer(what, troubles, rest[0] - 1, rest[1])
    return Answer(what, troubles, elements=tuple(rest[0]) if rest else ())


def _texts(words: list[bytes]) -> tuple[str, ...]:
    return tuple(word.decode("utf-8", "replace") for word in words)
