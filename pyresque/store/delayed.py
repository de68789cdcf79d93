"""Delayed jobs on the keys of resque-scheduler (docs/protocol/scheduler.md#keys).

A job is in the list `delayed:EPOCH`, this second in the sorted set `delayed_queue_schedule`, and the
name of the list in the set `timestamps:ITEM`. Ruby writes the three one after the other; each function
here is one script, which may be sent again after a lost reply.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.keys import DELAYED
from pyresque.store.connection.link import Command, Word
from pyresque.store.connection.replies import (
    amount,
    cases,
    data,
    either,
    exactly,
    flag,
    fraction,
    pairs,
    row,
    words,
)
from pyresque.store.locks import Guard
from pyresque.store.removal import weed
from pyresque.store.script import Script, flat
from pyresque.store.space import Space

_delay = Script("delay", reply=amount, once=True)
_take = Script(
    "take_delayed",
    uses=("effects", "lock_holders", "guards"),
    reply=either(row(exactly(0)), row(exactly(1), words, flag, rest=amount)),
    once=True,
)
_drain = Script(
    "move_due",
    uses=("effects", "json", "delayed_item"),
    reply=cases(
        lost=row(data, words, amount),
        more=row(data, words, amount),
        look=row(data, words, amount, pairs),
        done=row(data, words, amount, either(exactly(b""), fraction)),
    ),
)
_forget = Script("forget_second", reply=flag)

BATCH = 100
"""Jobs that are moved in one step, unless another number is given (as in Ruby)."""
READ = 1000
"""Jobs of one list that are read at a time."""
FIRST = 100
"""The same where many lists are read together: mostly there are few in each."""
CHUNK = 1000
"""Jobs that one script takes at most, so that it never holds Redis up for long."""
COMPARED = 1_000_000
"""Elements that it has to pass on its way to them, at the worst."""

Element = tuple[bytes, bytes]
"""Where a delayed job is: the name of its list, `delayed:EPOCH`, and its exact bytes."""


@dataclass(frozen=True)
class Job:
    """A job in the two forms that it can be written in: delayed, and on its queue."""

    item: bytes
    queue: str
    payload: bytes


@dataclass(frozen=True)
class Move:
    """Copies (0: all) of a delayed job that are to leave its list.

    `payload` goes to `queue` for each of them, if there is one, unless one of the `guards` refuses it: then
    they go away, or stay (`keep`). `effects` are what else there is to do.
    """

    element: Element
    queue: str = ""
    payload: bytes = b""
    copies: int = 0
    effects: Sequence[Command] = ()
    guards: Sequence[Guard] = ()
    keep: bool = False

    @property
    def words(self) -> list[Word]:
        """As the script reads it."""
        guards, effects = [word for guard in self.guards for word in guard.words], flat(self.effects)
        job: list[Word] = [
            *self.element,
            self.copies,
            self.queue,
            self.payload,
            "keep" if self.keep else "drop",
        ]
        return [*job, len(self.guards), *guards, len(effects), *effects]


@dataclass(frozen=True)
class Taken:
    """What became of jobs.

    `counts`: how many copies of each were taken. `refused`: which were not pushed because of a guard.
    `troubles`: what went wrong. `follows`: whether the following job is there.
    """

    counts: list[int]
    refused: list[bool]
    troubles: list[str]
    follows: bool


@dataclass(frozen=True)
class Lease:
    """The right to move due jobs: the lock, what it holds while it is ours, and for how long to renew it."""

    key: str = ""
    value: str = ""
    milliseconds: int = 0


NO_LEASE = Lease()
"""For who moves jobs without being master."""


@dataclass(frozen=True)
class MovedBatch:
    """What one step of moving due jobs did.

    `what`: `lost` (the lock is another's), `more` (call again), `look` (`places` are the next jobs, from the
    first on that the caller must judge), `done` (nothing more is due; `next` is the next second).
    """

    what: str
    moved: int
    troubles: list[str]
    elements: list[Element]
    next: float | None


def delay(
    space: Space,
    epoch: int | None,
    job: Job,
    instead_of: Sequence[Element] = (),
    *,
    copies: int = 0,
    least: int = 1,
) -> int:
    """Delay a job until this second; None puts it on its queue now.

    Args:
        instead_of: delayed jobs that go away; the job is written as often as these were found.
        copies: how many of each go (0: all).
        least: how often it is written at least.

    Returns:
        How often it was written.
    """
    keys = space.keys
    names: list[Word] = [
        keys.delayed(epoch or 0), keys.timestamps(job.item), keys.delayed_schedule, keys.queues,
        keys.queue(job.queue),
    ]  # fmt: skip
    args: list[Word] = [keys.prefix, "" if epoch is None else epoch, job.item, job.queue]
    args += [job.payload, copies, least, *(word for element in instead_of for word in element)]
    return int(_delay.run(space, names, args))


def take(
    space: Space,
    moves: Sequence[Move],
    lease: Lease = NO_LEASE,
    *,
    tidy: bool = False,
    following: Element | None = None,
) -> Taken | None:
    """Take delayed jobs out of their lists.

    Args:
        tidy: forget the second of a list that has become empty (Ruby does that at a drain).
        following: the next job, for who is about to run its code. A Redis that takes no writes refuses now,
            and not when the code has run.

    Returns:
        None if the lock is another's.

    Raises:
        RedisReplied: a guard holds something else than a lock; nothing was done.
    """
    counts: list[int] = []
    refused: list[bool] = []
    troubles: list[str] = []
    chunk = _chunk(space, moves)
    last = max(0, len(moves) - 1) // chunk * chunk
    for first in range(0, last + 1, chunk):
        element = following if first == last and following is not None else (b"", b"")
        args: list[Word] = [space.keys.prefix, lease.value, lease.milliseconds, int(tidy)]
        args += [*element, int(time.time())]
        for move in moves[first : first + chunk]:
            args += move.words
        keys = [space.keys.delayed_schedule, space.keys.queues, lease.key or space.keys.queues]
        done, *answer = _take.run(space, keys, args)
        if not done:
            return None
        troubles += texts(answer[0])
        follows = bool(answer[1])
        counts += answer[2::2]
        refused += map(bool, answer[3::2])
    return Taken(counts, refused, troubles, follows)


def _chunk(space: Space, moves: Sequence[Move]) -> int:
    """How many of these one script may take: each may have to be looked for in the whole of its list."""
    if len(moves) <= 10:
        return CHUNK
    names = list(dict.fromkeys(_second(move.element[0]) for move in moves))
    return max(10, min(CHUNK, COMPARED // max(1, *sizes(space, names))))


def stands(space: Space, element: Element) -> bool:
    """Whether a delayed job is still there, for who is about to run its code."""
    answer = take(space, [], following=element)
    return answer is not None and answer.follows


def move_due(space: Space, now: int, lease: Lease, shown: Sequence[str], batch: int = BATCH) -> MovedBatch:
    """Move a batch of due jobs to their queues, in one step.

    Args:
        now: seconds since the epoch; what is due later stays.
        shown: classes whose jobs the caller wants to judge.
    """
    keys = [space.keys.delayed_schedule, space.keys.queues, lease.key or space.keys.queues]
    names = "".join(f"\0{name}" for name in shown) + "\0" if shown else ""
    args: list[Word] = [space.keys.prefix, now, lease.value, lease.milliseconds, names, max(1, batch)]
    what, troubles, moved, *rest = _drain.run(space, keys, args)
    kind = what.decode()
    elements = list(zip(rest[0][::2], rest[0][1::2], strict=True)) if kind == "look" else []
    following = float(rest[0]) if kind == "done" and rest[0] else None
    return MovedBatch(kind, int(moved), texts(troubles), elements, following)


def forget_if_empty(space: Space, second: int | bytes) -> bool:
    """Remove a second from `delayed_queue_schedule` if no job is delayed until then; whether it was there.

    See docs/protocol/scheduler.md#cleaning-up-a-bucket.

    Args:
        second: its number, or what stands there in the place of one.
    """
    name = b"%d" % second if isinstance(second, int) else second
    return bool(_forget.run(space, [_key(space, _list(name)), space.keys.delayed_schedule], [name]))


def remove(
    space: Space,
    name: bytes,
    items: Collection[bytes],
    effects: Callable[[bytes], list[Command]] | None = None,
    *,
    tidy: bool = False,
    gone: Callable[[bytes], object] | None = None,
) -> int:
    """Remove every copy of these jobs from one list, `delayed:EPOCH`, in one pass; returns how many went.

    Args:
        effects: what else the removal of a job means.
        tidy: forget its second if it has become empty.
        gone: is called with each job that went.
    """

    def doom(item: bytes) -> Sequence[Command] | None:
        if item not in items:
            return None
        return [("SREM", space.keys.timestamps(item), name), *(effects(item) if effects else [])]

    removed = weed(space, _key(space, name), doom, gone=gone)
    if tidy:
        keys: list[Word] = [_key(space, name), space.keys.delayed_schedule]
        _forget.run(space, keys, [_second(name)])
    return removed


def seconds(space: Space, start: int = 0, count: int | None = None) -> list[bytes]:
    """The seconds in `delayed_queue_schedule`, in order, as they are written there."""
    stop = -1 if count is None else start + count - 1
    return list(space.link.execute("ZRANGE", space.keys.delayed_schedule, start, stop))


def all_seconds(space: Space) -> list[bytes]:
    """The same, all of them, read piece by piece: by their scores, for seconds come and go meanwhile."""
    seconds_seen: dict[bytes, None] = {}
    words, least, above = ("ZRANGEBYSCORE", space.keys.delayed_schedule), b"-inf", 0
    while True:
        options = ("+inf", "WITHSCORES", "LIMIT", above, READ)
        piece: list[bytes] = space.link.execute(*words, least, *options)
        seconds_seen.update(dict.fromkeys(piece[::2]))
        if len(piece) < 2 * READ:
            return list(seconds_seen)
        # Those of the last score may go on behind this piece.
        above = above + READ if piece[-1] == least else piece[1::2].count(piece[-1])
        least = piece[-1]


def jobs_until(space: Space, until: float | None, most: int) -> tuple[int, bool]:
    """How many jobs are delayed until this moment (None: any); whether more seconds than `most` hold them.

    Of the seconds behind those it is not asked how many jobs they have: each counts as one.
    """
    limit: Word = "+inf" if until is None else until
    words = ("ZRANGEBYSCORE", space.keys.delayed_schedule, "-inf", limit)
    total, seconds_seen = 0, list[bytes]()
    while len(seconds_seen) < most:
        piece: list[bytes] = space.link.execute(*words, "LIMIT", len(seconds_seen), READ)
        total += sum(sizes(space, piece))
        seconds_seen += piece
        if len(piece) < READ:
            return total, False
    known = int(space.link.execute("ZCOUNT", space.keys.delayed_schedule, "-inf", limit))
    return total + max(0, known - len(seconds_seen)), known > len(seconds_seen)


def seconds_known(space: Space) -> int:
    """How many seconds `delayed_queue_schedule` has, those of emptied lists too."""
    return int(space.link.execute("ZCARD", space.keys.delayed_schedule))


def first_second(space: Space, until: int) -> bytes | None:
    """The first second in `delayed_queue_schedule` that is not after `until`."""
    words = ("ZRANGEBYSCORE", space.keys.delayed_schedule, "-inf", until, "LIMIT", 0, 1)
    first: list[bytes] = space.link.execute(*words)
    return first[0] if first else None


def sizes(space: Space, names: Sequence[bytes]) -> list[int]:
    """How many jobs are in each of these lists (`EPOCH`); a key that is not a list counts as 0."""
    counts: list[int] = []
    for first in range(0, len(names), READ):
        commands = [("LLEN", _key(space, _list(name))) for name in names[first : first + READ]]
        replies = space.link.execute_many(commands)
        counts += [0 if isinstance(reply, RedisError) else int(reply) for reply in replies]
    return counts


def items(space: Space, epoch: int, start: int = 0, count: int | None = None) -> list[bytes]:
    """Jobs of one second, in order."""
    stop = -1 if count is None else start + count - 1
    return list(space.link.execute("LRANGE", space.keys.delayed(epoch), start, stop))


def each(space: Space, some: Sequence[bytes] | None = None) -> Iterator[Element]:
    """Every delayed job, of all seconds or some, by time and in order; read piece by piece."""
    names = [_list(name) for name in (all_seconds(space) if some is None else some)]
    for first in range(0, len(names), 100):
        chunk = names[first : first + 100]
        replies = space.link.execute_many([("LRANGE", _key(space, name), 0, FIRST - 1) for name in chunk])
        for name, reply in zip(chunk, replies, strict=True):
            element, step = 0, FIRST
            while not isinstance(reply, RedisError):
                yield from ((name, item) for item in reply)
                element += step
                if len(reply) < step:
                    break
                step = READ
                reply = space.link.execute("LRANGE", _key(space, name), element, element + step - 1)


def _key(space: Space, name: bytes) -> bytes:
    return space.keys.prefix.encode() + name


def _list(second: bytes) -> bytes:
    """The name of the list of a second as `delayed_queue_schedule` holds it: anybody may have written it."""
    return DELAYED.encode() + second


def _second(name: bytes) -> bytes:
    return name.removeprefix(DELAYED.encode())


def texts(raws: Sequence[bytes]) -> list[str]:
    """What a script tells of keys that it could not use."""
    return [raw.decode("utf-8", "backslashreplace") for raw in raws]
