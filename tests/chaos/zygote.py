"""A process that forks workers and enqueuers for the fault and chaos tests.

Forking from a process that has everything imported takes milliseconds, where starting Python takes a
third of a second; and it has no threads, so forking is safe there, which it is not in pytest itself.

    with Zygote(tmp_path) as zygote:
        pid = zygote.work(server.url, ["jobs"])
        assert zygote.wait(pid) == 0
        zygote.log()            # what the jobs wrote down
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyresque import Resque, Scheduler, Worker, job
from pyresque.cli.daemon import Program
from pyresque.config import Polling, SchedulerOptions, Unknown, WorkerOptions
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.worker.aio.worker import AsyncWorker
from pyresque.worker.pool.supervisor import Pool

ROOT = Path(__file__).parents[2]
REGISTRY = Registry(WorkerHooks())
FOLDER = Path()


def note(*words: object) -> None:
    """Append a line to the log, in one write, so that lines of many processes never mix."""
    with open(FOLDER / "log", "ab", buffering=0) as log:
        log.write((" ".join(map(str, words)) + "\n").encode())


def note_job(word: str, number: Any) -> None:
    """Write down that a job begins, or has come to its end: who runs it, for which worker, and when."""
    note(word, number, f"{os.getpid()}/{os.getppid()}/{time.time():.6f}")


def _once(number: Any, pause: float) -> None:
    note_job("begin", number)
    time.sleep(pause)
    note_job("end", number)


@job(queue="jobs", name="Good", registry=REGISTRY)
def good(number: Any, pause: float = 0.0) -> None:
    """Is done."""
    _once(number, pause)


@job(queue="jobs", name="Bad", registry=REGISTRY)
def bad(number: Any, pause: float = 0.0) -> None:
    """Fails with an exception."""
    _once(number, pause)
    raise ValueError(f"bad {number}")


@job(queue="jobs", name="Killed", registry=REGISTRY)
def killed(number: Any, pause: float = 0.0) -> None:
    """Its process dies."""
    _once(number, pause)
    os.kill(os.getpid(), signal.SIGKILL)


@job(queue="jobs", name="Async", registry=REGISTRY)
async def asynchronous(number: Any, pause: float = 0.0) -> None:
    """Is done, on an event loop."""
    note("begin", number, os.getpid())
    await asyncio.sleep(pause)
    note("end", number, os.getpid())


@job(queue="jobs", name="Any", registry=REGISTRY)
def anything(*args: Any) -> None:
    """Takes what comes, and writes down only a part of it."""
    note("args", json.dumps(args, separators=(",", ":"))[:200].replace(" ", "_"))
    _once("any", 0.0)


class Zygote:
    """The other end: what tests use."""

    def __init__(self, folder: Path, module: str = "tests.chaos.zygote") -> None:
        """`module`: whose jobs its workers have."""
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def work(self, url: str, queues: list[str], interval: float = 0.0, **options: Any) -> int:
        """Start a worker; options: heartbeat, unknown, fork, namespace, jobs_per_fork, timeout (of its link),
        slots (an async worker), pool (so many in a pool), hold (it begins when `release` says so).
        Returns its pid."""
        return int(self._ask(do="work", url=url, queues=queues, interval=interval, **options))

    def release(self) -> None:
        """Let a worker that was started with `hold` begin."""
        (self.folder / "go").touch()

    def schedule(self, url: str, **options: Any) -> int:
        """Start a scheduler; options: timeout. Returns its pid."""
        return int(self._ask(do="schedule", url=url, **options))

    def enqueue(self, url: str, jobs: list[list[Any]], pause: float = 0.0) -> int:
        """Start a process that enqueues jobs, [class name, args...] each, one by one."""
        return int(self._ask(do="enqueue", url=url, jobs=jobs, pause=pause))

    def wait(self, pid: int, seconds: float = 90.0) -> int:
        """Wait until a process and everything that it forked is gone; its exit code, or -signal."""
        code = self._ask(do="wait", pid=pid, seconds=seconds)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            self._ask(do="wait", pid=pid, seconds=30)
            raise AssertionError(f"process {pid} is still there after {seconds} s\n{self.told()}")
        return int(code)

    def log(self) -> list[list[str]]:
        """What the jobs wrote: `begin ID WHO` and `end ID WHO`, as words (WHO: see `note_job`)."""
        path = self.folder / "log"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def told(self) -> str:
        """What the processes wrote to stderr."""
        path = self.folder / "stderr"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def begun(self) -> list[str]:
        """The jobs that were begun, in order, each as often as it was."""
        return [words[1] for words in self.log() if words[0] == "begin"]

    def check_begun(
        self, expected: Sequence[object], *, in_order: bool = True, log: Path | None = None
    ) -> None:
        """Just these jobs were begun, each as often as it stands here; else tell everything about the others.

        Args:
            log: the log file of a Redis that has a part in it.
        """
        begun, wanted = self.begun(), [str(one) for one in expected]
        found, due = Counter(begun), Counter(wanted)
        wrong = {one for one in found | due if found[one] != due[one]}
        if wrong or (in_order and begun != wanted):
            raise AssertionError(f"begun: {begun}\nexpected: {wanted}\n{self.story(wrong, log)}")

    def story(self, numbers: Iterable[str], log: Path | None = None) -> str:
        """Every line that these jobs wrote, and what the processes wrote that had to do with them."""
        wanted = set(numbers)
        lines = [words for words in self.log() if len(words) == 3 and words[1] in wanted]
        pids = {pid for words in lines for pid in words[2].split("/")[:2]}
        path = self.folder / "stderr"
        told = path.read_text(errors="replace").splitlines() if path.exists() else []
        parts = ["what the jobs wrote (process/its parent/moment):", *map(" ".join, lines)]
        parts += ["what these processes wrote (process, moment):"]
        parts += [line for line in told if line.partition(" ")[0] in pids][-200:]
        if log is not None:
            parts += ["what Redis wrote:", *log.read_text(errors="replace").splitlines()[-100:]]
        return "\n".join(parts)

    def clear(self) -> None:
        """Forget log and stderr."""
        for name in ("log", "stderr", "go"):
            (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """End it and every process that it has forked and that is still there."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the zygote is gone\n{self.told()}"
        return json.loads(answer)


class _Server:
    """Reads requests from stdin and forks."""

    def __init__(self) -> None:
        self._alive: dict[int, int] = {}  # pid -> a pipe that ends when the last descendant does
        self._codes: dict[int, int] = {}

    def run(self) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "wait":
                answer = self._wait(request["pid"], request["seconds"])
            else:
                answer = self._fork(request)
            print(json.dumps(answer), flush=True)
        for pid in list(self._alive):
            if pid not in self._codes:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _fork(self, request: dict[str, Any]) -> int:
        read, write = os.pipe()
        os.set_inheritable(write, True)
        pid = os.fork()
        if pid:
            os.close(write)
            self._alive[pid] = read
            self._codes.pop(pid, None)  # of an earlier process with this pid
            return pid
        code = 1
        try:
            err = os.open(FOLDER / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(err, 2)
            os.dup2(err, 1)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            logging.basicConfig(level=logging.INFO, format=f"{pid or os.getpid()} %(created).6f %(message)s")
            {"work": _work, "enqueue": _enqueue, "schedule": _schedule}[request["do"]](request)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _wait(self, pid: int, seconds: float) -> int | None:
        until = time.monotonic() + seconds
        while pid not in self._codes:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._codes[pid] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                return None
            else:
                time.sleep(0.002)
        if pid in self._alive:
            if not select.select([self._alive[pid]], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            os.close(self._alive.pop(pid))
        return self._codes[pid]


def _work(request: dict[str, Any]) -> None:
    while request.get("hold") and not (FOLDER / "go").exists():
        time.sleep(0.002)
    options = WorkerOptions(
        polling=Polling(interval=request["interval"]),
        heartbeat_interval=request.get("heartbeat", 60.0),
        unknown=Unknown.parse(request.get("unknown", "leave")),
        fork_per_job=request.get("fork", True),
        jobs_per_fork=request.get("jobs_per_fork", 1),
    )
    resque = Resque(request["url"], request.get("namespace"), registry=REGISTRY)
    if "timeout" in request:
        resque.link._timeout = request["timeout"]  # type: ignore[attr-defined]
    queues = [
        name.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for name in request["queues"]
    ]

    def start() -> int:
        if "slots" in request:
            AsyncWorker(resque, queues, request["slots"], options).work()
        else:
            Worker(resque, queues, options).work()
        return 0

    pool = Pool(Program(str(FOLDER), {}))
    status = pool.run([_Start(start)] * request["pool"]) if "pool" in request else start()
    assert status == 0


@dataclass(frozen=True)
class _Start:
    status: Callable[[], int]
    name: str = "jobs"
    overlaps: bool = False


def _schedule(request: dict[str, Any]) -> None:
    resque = Resque(request["url"], registry=REGISTRY)
    resque.link._timeout = request.get("timeout", 5.0)  # type: ignore[attr-defined]
    Scheduler(resque, SchedulerOptions(interval=0.2, lock_timeout=5.0)).run()


def _enqueue(request: dict[str, Any]) -> None:
    resque = Resque(request["url"], registry=REGISTRY)
    for name, *args in request["jobs"]:
        assert resque.enqueue(name, *args, queue="jobs") is True
        time.sleep(request["pause"])
    resque.close()


def main() -> None:
    """Serve until stdin ends."""
    global FOLDER
    FOLDER = Path(sys.argv[1])
    with contextlib.suppress(KeyboardInterrupt):
        _Server().run()


if __name__ == "__main__":
    # The module under its own name, so that `note` sees the same FOLDER as the jobs.
    from tests.chaos import zygote

    zygote.main()
