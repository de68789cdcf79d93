"""Taking a job and ending it: each one script, so that a job is always in its queue or in `worker:ID`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyresque.errors import RedisReplied
from pyresque.store.link import Command, Reply
from pyresque.store.script import Script, flat
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import encode
from pyresque.wire.records import working_on_bytes

_reserve = Script("reserve")
_claim = Script("claim")
_settle = Script("settle", uses=("effects",))


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

    def word(self) -> str:
        """The form in which the script reads it."""
        if self.every:
            return "*"
        return ("?" if self.ask else "") + "".join(f"\0{name}" for name in self.names) + "\0"


@dataclass(frozen=True)
class Answer:
    """What the reserve script said: see reserve.lua for the meaning of `what`."""

    what: str
    troubles: tuple[str, ...] = ()
    queue: int = 0
    offset: int = 0
    record: bytes = b""
    elements: tuple[bytes, ...] = field(default=())


def reserve(
    space: Space, worker_id: str, order: Order, wanted: Wanted, start: tuple[int, int] = (0, 0)
) -> Answer:
    """Look for a job from a queue (its place in the order) and an offset on; take the first one wanted."""
    keys = space.keys
    members = "-" if order.members is None else "".join(f"{name}\0" for name in order.members)
    reply = _reserve.run(
        space.link,
        [keys.worker(worker_id), keys.pause_all, keys.queues, *map(keys.queue, order.queues)],
        [
            times.run_at(time.time()),
            wanted.word(),
            members.encode("utf-8", "surrogateescape"),
            start[0] + 1,
            start[1],
            *(encode(_printable(queue), space.style) for queue in order.queues),
        ],
    )
    return _answer(reply)


def _printable(queue: str) -> str:
    return queue.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _answer(reply: list[Reply]) -> Answer:
    what = reply[0].decode()
    troubles = tuple(text.decode("utf-8", "replace") for text in reply[1])
    rest = reply[2:]
    if what == "job":
        return Answer(what, troubles, rest[0] - 1, record=rest[1])
    if what == "held":
        return Answer(what, troubles, record=rest[0])
    if what == "look":
        return Answer(what, troubles, rest[0] - 1, rest[1], elements=tuple(rest[2:]))
    if what == "more":
        return Answer(what, troubles, rest[0] - 1, rest[1])
    return Answer(what, troubles, elements=tuple(rest))


def claim(space: Space, worker_id: str, queue: str, raw: bytes, payload: bytes) -> bytes | None:
    """Take this very element; returns the record that now stands in `worker:ID`, None if it is gone."""
    record = working_on_bytes(_printable(queue), times.run_at(time.time()), payload, space.style)
    keys = [space.keys.worker(worker_id), space.keys.queue(queue)]
    try:
        return record if _claim.run(space.link, keys, [raw, record]) else None
    except RedisReplied as error:
        if "BUSY" in str(error):
            return None
        raise


def settle(
    space: Space, worker_id: str, record: bytes, settled_before: int, effects: Sequence[Command]
) -> tuple[str, tuple[str, ...]]:
    """End the job that `worker:ID` holds; may be sent again after a lost reply.

    Returns what was found (`settled`, `already`, `gone`: see settle.lua) and troubles with single keys.
    """
    keys = [space.keys.worker(worker_id), space.keys.stat(f"processed:{worker_id}")]
    what, troubles = _settle.run(
        space.link, keys, [space.keys.prefix, record, settled_before, *flat(effects)]
    )
    return what.decode(), tuple(text.decode("utf-8", "replace") for text in troubles)
