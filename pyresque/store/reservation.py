"""Taking a job and ending it: each one script, so that a job is always in its queue or in `worker:ID`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pyresque.store.connection.link import Command, Reply, Word, as_bytes
from pyresque.store.connection.replies import amount, cases, data, digits, exactly, integer, row, words
from pyresque.store.effects import flat
from pyresque.store.script import REMEMBER_SECONDS, Script
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
)
_SETTLED = row(exactly(b"settled", b"already", b"recounted", b"gone", b"disputed"), words, integer())

_reserve = Script("reserve", uses=("namesake", "json", "pull"), call="reserve(KEYS, ARGV)", reply=_FOUND)
_claim = Script("claim", uses=("namesake", "pull"), reply=integer(-1, 1))
_settle = Script("settle", uses=("effects", "namesake"), call="settle(KEYS, ARGV)", reply=_SETTLED)
_settle_apart = Script("settle_apart", uses=("effects",), reply=row(exactly(b"settled", b"gone"), words))
_advance = Script(
    "settle_and_reserve",
    uses=("effects", "namesake", "settle", "json", "pull", "reserve"),
    reply=row(_SETTLED, _FOUND),
)

PIECE = 500
"""Queues that one script looks at."""


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


@dataclass(frozen=True)
class Place:
    """How far a queue was looked through: the elements before `offset` were left; `mark`: see reserve.lua."""

    offset: int
    mark: bytes


_NEAR, _SHORT = 200, 1024


def mark_of(raw: bytes, offset: int) -> bytes:
    """The mark of the place behind this element, as reserve.lua makes it; empty if it is not to be kept."""
    if offset < _NEAR:
        return b""
    return raw if len(raw) <= _SHORT else b"%d %b%b" % (len(raw), raw[:400], raw[-400:])


@dataclass
class Left:
    """What a worker has left to others at the beginning of its queues.

    `at_a_time`: how many elements of a form that the script cannot judge the worker wants to see together.
    """

    places: dict[str, Place] = field(default_factory=dict)
    at_a_time: int = 1


class Search:
    """A question for the reserve script: whose job, in which order, of which classes; asked many times."""

    def __init__(
        self, space: Space, who: Registration, order: Order, wanted: Wanted, left: Left | None = None
    ) -> None:
        keys, worker_id = space.keys, who.id
        self.order = order
        self.who, self.worker_id = who, worker_id
        self._left = left or Left()
        queues, pauses = [*map(keys.queue, order.queues)], [*map(keys.queue_pause, order.queues)]
        names = [keys.worker(worker_id), keys.pause_all, keys.queues, keys.queue_pause(), keys.workers]
        names.append(keys.worker_started(worker_id))
        self._head, self._queues = [*map(as_bytes, names)], [*map(as_bytes, queues)]
        self._pauses = [*map(as_bytes, pauses)]
        watched = [keys.pause_all, keys.queue_pause(), *queues, *pauses]
        watched += [] if order.members is None else [keys.queues]
        self.watched: list[Word] = [as_bytes(name) for name in watched]
        members = "-" if order.members is None else "".join(f"{name}\0" for name in order.members)
        self._what: list[Word] = [wanted.word(), as_bytes(members)]
        names_as_json: list[Word] = [encode(printable(queue), space.style) for queue in order.queues]
        self._names = names_as_json

    def keys(self, first: int = 0) -> list[Word]:
        """The keys of the script for a look from this queue on: not many more of them at a time."""
        some = slice(*_piece(first))
        return [*self._head, *self._queues[some], *self._pauses[some]]

    def args(self, start: tuple[int, int] = (0, 0)) -> list[Word]:
        """The words of the script for a look from this queue (its place) and offset on."""
        who, (begin, end) = self.who, _piece(start[0])
        what = self._what if begin == 0 else [self._what[0], "-"]
        return [
            _run_at(int(time.time())), *what, start[0] - begin + 1, start[1], self._left.at_a_time,
            as_bytes(who.id), who.started, *self._names[begin:end], *self._places(begin, end),
        ]  # fmt: skip

    def _places(self, begin: int, end: int) -> list[Word]:
        places = self._left.places
        if not places:
            return []
        found = enumerate(map(places.get, self.order.queues[begin:end]), 1)
        return [word for n, place in found if place for word in (n, place.offset, place.mark)]

    def behind(self, start: tuple[int, int]) -> tuple[int, int] | None:
        """Where to go on when the script has seen everything from there on; None if that was all."""
        end = _piece(start[0])[1]
        return (end, 0) if end < len(self.order.queues) else None


def _piece(queue: int) -> tuple[int, int]:
    begin = queue // PIECE * PIECE
    return begin, begin + PIECE


@lru_cache(maxsize=2)
def _run_at(second: int) -> bytes:
    return times.run_at(second).encode()


@dataclass(frozen=True)
class Answer:
    """What the reserve script said: see reserve.lua for the meaning of `what`.

    `queue` counts all queues of the search; `mark` belongs to the place `offset`.
    """

    what: str
    notes: tuple[str, ...] = ()
    queue: int = 0
    offset: int = 0
    mark: bytes = b""
    record: bytes = b""
    elements: tuple[bytes, ...] = field(default=())

    @property
    def troubles(self) -> list[str]:
        """What is wrong with single keys."""
        return [note for note in self.notes if not note.startswith("\0")]

    @property
    def left(self) -> list[tuple[str, str]]:
        """Classes that were left to others, each with the key of its queue; not each time all of them."""
        found = (note[1:].split("\0", 1) for note in self.notes if note.startswith("\0"))
        return [(name, key) for name, key in found]


@dataclass(frozen=True)
class Ended:
    """A job to be settled: what `worker:ID` holds, how many were settled before, what its end means.

    `token` is for what is not counted: it must be the same however often it is tried.
    """

    record: bytes
    settled_before: int
    effects: Sequence[Command]
    token: str = ""

    def args(self, prefix: str, who: Registration) -> list[Word]:
        """The words of the settle script."""
        words = flat(self.effects)
        return [prefix, self.record, self.settled_before, who.started, 5 + len(words), *words]


NEVER = 1 << 53
"""`settled_before` of something that is no finished job, and is therefore not counted."""


def reserve(space: Space, search: Search, start: tuple[int, int] = (0, 0)) -> Answer:
    """Look for a job from a queue (its place in the order) and an offset on; take the first one wanted."""
    found = _reserve.run(space.link, search.keys(start[0]), search.args(start))
    return _answer(found, _piece(start[0])[0])


@dataclass(frozen=True)
class Settled:
    """What became of a settlement: `settled`, `already` ... (see settle.lua); troubles with single keys.

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


def settle(space: Space, who: Registration, ended: Ended) -> Settled:
    """End the job that `worker:ID` holds; may be sent again after a lost reply."""
    keys = [space.keys.worker(who.id), space.keys.stat("processed", who.id)]
    keys.append(space.keys.worker_started(who.id))
    once = space.keys.once(ended.token)
    if ended.token:
        keys.append(once)
        ended = replace(ended, effects=[*ended.effects, ("SET", once, 1, "EX", REMEMBER_SECONDS)])
    try:
        settled = Settled.of(_settle.run(space.link, keys, ended.args(space.keys.prefix, who)))
    except BaseException:
        who.unsure = True
        raise
    if ended.token and not who.unsure:
        space.link.forget(once)
    return _undisputed(space, who, ended, settled)


def advance(space: Space, ended: Ended, search: Search) -> tuple[Settled, Answer]:
    """Settle one job and reserve the next in one round trip; may be sent again after a lost reply."""
    who = search.who
    keys = [space.keys.stat("processed", who.id), *search.keys()]
    args = [*ended.args(space.keys.prefix, who), *search.args()]
    try:
        settled, found = _advance.run(space.link, keys, args)
    except BaseException:
        who.unsure = True  # it may have taken a job, and may arrive later than we think
        raise
    return _undisputed(space, who, ended, Settled.of(settled)), _answer(found, 0)


def _undisputed(space: Space, who: Registration, ended: Ended, settled: Settled) -> Settled:
    """What became of a settlement, also where another worker works under the same id."""
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
    what, troubles = _settle_apart.run(space.link, keys, args)
    return Settled(what.decode(), _texts(troubles), who.settled + 1)


def settled_count(space: Space, who: Registration) -> int:
    """How many jobs a worker has settled, as its counter in Redis says."""
    raw = space.link.execute("GET", space.keys.stat("processed", who.id))
    return int(raw) if digits(raw) else 0


def claim(
    space: Space, who: Registration, queue: str, raw: bytes, payload: bytes, offset: int = 0
) -> bytes | None:
    """Take this very element; returns the record that now stands in `worker:ID`, None if it cannot be had.

    Args:
        offset: where it was seen.

    Raises:
        Stranger: the worker is not registered, or another one is under its id.
    """
    record = working_on_bytes(printable(queue), times.run_at(time.time()), payload, space.style)
    keys = [space.keys.worker(who.id), space.keys.queue(queue), space.keys.workers]
    keys.append(space.keys.worker_started(who.id))
    taken = _claim.run(space.link, keys, [raw, record, who.id, who.started, offset])
    if taken < 0:
        raise Stranger(who.id)
    return record if taken else None


class Stranger(Exception):
    """A worker asked for a job that is not in the books, or that another one has the id of."""


def printable(queue: str) -> str:
    """A queue name as it can stand in JSON: a name that is no UTF-8 loses what is none."""
    return queue.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _answer(reply: list[Reply], begin: int) -> Answer:
    what, notes, rest = reply[0].decode(), _texts(reply[1]), reply[2:]
    if what == "job":
        number, record, offset, mark = rest
        return Answer(what, notes, begin + number - 1, offset, mark, record)
    if what == "held":
        return Answer(what, notes, record=rest[0])
    if what in ("look", "more"):
        number, offset, mark, *elements = rest
        return Answer(what, notes, begin + number - 1, offset, mark, elements=tuple(elements))
    return Answer(what, notes, elements=tuple(rest[0]) if rest else ())


def _texts(words: list[bytes]) -> tuple[str, ...]:
    return tuple(word.decode("utf-8", "replace") for word in words)
