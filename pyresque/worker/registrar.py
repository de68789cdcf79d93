"""The registration of workers in Redis, each under an id that no other worker has.

An id is `host:pid:queues`. Workers in containers that share a host name would have the same one, and each
would take the other's job for its own. Whoever is there first keeps the id; the other goes on under one whose
host name has an ending (`web-1a2b3c4d:1:mail`), so that Ruby reads it, and does not look for its process.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Sequence

from pyresque.client.worker_signs import EXPIRED_AFTER
from pyresque.errors import DirtyExit, RedisReplied
from pyresque.log import Log
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.store.workers import NO_BEAT, Registration, Seen
from pyresque.system.processes import note_worker, process_space
from pyresque.wire import times
from pyresque.worker.pruner import BEGUN_BEFORE, STILL_PROCESSED, Pruner

logger = Log("pyresque.worker")

_ADVICE = "do containers share a host name? Give each one of its own"


class Registrar:
    """Registers the workers of one process: one, or as many as an async worker has.

    Args:
        space: one whose link tries again.
    """

    def __init__(self, space: Space, pruner: Pruner, members: Sequence[Registration]) -> None:
        self._space = space
        self._pruner = pruner
        self._members = members

    def claim(self) -> None:
        """Find ids that no living worker has, and beat for them. The job of a dead namesake has failed."""
        wanted, stuck = self._members[0].id, set[str]()
        while True:
            seen_of_all = workers.look(self._space, [who.id for who in self._members])
            pairs = list(zip(self._members, seen_of_all, strict=True))
            if any(self._may_live(*pair) for pair in pairs):
                host = _other_host()
                for who in self._members:
                    who.call_itself(host)
                continue
            dead = [
                (who, seen)
                for who, seen in pairs
                if not seen.is_free and seen.mark != who.mark and who.id not in stuck
            ]
            for who, seen in dead:
                if not self._pruner.retire(who.id, DirtyExit(STILL_PROCESSED), seen.beat or NO_BEAT):
                    stuck.add(who.id)  # what its worker:ID holds is not a job: it is put aside later
            if not dead and workers.claim_ids(self._space, pairs):
                break
        if self._members[0].id != wanted:
            logger.warning(
                "another worker may live as %s (%s): this one is %s", wanted, _ADVICE, self._members[0].id
            )

    def enter(self) -> None:
        """Register."""
        for who in self._members:
            self._enter(who)
        note_worker(self._members[0].id)

    def enter_again(self, who: Registration) -> None:
        """Register a worker that is not registered any more, or under whose id another has registered."""
        if self._enter(who):
            who.contested = False  # nobody else was there
            logger.warning("%s was not registered any more, though it lives: it registers again", who.id)
            workers.beat(self._space, [who])

    def look_again(self, who: Registration) -> None:
        """Another worker seems to work under its id: give way, unless it was only unregistered."""
        who.contested = False
        [seen] = workers.look(self._space, [who.id])
        if seen.registered:
            self.give_way(who)

    def give_way(self, who: Registration) -> None:
        """Leave its id to another worker, and go on under a new one."""
        while True:
            other = Registration(_other_host(), who.tail, who.mark)
            [seen] = workers.look(self._space, [other.id])
            is_ours = seen.is_free and workers.claim_ids(self._space, [(other, seen)])
            if is_ours and self._registered(other):
                break
        workers.release_id(self._space, who)
        logger.warning(
            "another worker works as %s (%s): this one is %s from now on", who.id, _ADVICE, other.id
        )
        who.become(other)
        note_worker(self._members[0].id)

    def disown(self, who: Registration) -> None:
        """Record the job that `worker:ID` holds as failed: it was begun before, and must not run again."""
        logger.warning("Redis came back older than it was: %s has begun the job that it holds before", who.id)
        self._pruner.retire(who.id, DirtyExit(BEGUN_BEFORE), who=who)

    def _enter(self, who: Registration) -> bool:
        """Register it; whether under the id that it had."""
        if self._registered(who):
            return True
        self.give_way(who)
        return False

    def _registered(self, who: Registration) -> bool:
        try:
            return workers.register(self._space, who, time.time())
        except RedisReplied as error:
            logger.error("cannot register %s, and work nevertheless: %s", who.id, error)
            return True

    def _may_live(self, who: Registration, seen: Seen) -> bool:
        """Whether a worker that has our id may be alive."""
        if seen.is_free or seen.mark == who.mark:
            return False
        space = workers.space_in(seen.mark)
        if space and space == process_space():
            return False  # our pid was its pid, in this very system
        if not seen.beat:
            return seen.beat is None  # who works has a heartbeat, from before it registers
        at = times.parse(seen.beat)
        return at is None or workers.redis_time(self._space) - at <= EXPIRED_AFTER


def _other_host() -> str:
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"
