"""Workers in processes of their own, and the jobs that tests let them run."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

from pyresque import Worker, job
from pyresque._version import __version__


def eventually(check, seconds=60.0):
    """Wait until `check()` is true; returns what it gave."""
    until = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.003)
    return found


def resque_url(resque):
    """Where its server is, with the password: for a process of its own."""
    return f"redis://:{resque.link.target.password}@{resque.link.address}/0"


def calls(resque, *names):
    """How often these commands ran since the last call, in scripts too."""
    text = resque.link.execute("INFO", "commandstats").decode()
    resque.link.execute("CONFIG", "RESETSTAT")
    found = dict(line.split(":calls=") for line in text.split() if ":calls=" in line)
    return sum(int(found.get(f"cmdstat_{name}", "0").partition(",")[0]) for name in names)


class Running:
    """A worker in a forked process. `prepare(worker)` runs there first."""

    def __init__(self, resque, queues, options, interval, prepare):
        self.resque, self.queues = resque, queues
        self._status = None
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                worker = Worker(resque, queues, options)
                if prepare:
                    prepare(worker)
                worker.work(interval)
                status = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(status)

    @property
    def id(self):
        listed = ",".join(one for one in self.queues if not one.startswith("!"))
        return f"{socket.gethostname()}:{self.pid}:{listed}"

    def ready(self):
        """Wait until it has registered."""
        eventually(lambda: self.resque.link.execute("SISMEMBER", "resque:workers", self.id))
        return self

    def title(self):
        return Path(f"/proc/{self.pid}/cmdline").read_bytes().strip(b"\0 ").decode()

    def shows(self, pattern):
        """Wait until the process title is this."""
        eventually(lambda: re.fullmatch(f"pyresque-{re.escape(__version__)}: {pattern}", self.title()))

    def send(self, number):
        os.kill(self.pid, number)

    def ended(self):
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def wait(self):
        """Wait for its end; returns the exit status."""
        eventually(self.ended)
        return os.waitstatus_to_exitcode(self._status)

    def end(self):
        """End it and the child that it may have, at once."""
        if self.ended():
            return
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):  # a child goes with its worker
                os.kill(pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Bench:
    """Starts workers on a Resque, and ends those that a test has left running."""

    def __init__(self, resque):
        self.resque = resque
        self.workers = []

    def start(self, *queues, options=None, interval=0.01, prepare=None, resque=None):
        self.workers.append(Running(resque or self.resque, queues or ("q",), options, interval, prepare))
        return self.workers[-1]

    def burst(self, *queues, **how):
        """Run a worker until nothing is left to do."""
        worker = self.start(*queues, interval=0, **how)
        assert worker.wait() == 0
        return worker


# --- what the jobs of these tests do ---------------------------------------------------------------


def note(resque, *texts):
    resque.link.execute("RPUSH", "seen", *texts)


def seen(resque):
    return [text.decode() for text in resque.link.execute("LRANGE", "seen", 0, -1)]


def add_echo(resque):
    @job(queue="q", name="Echo", registry=resque.registry)
    def echo(*args) -> None:
        note(resque, json.dumps(args))

    return echo


def add_slow(resque):
    """A job that says its pid, waits for the key `go` (whatever is cut) and says that it has finished."""

    @job(queue="q", name="Slow", registry=resque.registry)
    def slow() -> None:
        note(resque, f"pid {os.getpid()}")
        eventually(lambda: resque.space.link.execute("EXISTS", "go"), 20)
        note(resque, "finished")

    return slow


def busy(bench, **how):
    """A worker in the middle of a Slow job; returns it and the pid of its child."""
    bench.resque.enqueue(add_slow(bench.resque))
    worker = bench.start(**how)
    [pid, *_] = eventually(lambda: seen(bench.resque))
    return worker, int(pid.split()[1])


def put(resque, *raws, queue="q"):
    resque.link.execute("RPUSH", f"resque:queue:{queue}", *raws)
    resque.link.execute("SADD", "resque:queues", queue)


def elements(resque, queue="q"):
    return resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)


def failed(resque, key="failed"):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", f"resque:{key}", 0, -1)]


def stats(resque):
    return resque.stat("processed"), resque.stat("failed")


def hook(resque, kind):
    """Register a worker hook on the registry of these tests."""

    def register(function):
        resque.registry.worker_hooks.add(kind, function)
        return function

    return register
