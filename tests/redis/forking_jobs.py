"""Jobs that fork, for test_fork_in_job.py: the copy of the process comes out of the job in many ways.

They write to the file `log` of their folder: `begin NAME PID`, `end NAME PID`, `copy NAME PID`.
"""

import asyncio
import ctypes
import multiprocessing
import os
import pty
import sys
import threading
import time

from pyresque import hooks, job

IN_LOOP = os.environ.get("MODE") == "async"


class Base(BaseException):
    """Is no Exception."""


def note(*words):
    with open("log", "ab", buffering=0) as log:
        log.write((" ".join(map(str, words)) + "\n").encode())


def forked(name, fork=os.fork):
    """Fork; whether this is the copy."""
    if fork():
        return False
    note("copy", name, os.getpid())
    return True


def _raise(error):
    raise error


def _deep():
    _deep()


def _exit_in(name):
    """Exit in the copy."""
    return lambda what: lambda: _raise(SystemExit(what)) if forked(name) else None


def _in_thread(name):
    thread = threading.Thread(target=forked, args=[name])
    thread.start()
    thread.join()


def _with_thread(name):
    """The copy starts a thread, which Python would wait for."""
    if forked(name):
        threading.Thread(target=lambda: (time.sleep(0.2), note("thread", name, os.getpid()))).start()
        return True
    return False


def _twice(name):
    """As daemons are made; but the last one comes back."""
    if not forked(name):
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    note("copy", name, os.getpid())
    return True


def _many(name):
    return any(forked(name) for _ in range(10))


def _with_all_closed(name):
    if forked(name):
        os.closerange(3, 4096)
        return True
    return False


def _late(name):
    """The copy comes back when the job is over and the next ones run."""
    if forked(name):
        time.sleep(0.5)
        return True
    return False


def _with_output(name):
    if forked(name):
        print("printed by the copy")
        return True
    return False


def _libc(name):
    """A fork of which Python does not know."""
    return forked(name, ctypes.CDLL(None).fork)


def _children(name):
    """What forks and comes back by itself must go on working."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=note, args=["child", name, 0])
    process.start()
    process.join()
    assert process.exitcode == 0
    pool = context.Pool(2)
    assert pool.map(abs, [-1, 2]) == [1, 2]
    pool.close()
    pool.join()


WAYS = {
    "return": forked,
    "exit": lambda name: sys.exit() if forked(name) else None,
    "exit 0": lambda name: sys.exit(0) if forked(name) else None,
    "exit 3": lambda name: sys.exit(3) if forked(name) else None,
    "exit text": lambda name: sys.exit("a text") if forked(name) else None,
    "raise": lambda name: _raise(ValueError("in the copy")) if forked(name) else None,
    "raise Base": lambda name: _raise(Base()) if forked(name) else None,
    "raise KeyboardInterrupt": lambda name: _raise(KeyboardInterrupt()) if forked(name) else None,
    "raise GeneratorExit": lambda name: _raise(GeneratorExit()) if forked(name) else None,
    "raise StopIteration": lambda name: _raise(StopIteration()) if forked(name) else None,
    "raise CancelledError": lambda name: _raise(asyncio.CancelledError()) if forked(name) else None,
    "deep": lambda name: _deep() if forked(name) else None,
    "exec": lambda name: os.execvp("no-such-program", ["x"]) if forked(name) else None,
    "os._exit": lambda name: os._exit(3) if forked(name) else None,
    "abort": lambda name: os.kill(os.getpid(), 9) if forked(name) else None,
    "pty": lambda name: forked(name, lambda: pty.fork()[0]),
    "in a thread": _in_thread,
    "with a thread": _with_thread,
    "twice": _twice,
    "many": _many,
    "all closed": _with_all_closed,
    "late": _late,
    "output": _with_output,
    "libc": _libc,
}
"""What a job does: true in a copy that is to return."""

PLACES = (
    "before_perform",
    "around_before",
    "perform",
    "around_after",
    "after_perform",
    "always",
    "on_failure",
)


def act(place, wanted, way, name):
    """Fork here if it is wanted here; whether this is a copy that is to return."""
    return place == wanted and bool(WAYS[way](name))


def _job(perform):
    class Forks:
        @staticmethod
        def before_perform(place, way, name):
            act("before_perform", place, way, name)

        @staticmethod
        def around_perform(place, way, name):
            act("around_before", place, way, name)
            yield
            act("around_after", place, way, name)

        @staticmethod
        def after_perform(place, way, name):
            act("after_perform", place, way, name)

        @staticmethod
        def on_failure(error, place, way, name):
            act("on_failure", place, way, name)

        @staticmethod
        def always(place, way, name):
            act("always", place, way, name)

    Forks.perform = staticmethod(perform)  # type: ignore[attr-defined]
    return job(queue="q", name="Forks")(Forks)


def _begin(place, name):
    note("begin", name, os.getpid())
    return place == "on_failure"


if IN_LOOP:

    async def _perform(place, way, name):
        fails = _begin(place, name)
        if act("perform", place, way, name):
            return
        if place == "await" and forked(name):
            await asyncio.sleep(0.05)
            return
        if place == "await a future" and forked(name):
            await asyncio.get_event_loop_policy().new_event_loop().create_future()
        if place == "task":
            await asyncio.create_task(_forks_in_a_task(name))
        if place == "to_thread":
            await asyncio.to_thread(forked, name)
        await asyncio.sleep(0.05)
        note("end", name, os.getpid())
        if fails:
            raise LookupError("as planned")

    async def _forks_in_a_task(name):
        await asyncio.sleep(0)
        if forked(name):
            await asyncio.sleep(0.05)

    async def _next(name):
        note("begin", name, os.getpid())
        await asyncio.sleep(0.02)
        note("end", name, os.getpid())

else:

    def _perform(place, way, name):
        fails = _begin(place, name)
        if act("perform", place, way, name):
            return
        if place == "children":
            _children(name)
        time.sleep(0.05)
        note("end", name, os.getpid())
        if fails:
            raise LookupError("as planned")

    def _next(name):
        note("begin", name, os.getpid())
        time.sleep(0.02)
        note("end", name, os.getpid())


_job(_perform)
job(queue="q", name="Next")(_next)


for kind in ("before_fork", "after_fork", "queue_empty"):
    if kind in os.environ.get("HOOKS", ""):
        hooks.worker_hooks.add(kind, lambda *_, kind=kind: forked(kind) and None)
