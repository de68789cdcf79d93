"""Jobs that close descriptors which are not theirs, for test_descriptors_in_job.py."""

import asyncio
import contextlib
import os
import resource
import socket
import sys
import time
from pathlib import Path

from pyresque import Resque, hooks, job

IN_LOOP = os.environ.get("MODE") == "async"
resque = Resque(os.environ["REDIS_URL"])
kept = []


def _close(first, last):
    for one in kept:  # what is closed by its number must not be closed once more by its object
        one.detach()
    kept.clear()
    os.closerange(first, last)


def _each_once():
    """Only sockets, pipes and the like, one by one; files of the program stay."""
    for number in list(range(3, 256)):
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{number}")
            if path.startswith(("socket:", "pipe:", "anon_inode:", "/memfd")):
                os.close(number)


def _shut():
    """Not closed, but of no use any more."""
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as one:
            one.shutdown(socket.SHUT_RDWR)


def _noise():
    """Written to whatever takes it."""
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                os.write(number, b"\xff\0\r\n" * 16)


def _opened(pairs=40):
    """Sockets under the numbers that have become free, each of which is watched for foreign bytes."""
    pairs = [socket.socketpair() for _ in range(pairs)]
    kept.extend(one for pair in pairs for one in pair)


def _used():
    """Let the process use its Redis connection, so that it has one of its own."""
    resque.queues()


WAYS = {
    "few": lambda: _close(3, 64),
    "many": lambda: _close(3, 4096),
    "all": lambda: _close(3, 65536),
    "to the limit": lambda: _close(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    "one by one": _each_once,
    "shut": _shut,
    "noise": _noise,
    "all with 0 to 2": lambda: _close(0, 4096),
    "reuse": lambda: (_close(3, 64), _opened()),
    "reuse all": lambda: (_close(3, 4096), _opened(100)),
    "use, reuse, use": lambda: (_used(), _close(3, 4096), _opened(), _used(), _opened()),
    "again and again": lambda: [(_close(3, 256), _opened(20), _used()) for _ in range(5)],
    "files": lambda: (_close(3, 256), [os.open(os.devnull, os.O_RDONLY) for _ in range(100)]),
}


def note(*words):
    with open("log", "a") as log:
        print(*words, file=log)


def foreign():
    """What has come into the sockets of the jobs, which have sent nothing."""
    found = []
    for one in kept:
        one.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            found.append(one.recv(1000))
    return found


def told(way, fails):
    note("end", way)
    if fails:
        raise LookupError(f"{way} as planned" + "x" * 100_000)


def closes(way: str, fails: bool = False) -> None:
    WAYS[way]()
    told(way, fails)


async def closes_in_loop(way: str, fails: bool = False) -> None:
    WAYS[way]()
    await asyncio.sleep(0.01)
    assert await asyncio.to_thread(lambda: 5) == 5
    await asyncio.sleep(0.01)
    told(way, fails)


def looks(way: str) -> None:
    time.sleep(0.02)
    assert not foreign(), foreign()
    note("looked", way)
    for one in kept:
        one.close()
    kept.clear()


async def looks_in_loop(way: str) -> None:
    looks(way)


def prints() -> None:
    """What Redis would take for a command."""
    for number in range(3):
        with contextlib.suppress(OSError):
            os.write(number, b"SET resque:printed 1\r\n")


async def prints_in_loop() -> None:
    prints()


job(queue="q", name="Prints")(prints_in_loop if IN_LOOP else prints)
job(queue="q", name="Closes")(closes_in_loop if IN_LOOP else closes)
job(queue="q", name="Looks")(looks_in_loop if IN_LOOP else looks)


@job(queue="q", name="Inherited")
def inherited() -> None:
    """What a program that is started gets from us: nothing but 0 to 2 and the listing itself."""
    code = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int))"
    os.execv(sys.executable, [sys.executable, "-c", f"{code[:-1]}, file=open('fds', 'w'))"])


if os.environ.get("HOOKS"):

    @hooks.before_fork
    def before_fork(job: object) -> None:
        if not Path("closed").exists():
            Path("closed").touch()
            WAYS["reuse all"]()
