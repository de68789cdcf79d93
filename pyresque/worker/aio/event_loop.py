"""The event loop of an async worker. It survives what jobs do to the process that they share.

- A job may close descriptors that the loop needs, and open files of its own under their numbers. So the
  loop waits with `poll`, which needs no descriptor, and looks whether the sockets by which threads wake it
  are still its own before it waits and before it writes.
- The event loop policy of the application may be another loop's, as uvloop's is, and then gives nothing that
  could wait for programs: here threads do, which need no descriptor either.
- A job may fork. The copy of the process has a copy of the loop with all jobs in it: it ends as soon as the
  code that has forked lets the loop go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import selectors
import socket
import weakref
from asyncio import unix_events
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from pyresque.system.descriptors import Own
from pyresque.usercode.guards import end_copy, getpid, one_process
from pyresque.worker.aio.shared_loop import Culprit, SharedLoop, job_in

_loops: weakref.WeakSet[EventLoop] = weakref.WeakSet()

_unix: Any = unix_events
_programs = getattr(_unix, "ThreadedChildWatcher", None) or _unix._ThreadedChildWatcher  # so from 3.14 on
_waiting = _programs()
"""Waits for the programs that jobs start, each in a thread."""


class EventLoop(SharedLoop):
    """An event loop whose jobs may do what they like to descriptors, processes and signals.

    Args:
        keep_signals: called before each wait, and where a job has set or removed a handler: the worker hears
            its signals, whoever else does.
    """

    # Names of asyncio's own that are not in its documentation; they are the same from Python 3.4 to 3.14.
    _ssock: socket.socket
    _csock: socket.socket
    _internal_fds: int
    _ready: deque[asyncio.Handle]
    _asyncgens_shutdown_called: bool
    _signal_handlers: dict[int, asyncio.Handle]

    def __init__(self, keep_signals: Callable[[], None] = lambda: None) -> None:
        self._keep_signals = keep_signals
        self._poll = _Poll(self._mend)
        super().__init__(self._poll)
        self._note_own()
        self.set_default_executor(Threads())
        _loops.add(self)

    def _note_own(self) -> None:
        self._own = (Own(self._ssock.fileno()), Own(self._csock.fileno()))
        self._waking = self._poll.get_key(self._own[0].number).data[0]

    def _mend(self) -> None:
        """Get new sockets to be woken by if a job has closed those that there were."""
        self._keep_signals()
        if self.is_running() and asyncio._get_running_loop() is not self:
            asyncio._set_running_loop(self)  # code of a job has told asyncio that none runs
        reading, writing = self._own
        if not (reading.is_ours and writing.is_ours):
            self._renew()

    def _renew(self) -> None:
        reading, writing = self._own
        key = self._poll.get_map().get(reading.number)
        if key is not None and key.data[0] is self._waking:  # else a job listens to that number by now
            self.remove_reader(reading.number)
        for end, owner in ((self._ssock, reading), (self._csock, writing)):
            if owner.is_ours:
                end.close()
            else:
                end.detach()
        self._internal_fds -= 1
        self._make_self_pipe()  # type: ignore[attr-defined]  # asyncio's own
        self._note_own()

    def _read_from_self(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            if not self._ssock.recv(1, socket.MSG_PEEK):
                self._renew()  # shut down: that would wake the loop without end
                return
        super()._read_from_self()  # type: ignore[misc]  # asyncio's own

    def _write_to_self(self) -> None:
        # Called by threads, too. A loop that does not wait mends its sockets before it does.
        if self._own[1].is_ours:
            super()._write_to_self()  # type: ignore[misc]  # asyncio's own

    def add_signal_handler(  # type: ignore[override]  # its types are looser than asyncio's
        self, sig: int, callback: Callable[..., Any], *args: Any
    ) -> None:
        """Call this, too, when a signal comes."""
        super().add_signal_handler(sig, callback, *args)
        self._keep_signals()

    def remove_signal_handler(self, sig: int) -> bool:
        """Call nothing more for a signal than what the worker does; whether there was something."""
        was_there: bool = super().remove_signal_handler(sig)
        self._keep_signals()
        return was_there

    async def _make_subprocess_transport(self, *how: Any, **named: Any) -> Any:
        # asyncio's own, but for the question to the policy.
        started = self.create_future()
        transport = _unix._UnixSubprocessTransport(self, *how, waiter=started, **named)
        ended = self._child_watcher_callback  # type: ignore[attr-defined]  # asyncio's own
        _waiting.add_child_handler(transport.get_pid(), ended, transport)
        try:
            await started
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        return transport

    async def close_generators(self) -> None:
        """Close those that are left, and go on with new ones."""
        await self.shutdown_asyncgens()
        self._asyncgens_shutdown_called = False

    def forget_signals(self, job: Culprit) -> None:
        """A job is over: its signal handlers are removed."""
        for number, handle in list(self._signal_handlers.items()):
            if job_in(handle) is job:
                self.remove_signal_handler(number)

    def end_in_copy(self) -> None:
        """In a copy of the process: nothing that waits in this loop is to run."""
        self._ready.appendleft(asyncio.Handle(end_copy, (), self))

    def close(self) -> None:
        """Close the loop."""
        if not self.is_closed():
            self._mend()
        super().close()


class _Poll(selectors.BaseSelector):
    """A selector that needs no descriptor; `before` is called before each wait."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._pid = getpid()
        self._poll = select.poll()
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if not events or events & ~(selectors.EVENT_READ | selectors.EVENT_WRITE):
            raise ValueError(f"Invalid events: {events!r}")
        if number in self._keys:
            raise KeyError(f"{fileobj!r} (FD {number}) is already registered")
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        self._poll.register(number, _asked(events))
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        self._poll.unregister(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.unregister(fileobj)
        return self.register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if getpid() != self._pid:
            end_copy()
        self._before()
        milliseconds = None if timeout is None else max(0.0, min(timeout * 1000, 1e9))
        ready = []
        for number, events in self._poll.poll(milliseconds):
            key = self._keys[number]
            if events & select.POLLNVAL:
                self.unregister(number)  # closed without a word: told once, or this loop would never rest
            mask = (selectors.EVENT_READ if events & ~select.POLLOUT else 0) | (
                selectors.EVENT_WRITE if events & ~select.POLLIN else 0
            )
            ready.append((key, mask & key.events))
        return ready

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number in self._keys:
            return self._keys[number]
        for key in self._keys.values():  # it has been closed meanwhile, and does not know its number any more
            if key.fileobj is fileobj:
                return key
        raise KeyError(f"{fileobj!r} is not registered")

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


def _asked(events: int) -> int:
    return (select.POLLIN if events & selectors.EVENT_READ else 0) | (
        select.POLLOUT if events & selectors.EVENT_WRITE else 0
    )


class Threads(ThreadPoolExecutor):
    """Threads for `asyncio.to_thread`: a copy of the process that is made in one does no more work of it."""

    used = False
    """Whether any has been."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Let a thread call a function."""
        self.used = True
        return super().submit(_alone, function, args, named)


def _alone(function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    with one_process():
        return function(*args, **named)


def _in_copy() -> None:
    for loop in _loops:
        loop.end_in_copy()


os.register_at_fork(after_in_child=_in_copy)
