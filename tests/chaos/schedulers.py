"""Scheduler processes of both languages that are killed and started again, and what they did to Redis.

Fleet ......... the processes: who is master, kill, stop, end
history ....... what was pushed and noted, in order, as the append-only file of Redis tells it
fires ......... the runs of one entry of the schedule, out of that history
check_ticks ... none of them twice; which are missing
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

import hiredis

from pyresque import Resque
from pyresque.wire import times
from tests.interop.choice import ROOT
from tests.interop.ruby import Ruby

LOCK = "resque:resque:resque_scheduler_master_lock"
NOTED = "resque:delayed:last_enqueued_at"
CODE = """
require "resque"
require "resque-scheduler"
Resque.redis = ENV.fetch("REDIS_URL")
$stdout.sync = true
puts "PID #{Process.pid}"
Resque::Scheduler.configure { |c| c.poll_sleep_amount = 0.5; c.dynamic = true; c.quiet = true }
Resque::Scheduler.run
"""


@dataclass
class One:
    """A scheduler, and what it takes to start it again: ours has its command line and its Redis."""

    process: subprocess.Popen[bytes]
    pid: int
    words: Sequence[str]
    url: str
    ruby: Ruby | None = None

    @property
    def is_ruby(self) -> bool:
        """Whether it is a Ruby one."""
        return self.ruby is not None

    def send(self, name: str) -> None:
        """Send it a signal. A Ruby one may be another process than the one that we have started."""
        if self.ruby is not None:
            self.ruby.kill(self.pid, name)
        elif self.process.poll() is None:
            self.process.send_signal(signal.Signals[f"SIG{name}"])

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.send("KILL")
        self.process.wait(60)


class Fleet:
    """Schedulers; all of them are dead when the `with` block is left.

    Args:
        resque: a way to their Redis that no fault lies on.
        log: the file that takes what they say.
        lock: seconds after which another one takes over from a dead master.
    """

    def __init__(self, resque: Resque, log: Path, lock: float) -> None:
        self._resque = resque
        self._log = log
        self._settings = {"LOCK_TIMEOUT": f"{lock:g}", "MULTI_JSON": "json_gem"}
        self._numbers = itertools.count()
        self.all: list[One] = []

    def python(self, url: str, *flags: str) -> None:
        """Start the real program."""
        words = [sys.executable, "-m", "pyresque", "scheduler", *flags]
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("RESQUE", "RAILS"))}
        with self._log.open("ab") as log:
            process = self._process(words, {**keep, "REDIS_URL": url, **self._settings}, log)
        self.all.append(One(process, process.pid, words, url))

    def ruby(self, ruby: Ruby) -> None:
        """Start resque-scheduler, and wait until it says which process it is."""
        own = self._log.with_name(f"{self._log.name}-ruby-{next(self._numbers)}")
        words = ruby.command("-W0", "-e", CODE, env=self._settings)
        with own.open("wb") as log:
            process = self._process(words, ruby.environment(self._settings), log)
        until = time.monotonic() + 60
        while not (found := re.search(r"^PID (\d+)$", own.read_text("utf-8", "replace"), re.M)):
            assert process.poll() is None, own.read_text("utf-8", "replace")
            assert time.monotonic() < until, "Ruby does not start"
            time.sleep(0.01)
        self.all.append(One(process, int(found[1]), words, ruby.url, ruby))

    def again(self, one: One) -> None:
        """Start another one like one that is gone."""
        if one.ruby is not None:
            self.ruby(one.ruby)
        else:
            self.python(one.url, *one.words[4:])

    def _process(self, words: Sequence[str], env: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def master(self) -> One | None:
        """Whoever has the lock."""
        held = (self._resque.link.execute("GET", LOCK) or b"::").split(b":")
        return next((one for one in self.all if str(one.pid).encode() == held[1]), None)

    def wait_for_master(self) -> One:
        """Wait until there is one."""
        until = time.monotonic() + 60
        while not (found := self.master()):
            self.revive()
            assert time.monotonic() < until, f"nobody became master\n{self.told()}"
            time.sleep(0.01)
        return found

    def kill(self, one: One, again: bool = True) -> None:
        """Kill -9, and start another one like it at once, or later with `again`."""
        one.kill()
        self.all.remove(one)
        if again:
            self.again(one)

    def revive(self) -> int:
        """Start again what has ended by itself (Ruby does); how many that were. Ours must not."""
        ended = [one for one in self.all if one.process.poll() is not None]
        for one in ended:
            assert one.is_ruby, f"a scheduler ended with {one.process.returncode}\n{self.told()}"
            self.kill(one)
        return len(ended)

    def end(self) -> None:
        """Tell all to leave, and wait for it; ours leave with status 0."""
        for one in self.all:
            while not _listens(one.pid):
                time.sleep(0.01)  # it was started a moment ago
            one.send("TERM")
        for one in self.all:
            status = one.process.wait(60)
            assert one.is_ruby or status == 0, f"status {status}\n{self.told()}"

    def told(self) -> str:
        """The last that they have said."""
        logs = sorted(self._log.parent.glob(f"{self._log.name}*"))
        return "\n".join(f"{one.name}: {one.read_text('utf-8', 'replace')[-4000:]}" for one in logs)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *error: object) -> None:
        for one in self.all:
            one.kill()


def _listens(pid: int) -> bool:
    """Whether a process has a handler for TERM, or is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "")
    return "\nState:\tZ" in status or bool(int(caught or "0", 16) & 1 << (signal.SIGTERM - 1))


def history(folder: Path) -> list[tuple[bool, list[bytes]]]:
    """All writes, in order; and whether each was part of a transaction or a script."""
    reader, found, inside = hiredis.Reader(), list[tuple[bool, list[bytes]]](), False
    for path in sorted(folder.rglob("*.aof"), key=lambda one: one.stat().st_mtime):
        reader.feed(path.read_bytes())
    while words := reader.gets():
        name, *rest = words
        name = name.upper()  # Ruby sends small letters
        if name in (b"MULTI", b"EXEC"):
            inside = name == b"MULTI"
        else:
            found.append((inside, [name, *rest]))
    return found


@dataclass(frozen=True)
class Fire:
    """A job that the schedule pushed; without `at` it was never noted: a Ruby master was killed then."""

    at: int | None
    by_ruby: bool


def fires(writes: Iterable[tuple[bool, list[bytes]]], entry: str, queue: str) -> Iterator[Fire]:
    """The runs of an entry that has a queue to itself. We note it in the step that pushes, Ruby after it."""
    open_fire: bool | None = None
    for inside, words in writes:
        if words[:2] == [b"RPUSH", f"resque:queue:{queue}".encode()]:
            assert len(words) == 3, words
            if open_fire is not None:
                yield Fire(None, open_fire)
            open_fire = not inside
        elif words[:3] == [b"HSET", NOTED.encode(), entry.encode()]:
            at = times.parse(words[3].decode())
            assert at is not None
            assert open_fire is not None, f"noted, but not pushed: {words}"
            yield Fire(int(at), open_fire)
            open_fire = None
    if open_fire is not None:
        yield Fire(None, open_fire)


def check_ticks(found: Sequence[Fire], ruby_kills: int = 0) -> list[tuple[int, Fire]]:
    """No second twice, and in order; each noted, but for one at each kill of a Ruby master.

    Returns:
        The seconds between the first and the last run that have none, each with the run that came after it.
    """
    noted = [(one.at, one) for one in found if one.at is not None]
    gaps: list[tuple[int, Fire]] = []
    for (before, _), (at, after) in pairwise(noted):
        assert before < at, f"{before} was fired before {after}"
        gaps += [(second, after) for second in range(before + 1, at)]
    assert len(found) - len(noted) <= ruby_kills
    assert all(one.by_ruby for one in found if one.at is None)
    return gaps
