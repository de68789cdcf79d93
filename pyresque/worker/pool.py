"""Several worker processes under one supervisor."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

FORWARDED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP,
    signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT,
)  # fmt: skip


def run_pool(count: int, start: Callable[[], int]) -> int:
    """Run `start` in `count` processes and wait for all of them; none is started again.

    Signals are passed on to every process. They are blocked here and fetched with `sigwait`, so none
    gets lost between a fork and its child's own handlers.

    Args:
        start: builds and runs one worker; returns the exit status of its process.

    Returns:
        0 if every process ended with 0, else 1.
    """
    waited = {*FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    try:
        alive = {_forked(start, before) for _ in range(count)}
        failed = False
        while alive:
            number = signal.sigwait(waited)
            if number == signal.SIGCHLD:
                failed = _reap(alive) or failed
            else:
                for pid in alive:
                    os.kill(pid, number)
        return int(failed)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reap(alive: set[int]) -> bool:
    """Take the processes that have ended out of the set; whether any of them failed."""
    failed = False
    for pid in list(alive):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            alive.discard(pid)
            failed = failed or status != 0
    return failed


def _forked(start: Callable[[], int], mask: set[signal.Signals | int]) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if pid == 0:
        _be_worker(start, mask)
    return pid


def _be_worker(start: Callable[[], int], mask: set[signal.Signals | int]) -> NoReturn:
    status = 1
    try:
        # Until the worker has handlers of its own: told to stop, it has nothing to clean up.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, lambda *_: os._exit(0))
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        status = start()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
