"""Lock and Loner: one such job at a time, on the keys of resque-lock-timeout.

See docs/protocol/core.md#resque-lock-timeout.

A lock always has a time limit, so a process that is killed blocks nobody for ever; in Ruby a lock without
`lock_timeout` does. Choose a limit above what the job may take (its `timeout=`).
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pyresque.errors import DirtyExit, InvalidJob, PruneDeadWorkerDirtyExit, RedisError
from pyresque.log import Log
from pyresque.plugins.job_of_plugin import class_of
from pyresque.store import locks
from pyresque.store.locks import Guard
from pyresque.system.processes import own_worker, process_birth, process_lives, process_space
from pyresque.usercode.safely import is_a
from pyresque.wire.joined_arguments import joined
from pyresque.wire.ruby_inspect import identity

if TYPE_CHECKING:
    from pyresque.client.resque import Resque

logger = Log("pyresque.plugins")

Identify = Callable[[Sequence[Any]], str]


class _Locking:
    """What both plugins share: the keys of one job class.

    Args:
        resque: where the locks are.
        timeout: seconds after which a lock is free again, whatever has become of its holder.
        identify: makes a text of the arguments; jobs with the same text exclude each other. All arguments
            count unless it is given (Ruby: `identifier`).
        name: the class name in the key, if it is not that of the one job that has this plugin.
    """

    def __init__(
        self, resque: Resque, timeout: int = 3600, *, identify: Identify = joined, name: str | None = None
    ) -> None:
        if type(timeout) is not int or timeout < 1:
            raise InvalidJob(f"{type(self).__name__}: timeout={timeout!r} must be whole seconds, 1 or more")
        self._resque = resque
        self._timeout = timeout
        self._identify = identify
        self._name = name
        self._left: dict[str, locks.Held] = {}
        """Locks of jobs that have ended here, which Redis did not free when it was asked."""

    def _key(self, args: Sequence[Any]) -> str:
        if self._name is None:
            self._name = class_of(self, self._resque)
        return self._resque.space.keys.lock(f"{self._name}:{identity(self._identify(args))}")


def _owner() -> str:
    """Who asks: system, process, its birth, a word and, in a worker, its id and word (lock_holders.lua)."""
    worker_id, word = own_worker()
    worker = f".{worker_id.encode('utf-8', 'surrogateescape').hex()}#{word}" if word else ""
    return f"{_here()}:{os.getpid()}:{process_birth(os.getpid())}-{uuid.uuid4().hex}{worker}"


def _here() -> str:
    """The system in which our pids are valid: containers on the network of their host share its name."""
    return f"{socket.gethostname()} {process_space()}"


class Lock(_Locking):
    """While a job runs, no other of its class with the same arguments does: it is skipped, as in Ruby.

    A skipped job counts as done. `@job(plugins=[Lock(resque, timeout=600)])`.
    """

    def around_perform_lock(self, *args: Any) -> Iterator[None]:
        """Hold the lock while the job runs, or skip it."""
        held = self._take(self._key(args))
        if held is None:
            logger.info("%s is held: the job is skipped", self._key(args))
            return
        try:
            yield
        finally:
            self._free(held)

    def on_failure_lock(self, error: BaseException, *args: Any) -> None:
        """Free the lock of a process of this host that is gone, or of a worker of Ruby's that is pruned."""
        if not is_a(error, DirtyExit):
            return
        space, key = self._resque.space, self._key(args)
        try:
            # Ruby frees it after every DirtyExit. A killed child of ours is no reason: it never had it.
            if is_a(error, PruneDeadWorkerDirtyExit) and locks.is_rubys(space, key):
                locks.forget(space, key)
            self._free_of_the_dead(key)
        except RedisError as trouble:
            logger.warning("a lock stays until it expires: %s", trouble)

    def _take(self, key: str) -> locks.Held | None:
        owner = _owner()
        held = locks.take(self._resque.space, key, self._timeout, owner)
        if held is None and self._free_of_the_dead(key):
            # A job that its dead worker's pruner has put back would be skipped, and so be lost.
            held = locks.take(self._resque.space, key, self._timeout, owner)
        return held

    def _free_of_the_dead(self, key: str) -> bool:
        space = self._resque.space
        held = None if locks.is_rubys(space, key) else locks.owner(space, key)
        is_over = held is not None and (held == self._left.get(key) or _is_gone(held.owner))
        return held is not None and is_over and locks.free(space, held)

    def _free(self, held: locks.Held) -> None:
        self._left.pop(held.key, None)
        try:
            if not locks.free(self._resque.space, held) and time.time() > held.until:
                logger.warning("%s expired before the job was done", held.key)
        except RedisError as error:
            self._left[held.key] = held
            logger.warning("%s stays until the next such job in this process, or until it expires: %s",
                           held.key, error)  # fmt: skip


class Loner(_Locking):
    """While a job waits in a queue, no other of its class with the same arguments is enqueued.

    `enqueue` answers None then, and also while a `Lock` of the job is held. The job is free to be enqueued
    again as soon as it begins, or after `timeout` seconds in the queue.
    """

    def enqueue_guard(self, args: Sequence[Any]) -> Guard:
        """What must not wait or run already; the push takes the first key with it, in one step."""
        return Guard(self._resque.space, self._loner_key(args), self._key(args), self._timeout)

    def before_perform_loner(self, *args: Any) -> None:
        """The job is out of its queue, whoever put it there."""
        self._freed.set(self._free(args))

    def always_loner(self, *args: Any) -> None:
        """So is one that ended before it began, or whose key could not be freed then."""
        if not self._freed.get():
            self._free(args)
        self._freed.set(False)  # of the next job in this process

    @cached_property
    def _freed(self) -> ContextVar[bool]:
        """Whether the key of the job that runs here was freed; several async jobs may run at a time."""
        return ContextVar("pyresque_loner_freed", default=False)

    def _free(self, args: Sequence[Any]) -> bool:
        key = self._loner_key(args)
        try:
            locks.forget(self._resque.space, key)
        except RedisError as error:
            logger.warning("%s stays until the job has ended, or until it expires: %s", key, error)
            return False
        return True

    def _loner_key(self, args: Sequence[Any]) -> str:
        return self._resque.space.keys.loner(self._key(args))


def _is_gone(owner: str) -> bool:
    where, pid, words = owner.rsplit(":", 2)
    birth, has_birth, _ = words.partition("-")  # 0.1.0 wrote none
    return where == _here() and pid.isdecimal() and not process_lives(int(pid), birth if has_birth else "")
