"""What surrounds an actor while it is played: its own clock, pid and tokens, and a process for each job
that is none.

The rest is the real thing: the worker's loop, reserver, books and pruner, the scheduler, the client. Replaced
is only what an operating system gives: time, identity, chance, signals, fork.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn
from unittest import mock

import setproctitle

import pyresque.client.resque
import pyresque.model.perform
import pyresque.plugins.lock
import pyresque.scheduler.loop
import pyresque.store.script
import pyresque.system.memory
import pyresque.system.oom
import pyresque.system.processes
import pyresque.worker.children
import pyresque.worker.heartbeat
import pyresque.worker.listener
import pyresque.worker.loop
import pyresque.worker.pruner
import pyresque.worker.registrar
import pyresque.worker.time_limit
from pyresque.failure import Failure
from pyresque.system.signals import LEAVING
from pyresque.worker.child import Child, Work
from pyresque.worker.report import Report, Task
from tests.model.actor import Me, ProcessGone, here, whoever_plays

EPOCH = 1_800_000_000
"""What the clock shows when a world begins."""

READY = ("ready",)
"""The event up to which an actor is played before its world begins."""
WAIT = ("wait",)
"""The event of an actor that does nothing more until a signal comes."""


@contextlib.contextmanager
def replaced(logs: bool = False) -> Iterator[None]:
    """Replace what the system gives, for all actors, while the block runs.

    Args:
        logs: let log lines through.
    """
    with contextlib.ExitStack() as stack:
        for owner, name, new in _REPLACED:
            stack.enter_context(mock.patch.object(owner, name, new))
        before = logging.root.manager.disable
        if not logs:
            logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, before)
        yield


class FakeSignals:
    """The signals that the world sends: they are there when a command comes back."""

    stopping = False

    @property
    def noted(self) -> list[int]:
        """Those that nobody has taken yet."""
        return here().signals

    def take(self) -> list[signal.Signals]:
        """The signals since the last call."""
        me = here()
        noted, me.signals = [signal.Signals(one) for one in me.signals], []
        return noted

    @property
    def ask_to_leave(self) -> bool:
        """Whether one of them asks the worker to leave."""
        return any(one in LEAVING for one in here().signals)

    def nothing(self, *args: object) -> None:
        """What needs no doing."""

    @contextlib.contextmanager
    def passed_on(self, *args: object) -> Iterator[None]:
        """While jobs run."""
        yield

    of_job = passed_on
    keep = mend = install = restore = stop = hold = release = leave_to_child = nothing
    lend = take_back = drain = close = nothing

    def fileno(self) -> int:
        """Nothing to wait for."""
        return -1


class FakeSchedulerSignals(FakeSignals):
    """Those of a scheduler: it is told to stop after as many turns as its actor has."""

    _turns = 0

    def take(self) -> list[signal.Signals]:
        """Once in a turn."""
        self._turns += 1
        self.stopping = self._turns >= here().turns
        return []

    def wait(self, seconds: float, others: Sequence[Any]) -> None:
        """Sleep."""
        here().slept += max(0.0, seconds)


class FakeNotice:
    """What would tell a job to end: in a world each job has ended before anybody could."""

    def nothing(self, *args: object) -> None:
        """What needs no doing."""

    leave = time_is_over = listen = begin = end = nothing


class FakeChild(Child):
    """The process of a job, played within its worker's: it is killed with it, or alone."""

    def __init__(self, work: Work, task: Task | None = None) -> None:
        me = here()
        me.children += 1
        self.pid = me.first_pid + 1000 * me.children
        self.jobs_left = work.jobs - (task is not None)
        self.number = 0
        self.status: int | None = None
        self._work = work
        self._said: Report | None = None
        work.prepare()
        if task is not None:
            self._run(task)

    def _run(self, task: Task) -> None:
        me = here()
        self._said, me.pid = None, self.pid
        try:
            self._said = self._work.run(task)
        except ProcessGone:
            pass
        finally:
            me.pid = me.first_pid
        if me.job_is_gone:
            me.job_is_gone, self._said, self.status = False, None, signal.SIGKILL

    def give(self, task: Task) -> bool:
        """Give it one more job."""
        if self.jobs_left < 1 or self.status is not None:
            return False
        self.jobs_left -= 1
        self._run(task)
        return True

    def listen(self) -> Report | None:
        """What the job has said."""
        return self._said

    def fileno(self) -> int:
        """Nothing to wait for: what it says is said already."""
        return -1

    def poll(self) -> int | None:
        """Its wait status once it has ended."""
        if self.status is None and self._said is not None and not self.jobs_left:
            self.status = 0
        return self.status

    def kill(self, number: int) -> None:
        """It is over before anybody could kill it."""

    def stack(self) -> list[str]:
        """Nowhere."""
        return []

    def dismiss(self) -> None:
        """Nothing is open."""


def _copy(error: BaseException | None = None) -> NoReturn:
    raise AssertionError("code of a worker runs in a process of a job")


def _readable(files: Iterable[Any], seconds: float | None) -> list[Any]:
    """What `waiting.readable` does, without waiting: nothing can be read, and the time is over."""
    me = here()
    me.slept += max(0.0, min(seconds or 0.0, 1e6))
    me.waits += 1
    if me.waits > 20:
        me.event(*WAIT)
    return []


def _lives(pid: int, birth: str = "") -> bool:
    return bool(here().event("lives", pid))


def _monotonic(me: Me) -> float:
    me.looks += 1
    assert me.looks < 10_000, "it looks at the clock over and over, and does nothing"
    return 1000.0 + me.clock + me.slept


def _sleep(me: Me, seconds: float) -> None:
    me.slept += seconds


def _ready() -> None:
    me = here()
    if me.says_ready:
        me.event(*READY)


def _space() -> str:
    return here().space


def _nothing(*args: object, **more: object) -> None:
    """What needs no doing."""


def _failure(self: Failure, *args: Any, _init: Callable[..., None] = Failure.__init__, **more: Any) -> None:
    """What Failure() does; its own clock was bound when it was defined."""
    _init(self, *args, **{"failed_at": time.time(), **more})


def _in_play(real: Callable[..., Any], played: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the system that is another one while an actor is played."""

    def now(*args: Any) -> Any:
        me = whoever_plays()
        return real(*args) if me is None else played(me, *args)

    return now


_REPLACED: list[tuple[Any, str, Any]] = [
    (time, "time", _in_play(time.time, lambda me: float(EPOCH + me.clock))),
    (time, "monotonic", _in_play(time.monotonic, _monotonic)),
    (time, "sleep", _in_play(time.sleep, _sleep)),
    (os, "getpid", _in_play(os.getpid, lambda me: me.pid)),
    (os, "urandom", _in_play(os.urandom, lambda me, size: bytes(size))),
    (socket, "gethostname", _in_play(socket.gethostname, lambda me: "host")),
    (uuid, "uuid4", _in_play(uuid.uuid4, lambda me: uuid.UUID(int=me.token()))),
    (setproctitle, "setproctitle", _nothing),
    (Failure, "__init__", _failure),
    (secrets, "token_hex", _in_play(secrets.token_hex, lambda me, size: f"{me.token():0{2 * size}x}")),
    (pyresque.client.resque, "SocketLink", lambda url: here().link_to(url)),
    (pyresque.model.perform, "end_copy", _copy),
    (pyresque.store.script, "urandom", lambda _: b"word"),
    (pyresque.plugins.lock, "process_space", _space),
    (pyresque.plugins.lock, "process_lives", _lives),
    (pyresque.plugins.lock, "process_birth", lambda pid: ""),
    (pyresque.worker.children, "Child", FakeChild),
    (pyresque.worker.children, "Memory", _nothing),
    (pyresque.worker.children, "Notice", FakeNotice),
    (pyresque.worker.time_limit.Watchdog, "start", _nothing),
    (pyresque.system.oom, "kills", lambda: 0),
    (pyresque.system.memory, "settle", _nothing),
    (pyresque.worker.loop, "process_space", _space),
    (pyresque.worker.loop, "tell_ready", _ready),
    (pyresque.worker.registrar, "process_space", _space),
    (pyresque.worker.pruner, "process_space", _space),
    (pyresque.worker.pruner, "process_lives", _lives),
    (pyresque.system.processes, "process_birth", lambda pid: ""),
    (pyresque.worker.listener, "WorkerSignals", FakeSignals),
    (pyresque.worker.listener, "readable", _readable),
    (pyresque.worker.heartbeat.Heartbeat, "start_thread", _nothing),
    (pyresque.scheduler.loop, "SchedulerSignals", FakeSchedulerSignals),
]
