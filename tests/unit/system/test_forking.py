"""Processes of ours."""

import os
import sys
import types

from pyresque.system.forking import fork


def test_an_event_hub_is_renewed_in_the_new_process_only(monkeypatch):
    """gevent's waits for events by a descriptor, which both processes would share."""
    read, write = os.pipe()
    hub = types.ModuleType("gevent")
    hub.reinit = lambda: os.write(write, b"%d " % os.getpid())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gevent", hub)
    pid = fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"%d " % pid
