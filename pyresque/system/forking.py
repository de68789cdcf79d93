"""Processes of ours that are forked: what they must not have in common with the one that they come from.

A fork copies the at-exit functions and the state of random numbers. It does not copy threads, and a lock that
one of those holds stays locked in the copy for ever.
"""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from typing import Any

from pyresque.log import Log
from pyresque.system import signal_handlers
from pyresque.usercode.safely import cut, tried

logger = Log("pyresque.worker")

_told = False


def fork() -> int:
    """Fork a process of ours; where the application has threads a warning names them, once."""
    _tell_of_threads()
    pid = signal_handlers.fork()
    if pid == 0:
        _renew_event_hub()
    return pid


def _renew_event_hub() -> None:
    """Let gevent, if it is loaded, wait for events of its own: else it would take its parent's.

    It does that where it is asked to fork, and that is not what we do: it would also wait for our processes.
    """
    gevent: Any = sys.modules.get("gevent")
    if gevent is not None:
        tried(lambda: gevent.reinit())


def _tell_of_threads() -> None:
    global _told
    if _told or threading.active_count() < 2:
        return
    names = sorted(
        thread.name for thread in threading.enumerate() if thread is not threading.current_thread()
    )
    if names:
        _told = True
        logger.warning(
            "a process is forked while threads of the application run (%s): it has none of them, and a lock "
            "that one of them holds stays locked in it. Start them in hooks.after_fork, or with --no-fork "
            "and --async-concurrency in hooks.before_first_fork",
            cut(", ".join(names), 500),
        )


def reseed() -> None:
    """Give this process random numbers of its own from numpy, if that is loaded; Python's own has them."""
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        tried(lambda: numpy.seed())


def own_exit_functions() -> None:
    """At its end this process is to call only what is registered in it, not what was before the fork.

    That may remove folders that others use, or end their processes. What Python itself does at the end of a
    process stays: log handlers are flushed, and so on.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]  # Python's own
        finalizer.atexit = False
    atexit.register(sys.modules["logging"].shutdown)  # what is registered last is called first
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]  # Python's own
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util._finalizer_registry.clear()
        sys.modules["multiprocessing.process"]._children.clear()
        atexit.register(util._exit_function)
