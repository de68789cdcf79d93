"""Delayed jobs on the keys of resque-scheduler (scheduler.md 1 to 5).

A job stands in the list `delayed:EPOCH`, this second in the sorted set `delayed_queue_schedule`, and the
name of the list in the set `timestamps:ITEM`. Ruby writes the three one after the other; each function
here is one script, which may be sent again after a lost reply.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.store.link import Command, Word
from pyresque.store.locks import Guard
from pyresque.store.replies import (
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
from pyresque.store.script import REMEMBER_SECONDS, Once, Script, flat
from pyresque.store.space import Space

_delay = Script("delay", reply=amount)
_take = Script(
    "take",
    uses=("effects", "held", "guard", "place"),
    reply=either(row(exactly(0)), row(exactly(1), words, flag, rest=amount)),
)
_drain = Script(
    "drain",
    uses=("effects", "measure", "canonical"),
    reply=cases(
        lost=row(data, words, amount),
        more=row(data, words, amount),
        look=row(data, words, amount, pairs),
        done=row(data, words, amount, either(exactly(b""), fraction)),
    ),
)
_reset = Script("reset", reply=amount)
_forget = Script("forget", reply=flag)

BATCH = 100
"""Jobs that are moved in one step, unless another number is given (as in Ruby)."""
READ = 1000
"""Jobs of one list that are read at a time."""
CHUNK = 5000
"""Jobs that one script takes at most, so that it never holds Redis up for long."""

Place = tuple[bytes, bytes]
"""Where a delayed job stands: the name of its list, `delayed:EPOCH`, and its exact bytes."""


@dataclass(frozen=True)
class Job:
    """A job in the two forms that it can be written in: delayed, and on its queue."""

    item: bytes
    queue: str
    payload: bytes


@dataclass(frozen=True)
class Taking:
    """Copies (0: all) of a delayed job that are to leave its list.

    `payload` goes to `queue` for each of them, if there is one, unless one of the `guards` refuses it: then
    they go away, or stay (`keep`). `effects` are what else there is to do.
    """

    place: Place
    queue: str = ""
    payload: bytes = b""
    copies: int = 0
    effects: Sequence[Command] = ()
    guards: Sequence[Guard] = ()
    keep: bool = False

    @property
    def words(self) -> list[Word]:
        """As the script reads it."""
        guards, effects = [word for one in self.guards for word in one.words], flat(self.effects)
        job: list[Word] = [
            *self.place,
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
class Claim:
    """The right to move due jobs: the lock, what it holds while it is ours, and for how long to renew it."""

    key: str = ""
    value: str = ""
    milliseconds: int = 0


NOBODY = Claim()
"""For who moves jobs without being master."""


@dataclass(frozen=True)
class Drained:
    """What one step of moving due jobs did.

    `what`: `lost` (the lock is another's), `more` (call again), `look` (`places` are the next jobs, from the
    first on that the caller must judge), `done` (nothing more is due; `next` is the next second).
    """

    what: str
    moved: int
    troubles: list[str]
    places: list[Place]
    next: float | None


def delay(
    space: Space,
    epoch: int | None,
    job: Job,
    instead_of: Sequence[Place] = (),
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
    args: list[Word] = [REMEMBER_SECONDS, keys.prefix, "" if epoch is None else epoch, job.item, job.queue]
    args += [job.payload, copies, least, *(word for place in instead_of for word in place)]
    with Once(space.link, keys.prefix) as once:
        return int(_delay.run(space.link, [once, *names], args))


def take(
    space: Space,
    takings: Sequence[Taking],
    claim: Claim = NOBODY,
    *,
    tidy: bool = False,
    following: Place | None = None,
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
    last = max(0, len(takings) - 1) // CHUNK * CHUNK
    for first in range(0, last + 1, CHUNK):
        place = following if first == last and following is not None else (b"", b"")
        args: list[Word] = [REMEMBER_SECONDS, space.keys.prefix, claim.value, claim.milliseconds, int(tidy)]
        args += [*place, int(time.time())]
        for one in takings[first : first + CHUNK]:
            args += one.words
        with Once(space.link, space.keys.prefix) as once:
            keys = [once, space.keys.delayed_schedule, space.keys.queues, claim.key or once]
            done, *answer = _take.run(space.link, keys, args)
        if not done:
            return None
        troubles += texts(answer[0])
        follows = bool(answer[1])
        counts += answer[2::2]
        refused += map(bool, answer[3::2])
    return Taken(counts, refused, troubles, follows)


def stands(space: Space, place: Place) -> bool:
    """Whether a delayed job is still there, for who is about to run its code."""
    answer = take(space, [], following=place)
    return answer is not None and answer.follows


def drain(space: Space, now: int, claim: Claim, shown: Sequence[str], batch: int = BATCH) -> Drained:
    """Move a batch of due jobs to their queues, in one step.

    Args:
        now: seconds since the epoch; what is due later stays.
        shown: classes whose jobs the caller wants to judge.
    """
    keys = [space.keys.delayed_schedule, space.keys.queues, claim.key or space.keys.queues]
    names = "".join(f"\0{name}" for name in shown) + "\0" if shown else ""
    args: list[Word] = [space.keys.prefix, now, claim.value, claim.milliseconds, names, max(1, batch)]
    what, troubles, moved, *rest = _drain.run(space.link, keys, args)
    kind = what.decode()
    places = list(zip(rest[0][::2], rest[0][1::2], strict=True)) if kind == "look" else []
    following = float(rest[0]) if kind == "done" and rest[0] else None
    return Drained(kind, int(moved), texts(troubles), places, following)


def forget_if_empty(space: Space, epoch: int) -> None:
    """Take a second out of the books if no job is delayed until then (scheduler.md 5.3)."""
    _forget.run(space.link, [space.keys.delayed(epoch), space.keys.delayed_schedule], [epoch])


def reset(space: Space) -> int:
    """Forget every delayed job; returns how many there were."""
    with Once(space.link, space.keys.prefix) as once:
        args: list[Word] = [REMEMBER_SECONDS, space.keys.prefix]
        return int(_reset.run(space.link, [once, space.keys.delayed_schedule], args))


def seconds(space: Space, start: int = 0, count: int | None = None) -> list[bytes]:
    """The seconds in the books, in order, as they are written there."""
    stop = -1 if count is None else start + count - 1
    return list(space.link.execute("ZRANGE", space.keys.delayed_schedule, start, stop))


def seconds_known(space: Space) -> int:
    """How many seconds are in the books, those of emptied lists too."""
    return int(space.link.execute("ZCARD", space.keys.delayed_schedule))


def first_second(space: Space, until: int) -> bytes | None:
    """The first second in the books that is not after `until`."""
    words = ("ZRANGEBYSCORE", space.keys.delayed_schedule, "-inf", until, "LIMIT", 0, 1)
    found: list[bytes] = space.link.execute(*words)
    return found[0] if found else None


def sizes(space: Space, names: Sequence[bytes]) -> list[int]:
    """How many jobs stand in each of these lists (`EPOCH`); a key that is no list counts as 0."""
    found: list[int] = []
    for first in range(0, len(names), READ):
        commands = [("LLEN", _key(space, b"delayed:" + name)) for name in names[first : first + READ]]
        replies = space.link.execute_many(commands)
        found += [0 if isinstance(reply, RedisError) else int(reply) for reply in replies]
    return found


def items(space: Space, epoch: int, start: int = 0, count: int | None = None) -> list[bytes]:
    """Jobs of one second, in order."""
    stop = -1 if count is None else start + count - 1
    return list(space.link.execute("LRANGE", space.keys.delayed(epoch), start, stop))


def each(space: Space) -> Iterator[Place]:
    """Every delayed job, by time and in order; read piece by piece."""
    names = [b"delayed:" + name for name in seconds(space)]
    for first in range(0, len(names), 100):
        chunk = names[first : first + 100]
        replies = space.link.execute_many([("LRANGE", _key(space, name), 0, READ - 1) for name in chunk])
        for name, reply in zip(chunk, replies, strict=True):
            place = 0
            while not isinstance(reply, RedisError):
                yield from ((name, item) for item in reply)
                place += READ
                if len(reply) < READ:
                    break
                reply = space.link.execute("LRANGE", _key(space, name), place, place + READ - 1)


def _key(space: Space, name: bytes) -> bytes:
    return space.keys.prefix.encode() + name


def texts(raws: Sequence[bytes]) -> list[str]:
    """What a script tells of keys that it could not use."""
    return [raw.decode("utf-8", "backslashreplace") for raw in raws]
