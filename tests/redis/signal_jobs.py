"""Jobs that start processes and meddle with signals, for test_signals_in_job.py.

Each checks for itself what it sees: one that is wrong fails.
"""

import asyncio
import concurrent.futures
import contextlib
import faulthandler
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from pyresque import hooks, job

IN_LOOP = os.environ.get("MODE") == "async"
NUMBERS = ("TERM", "INT", "QUIT", "USR1", "USR2", "HUP", "CONT", "CHLD")

PYTHON_IGNORES = {signal.SIGPIPE, signal.SIGXFSZ}
KEPT = []


def square(number):
    return number * number


def nap():
    time.sleep(600)


def signals_in(text):
    """The signals of a mask as /proc shows it, without those that the C library keeps for itself."""
    mask = int(text, 16)
    return {number for number in range(1, 32) if mask >> (number - 1) & 1}


def masks(text):
    """What is blocked, ignored and caught, as the file says."""
    found = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.startswith("Sig")}
    return tuple(signals_in(found[name]) for name in ("SigBlk", "SigIgn", "SigCgt"))


# --- what is started ---------------------------------------------------------------------------------


def pools():
    for _ in range(4):
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert pool.map(square, range(10))[3] == 9


def other_pools():
    for kind in ("spawn", "forkserver"):
        with multiprocessing.get_context(kind).Pool(2) as pool:
            assert pool.map(square, range(10))[3] == 9


def terminate():
    for kind in ("fork", "spawn", "forkserver"):
        process = multiprocessing.get_context(kind).Process(target=nap)  # type: ignore[attr-defined]
        process.start()
        process.terminate()
        process.join()
        assert process.exitcode == -signal.SIGTERM, process.exitcode


def terminate_at_once():
    """Before the process has done anything."""
    for _ in range(30):
        pid = os.fork()
        if not pid:
            nap()
        os.kill(pid, signal.SIGTERM)
        assert os.waitpid(pid, 0)[1] == signal.SIGTERM


def executor():
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as processes:
        assert list(processes.map(square, range(10)))[3] == 9


def in_thread():
    error = []

    def started():
        try:
            terminate()
            defaults()
        except BaseException as raised:
            error.append(raised)

    thread = threading.Thread(target=started)
    thread.start()
    thread.join()
    if error:
        raise error[0]


def popen():
    for name in NUMBERS[:6]:
        process = subprocess.Popen(["sleep", "600"])
        process.send_signal(getattr(signal, f"SIG{name}"))
        assert process.wait() == -getattr(signal, f"SIG{name}")


def shell():
    done = subprocess.run("yes | head -n 1", shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "y\n", "")


def defaults():
    """A program has nothing blocked, ignored or caught; a copy what any Python has."""
    text = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True).stdout
    assert masks(text) == (set(), set(), set()), masks(text)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            handler = signal.getsignal(signal.SIGINT) is signal.default_int_handler
            awake = signal.set_wakeup_fd(-1)
            os.write(write, f"{Path('/proc/self/status').read_text()}\n{handler} {awake}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    assert masks(text) == (set(), PYTHON_IGNORES, {signal.SIGINT}), masks(text)
    assert text.endswith("\nTrue -1"), text[-20:]


def own_handler_stays():
    """What the job has set itself is what a copy has, as anywhere in Python."""
    signal.signal(signal.SIGTERM, mine)
    pid = os.fork()
    if not pid:
        os._exit(7 if signal.getsignal(signal.SIGTERM) is mine else 8)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


STARTS = {
    one.__name__: one
    for one in (
        pools, other_pools, terminate, terminate_at_once, executor, in_thread, popen, shell, defaults,
        own_handler_stays,
    )
}  # fmt: skip


# --- what is left behind -----------------------------------------------------------------------------


def mine(number, frame):
    """A handler of the job's."""


def every(change):
    def leave():
        for name in NUMBERS:
            change(getattr(signal, f"SIG{name}"))

    return leave


def block():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def wakeup():
    KEPT[:] = socket.socketpair()
    KEPT[0].setblocking(False)
    signal.set_wakeup_fd(KEPT[0].fileno())


def closed_wakeup():
    wakeup()
    KEPT.clear()


def no_wakeup():
    signal.set_wakeup_fd(-1)


def broken_pipe():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def alarm():
    if not IN_LOOP:  # there a timer may be a neighbour's
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0.2)


def on_own_loop():
    if IN_LOOP:
        every(lambda number: asyncio.get_running_loop().add_signal_handler(number, mine, 0, None))()
        return

    async def main():
        every(lambda number: asyncio.get_running_loop().add_signal_handler(number, mine, 0, None))()

    asyncio.run(main())


def removed_from_loop():
    on_own_loop()
    if IN_LOOP:
        every(asyncio.get_running_loop().remove_signal_handler)()


LEAVES = {
    "ignored": every(lambda number: signal.signal(number, signal.SIG_IGN)),
    "default": every(lambda number: signal.signal(number, signal.SIG_DFL)),
    "own": every(lambda number: signal.signal(number, mine)),
    "native": every(lambda number: faulthandler.register(number, file=2)),
    "block": block,
    "wakeup": wakeup,
    "closed wakeup": closed_wakeup,
    "no wakeup": no_wakeup,
    "broken pipe": broken_pipe,
    "alarm": alarm,
    "on own loop": on_own_loop,
    "removed from loop": removed_from_loop,
}


def perform(kind, name):
    (STARTS if kind == "starts" else LEAVES)[name]()


class Hooked:
    """The same in hooks."""

    @staticmethod
    def perform(kind, name):
        raise LookupError("as planned")

    @staticmethod
    def on_failure(error, kind, name):
        perform(kind, name)


if IN_LOOP:

    async def _perform(kind, name):
        perform(kind, name)

    async def _hooked(kind, name):
        raise LookupError("as planned")

    Hooked.perform = staticmethod(_hooked)
    job(queue="q", name="Meddles")(_perform)
else:
    job(queue="q", name="Meddles")(perform)
job(queue="q", name="Hooked")(Hooked)


WRONG = Path("wrong")


def in_hook(*_):
    """In a hook of the worker."""
    try:
        defaults()
        if os.environ["HOOK"] == "after_fork" and os.environ["MODE"] == "fork":
            return  # that is the job's own process
        every(lambda number: signal.signal(number, signal.SIG_IGN))()
        block()
        no_wakeup()
    except BaseException as error:
        WRONG.write_text(repr(error))
    finally:
        Path("hook").touch()


if os.environ.get("HOOK"):
    hooks.worker_hooks.add(os.environ["HOOK"], in_hook)
