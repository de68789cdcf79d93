"""Workers: registration, heartbeat, the books of who exists and what he works on (core.md 6, 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyresque.errors import RedisError, RedisReplied
from pyresque.store.link import Command, as_bytes
from pyresque.store.replies import flag, number, row, words
from pyresque.store.script import REMEMBER_SECONDS, Once, Script, flat
from pyresque.store.space import Space
from pyresque.wire import times

_retire = Script("retire", uses=("effects",), reply=row(flag, words))


def redis_time(space: Space) -> int:
    """The clock of the Redis server, seconds since the epoch."""
    return int(space.link.execute("TIME")[0])


def register(space: Space, worker_id: str, now: float, process_space: str = "") -> None:
    """Enter a worker of ours into the books; `process_space` names the system in which its pid is valid."""
    entered, started, _ = space.link.execute_many(
        [
            ("SADD", space.keys.workers, worker_id),
            ("SET", space.keys.worker_started(worker_id), times.started(now)),
            ("HSET", space.keys.our_workers, worker_id, process_space),
        ]
    )
    for reply in (entered, started):
        if isinstance(reply, RedisError):
            raise reply


def forget_counters(space: Space, worker_id: str) -> None:
    """Begin to count the jobs of a worker anew."""
    names = [space.keys.stat(f"{kind}:{worker_id}") for kind in ("processed", "failed")]
    space.link.execute("UNLINK", *names)


def beat(space: Space, worker_ids: Sequence[str]) -> list[str]:
    """Write heartbeats with the clock of Redis; returns the workers that are not in the books any more."""
    now = times.heartbeat(redis_time(space))
    beats = [word for one in worker_ids for word in (one, now)]
    replies = space.link.execute_many(
        [
            ("HSET", space.keys.heartbeats, *beats),
            *(("SISMEMBER", space.keys.workers, one) for one in worker_ids),
        ]
    )
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return [one for one, known in zip(worker_ids, replies[1:], strict=True) if not known]


def ids(space: Space) -> list[str]:
    """The ids of all registered workers, sorted."""
    found: Iterable[bytes] = space.link.execute("SMEMBERS", space.keys.workers)
    return sorted(name.decode("utf-8", "surrogateescape") for name in found)


def is_registered(space: Space, worker_id: str) -> bool:
    """Whether a worker is in the books."""
    return bool(space.link.execute("SISMEMBER", space.keys.workers, worker_id))


def ours(space: Space) -> dict[str, str]:
    """The workers that are pyresque's, and for each the system in which its pid is valid."""
    try:
        return _hash(space, space.keys.our_workers)
    except RedisReplied:
        return {}  # somebody has put something else there: then we know of none


def forget_ours(space: Space, gone: Sequence[str]) -> None:
    """Strike from our own list workers that somebody else has taken out of the books."""
    if gone:
        space.link.execute("HDEL", space.keys.our_workers, *gone)


def times_recovered(space: Space, digest: str) -> int:
    """How often a job was taken from a dead worker and put back lately."""
    return number(space.link.execute("GET", space.keys.recovered(digest)))


def heartbeats(space: Space) -> dict[str, str]:
    """The last beat of every worker, as written."""
    return _hash(space, space.keys.heartbeats)


def working_on(space: Space, worker_ids: Sequence[str]) -> list[bytes]:
    """The value of `worker:ID` of each worker; empty where there is none."""
    if not worker_ids:
        return []
    replies = space.link.execute("MGET", *(space.keys.worker(one) for one in worker_ids))
    return [reply or b"" for reply in replies]


def started(space: Space, worker_ids: Sequence[str]) -> list[str]:
    """When each worker registered, as written; empty where unknown."""
    if not worker_ids:
        return []
    replies = space.link.execute("MGET", *(space.keys.worker_started(one) for one in worker_ids))
    return [(reply or b"").decode("utf-8", "replace") for reply in replies]


def retire(
    space: Space, worker_id: str, working: bytes, beat: str = "", effects: Sequence[Command] = ()
) -> bool:
    """Take a worker out of the books, with everything that its end means.

    Only if `worker:ID` still holds `working` (empty: nothing) and, where one is given, its heartbeat is
    still `beat`; else nothing is done and the answer is False.
    """
    keys = space.keys
    stats = [keys.stat(f"processed:{worker_id}"), keys.stat(f"failed:{worker_id}")]
    names = [keys.workers, keys.heartbeats, keys.worker(worker_id), keys.worker_started(worker_id), *stats]
    names.append(keys.our_workers)
    args = [keys.prefix, worker_id, working, beat, REMEMBER_SECONDS, *flat(effects)]
    with Once(space.link, keys.prefix) as once:
        done, _ = _retire.run(space.link, [*names, once], args)
    return bool(done)


def take_pruning_lock(space: Space, worker_id: str, seconds: int) -> bool:
    """Try to become the one who prunes; the lock goes by itself (core.md section 7)."""
    key = space.keys.pruning_lock
    if space.link.execute("SET", key, worker_id, "EX", seconds, "NX"):
        return True
    # After a lost reply it is ours already.
    try:
        return bool(space.link.execute("GET", key) == as_bytes(worker_id))
    except RedisReplied:
        return False


def _hash(space: Space, key: str) -> dict[str, str]:
    flat_hash: list[bytes] = space.link.execute("HGETALL", key)
    texts = [part.decode("utf-8", "surrogateescape") for part in flat_hash]
    return dict(zip(texts[::2], texts[1::2], strict=True))
