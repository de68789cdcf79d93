"""Workers: registration, heartbeat, who exists and what each works on.

See docs/protocol/core.md#worker-ids.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyresque.errors import RedisError, RedisReplied
from pyresque.store import locks
from pyresque.store.connection.link import Command, Reply, Word
from pyresque.store.connection.replies import digits, flag, integer, row, words
from pyresque.store.script import Script, flat
from pyresque.store.space import Space
from pyresque.system.processes import WORD_LENGTH
from pyresque.wire import times

_claim_ids = Script("claim_worker_ids", uses=("effects",), reply=row(flag, words))
_register = Script("register_worker", uses=("effects", "namesake"), reply=row(flag, words))
_release_id = Script("release_worker_id", reply=flag)
_retire = Script("retire_worker", uses=("effects", "namesake"), reply=row(integer(-1, 1), words), once=True)

_COUNTED = ("processed", "failed")
_FEW = 500
"""Up to so many workers are asked for one by one, and not with all others."""


@dataclass(eq=False)
class Registration:
    """Who a worker is in Redis, and what tells it from another one that would have the same id.

    Containers may share a host name, and in each the worker is process 1. So `pyresque:workers` holds a mark
    for each of our ids: where its pid is valid, and the word of its process. Ruby knows nothing of that, but
    it writes `worker:ID:started` when it registers: its value tells it from us, unless it came in the
    same second. Then it shows by what it does.

    Args:
        host: the host name, as it is in the id.
        tail: the rest of the id, `pid:queues`.
        mark: what `pyresque:workers` holds for it.
        started: what it wrote to `worker:ID:started`; empty as long as it has not registered.
        settled: how many jobs it has settled under this id.
        unsure: a reply was lost, so a job in `worker:ID` that it does not know of may be its own.
        contested: something showed that another worker works under this id.
    """

    host: str
    tail: str
    mark: str = ""
    started: str = ""
    settled: int = 0
    unsure: bool = False
    contested: bool = False

    id: str = field(init=False)
    """The worker id, `host:pid:queues`."""

    def __post_init__(self) -> None:
        self.call_itself(self.host)

    def call_itself(self, host: str) -> None:
        """Take the id with this host name."""
        self.host, self.id = host, f"{host}:{self.tail}"

    def become(self, other: Registration) -> None:
        """Go on under another id, which was claimed and registered."""
        self.call_itself(other.host)
        self.started, self.settled = other.started, 0
        self.unsure = self.contested = False


@dataclass(frozen=True)
class Seen:
    """What Redis says of an id: whether it is registered, its mark, its last beat, its job (empty: none).

    `beat` is None where that cannot be told: the key holds something else.
    """

    registered: bool
    mark: str
    beat: str | None
    working: bytes

    @property
    def is_free(self) -> bool:
        """Whether there is no trace of a worker."""
        return not (self.registered or self.mark or self.beat or self.working)


def mark_of(process_space: str, word: str) -> str:
    """What `pyresque:workers` holds for a worker: where its pid is valid, and the word of its process."""
    return f"{process_space}#{word}"


def space_in(mark: str) -> str:
    """The system in which a worker's pid is valid, by its mark; 0.1.0 wrote no word behind it."""
    return mark.partition("#")[0]


def birth_in(mark: str) -> str:
    """When a worker's process began, by its mark; empty where it does not tell."""
    return mark.partition("#")[2][WORD_LENGTH:]


def redis_time(space: Space) -> int:
    """The clock of the Redis server, seconds since the epoch."""
    return int(space.link.execute("TIME")[0])


def look(space: Space, worker_ids: Sequence[str]) -> list[Seen]:
    """What Redis says of these ids."""
    keys = space.keys
    commands: list[Command] = []
    for worker_id in worker_ids:
        commands += [
            ("SISMEMBER", keys.workers, worker_id),
            ("HGET", keys.our_workers, worker_id),
            ("HGET", keys.heartbeats, worker_id),
            ("GET", keys.worker(worker_id)),
        ]
    replies = space.link.execute_many(commands)
    return [_seen(*replies[index : index + 4]) for index in range(0, len(replies), 4)]


def _seen(registered: Reply, mark: Reply, beat: Reply, working: Reply) -> Seen:
    at = None if isinstance(beat, RedisError) else _text(beat)
    return Seen(registered == 1, _text(mark), at, working if isinstance(working, bytes) else b"")


def claim_ids(space: Space, claims: Sequence[tuple[Registration, Seen]]) -> bool:
    """Make ids ours, all or none, and beat for them; False if one is not as it was seen any more.

    What a predecessor has left under them (but for its job) is forgotten. May be sent again.
    """
    keys = space.keys
    names = [keys.workers, keys.heartbeats, keys.our_workers]
    args: list[Word] = [times.heartbeat(redis_time(space))]
    for registration, seen in claims:
        names += [
            keys.worker_started(registration.id),
            *(keys.stat(name, registration.id) for name in _COUNTED),
        ]
        args += [
            registration.id,
            registration.mark,
            int(seen.registered),
            seen.mark,
            seen.beat or "",
        ]
    done, _ = _claim_ids.run(space, names, args)
    return bool(done)


def register(space: Space, registration: Registration, now: float) -> bool:
    """Register a worker of ours, for the first time or again; False if another has its id.

    Raises:
        RedisReplied: one of the keys holds something else.
    """
    keys = space.keys
    if not registration.started:
        registration.started = times.started(now)
    names = [keys.workers, keys.our_workers, keys.worker_started(registration.id)]
    done, troubles = _register.run(space, names, [registration.id, registration.mark, registration.started])
    if troubles:
        raise RedisReplied("; ".join(trouble.decode("utf-8", "replace") for trouble in troubles))
    return bool(done)


def release_id(space: Space, registration: Registration) -> None:
    """Leave an id to the other worker that has registered under it."""
    _release_id.run(space, [space.keys.our_workers], [registration.id, registration.mark])


def beat(space: Space, members: Sequence[Registration]) -> list[Registration]:
    """Write heartbeats with the clock of Redis; returns those that are not registered any more."""
    now, keys = times.heartbeat(redis_time(space)), space.keys
    beats = [word for member in members for word in (member.id, now)]
    names = [member.id for member in members]
    commands: list[Command] = [("HSET", keys.heartbeats, *beats), ("HMGET", keys.our_workers, *names)]
    commands.append(("SMISMEMBER", keys.workers, *names))
    written, marks, there = space.link.execute_many(commands)
    if isinstance(there, RedisReplied):  # a server older than 6.2
        there = [space.link.execute("SISMEMBER", keys.workers, member) for member in names]
    for reply in (written, there):
        if isinstance(reply, RedisError):
            raise reply
    for member, mark in zip(members, [] if isinstance(marks, RedisError) else marks, strict=False):
        member.contested |= _text(mark) not in ("", member.mark)
    return [member for member, known in zip(members, there, strict=True) if not known]


def ids(space: Space) -> list[str]:
    """The ids of all registered workers, sorted."""
    names: Iterable[bytes] = space.link.execute("SMEMBERS", space.keys.workers)
    return sorted(name.decode("utf-8", "surrogateescape") for name in names)


def is_registered(space: Space, worker_id: str) -> bool:
    """Whether a worker is registered."""
    return bool(space.link.execute("SISMEMBER", space.keys.workers, worker_id))


def ours(space: Space) -> dict[str, str]:
    """The workers that are pyresque's, and the mark of each: where its pid is valid, and since when."""
    return marks(space) or {}


def marks(space: Space) -> dict[str, str] | None:
    """The same; None where somebody has put something else there, so that we know of none."""
    try:
        return _hash(space, space.keys.our_workers)
    except RedisReplied:
        return None


def forget_ours(space: Space, gone: Sequence[str]) -> None:
    """Remove from our own list workers that somebody else has unregistered."""
    if gone:
        space.link.execute("HDEL", space.keys.our_workers, *gone)


def times_recovered(space: Space, digest: str) -> int:
    """How often a job was taken from a dead worker and put back lately; very often, if nobody can count."""
    try:
        raw: bytes | None = space.link.execute("GET", space.keys.recovered(digest))
    except RedisReplied:
        return sys.maxsize
    return 0 if raw is None else int(raw) if digits(raw) else sys.maxsize


def heartbeats(space: Space) -> dict[str, str]:
    """The last beat of every worker, as written."""
    return _hash(space, space.keys.heartbeats)


def beats_and_marks(space: Space, worker_ids: Sequence[str]) -> tuple[dict[str, str], dict[str, str] | None]:
    """The heartbeats and marks of these workers; of few, not all are read. Marks may be None (`marks`)."""
    if len(worker_ids) > _FEW:
        return heartbeats(space), marks(space)
    keys = space.keys
    beats, own = space.link.execute_many(
        [("HMGET", keys.heartbeats, *worker_ids), ("HMGET", keys.our_workers, *worker_ids)]
    )
    if isinstance(beats, RedisError):
        raise beats
    if isinstance(own, RedisError) and not isinstance(own, RedisReplied):
        raise own
    return _by_id(worker_ids, beats), None if isinstance(own, RedisReplied) else _by_id(worker_ids, own)


def _by_id(worker_ids: Sequence[str], values: Sequence[bytes | None]) -> dict[str, str]:
    pairs = zip(worker_ids, values, strict=True)
    return {worker_id: _text(value) for worker_id, value in pairs if value is not None}


def working_on(space: Space, worker_ids: Sequence[str]) -> list[bytes]:
    """The value of `worker:ID` of each worker; empty where there is none."""
    if not worker_ids:
        return []
    replies = space.link.execute("MGET", *(space.keys.worker(worker_id) for worker_id in worker_ids))
    return [reply or b"" for reply in replies]


def unheard(space: Space, who: Registration) -> bytes:
    """What `worker:ID` holds, unless another worker has registered under this id; empty where nothing is."""
    working, at = space.link.execute("MGET", space.keys.worker(who.id), space.keys.worker_started(who.id))
    return b"" if at is not None and _text(at) != who.started else working or b""


def started(space: Space, worker_ids: Sequence[str]) -> list[str]:
    """When each worker registered, as written; empty where unknown."""
    if not worker_ids:
        return []
    replies = space.link.execute("MGET", *(space.keys.worker_started(worker_id) for worker_id in worker_ids))
    return [(reply or b"").decode("utf-8", "replace") for reply in replies]


ANY_BEAT, NO_BEAT = "", "-"
"""What `retire` may ask of a heartbeat: nothing, or that there is none."""


def retire(
    space: Space,
    worker_id: str,
    working: bytes,
    beat: str = ANY_BEAT,
    effects: Sequence[Command] = (),
    who: Registration | None = None,
) -> bool:
    """End the registration of a worker, with everything that its end means.

    Only if `worker:ID` still holds `working` (empty: nothing) and its heartbeat is still `beat`; else nothing
    is done, and the answer is False. Where a worker takes itself out (`who`) and another one has registered
    under its id, it only leaves the id to that one.
    """
    keys = space.keys
    stats = [keys.stat(name, worker_id) for name in _COUNTED]
    names = [keys.workers, keys.heartbeats, keys.worker(worker_id), keys.worker_started(worker_id), *stats]
    names.append(keys.our_workers)
    args: list[Word] = [keys.prefix, worker_id, working, beat, who.started if who else "", *flat(effects)]
    done, _ = _retire.run(space, names, args)
    if done < 0 and who is not None:
        release_id(space, who)
    return bool(done)


def take_pruning_lock(space: Space, worker_id: str, seconds: int) -> str:
    """Try to become the one who prunes; the lock goes by itself (docs/protocol/core.md#the-pruning-lock).

    Returns:
        The id that the lock holds now: this one, or that of whoever was first.

    Raises:
        RedisReplied: something else is under the key.
    """
    key = space.keys.pruning_lock
    if space.link.execute("SET", key, worker_id, "EX", seconds, "NX"):
        return worker_id
    return _text(space.link.execute("GET", key))  # after a lost reply it is ours already


def drop_pruning_lock(space: Space, worker_id: str) -> None:
    """Free the lock of whoever prunes, if this worker has it."""
    locks.release(space, space.keys.pruning_lock, worker_id)


def _text(reply: Reply) -> str:
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else ""


def _hash(space: Space, key: str) -> dict[str, str]:
    flat_hash: list[bytes] = space.link.execute("HGETALL", key)
    texts = [part.decode("utf-8", "surrogateescape") for part in flat_hash]
    return dict(zip(texts[::2], texts[1::2], strict=True))
