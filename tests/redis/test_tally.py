"""What workers count by class: every mode, each job once, with every fault of the link."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from pyresque import Resque, active_job, job
from pyresque.config import WorkerOptions
from pyresque.errors import RedisUnavailable
from pyresque.store import counts
from pyresque.store.space import Space
from pyresque.worker import tally
from pyresque.worker.tally import Tally
from tests.redis.bench import Bench, eventually

Jobs = dict[str, Any]


@pytest.fixture
def jobs(resque: Resque) -> Jobs:
    """One that is done, one that fails, an Active Job, one whose process is killed; there is a history."""
    counts.note_totals(resque.space)

    @job(queue="q", name="Good", registry=resque.registry)
    def good() -> None: ...

    @job(queue="q", name="Bad", registry=resque.registry)
    def bad() -> None:
        raise ValueError("bad")

    @job(queue="q", name="Dies", registry=resque.registry)
    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @active_job.job("WelcomeJob", queue="q", registry=resque.registry)
    def welcome() -> None: ...

    return {"good": good, "bad": bad, "dies": dies, "welcome": welcome}


def counted(resque: Resque) -> dict[str, tuple[int, int]]:
    """Of each class of Python's what was processed, and what of it has failed."""
    return {
        one.class_name: (one.processed, one.failed)
        for one in resque.ledger().classes
        if one.language == "python"
    }


@pytest.mark.parametrize(
    "options",
    [WorkerOptions(), WorkerOptions(jobs_per_fork=10), WorkerOptions(fork_per_job=False)],
    ids=["a process each", "several in a process", "no fork"],
)
def test_a_worker_tells_at_its_end_what_it_has_done(
    bench: Bench, resque: Resque, jobs: Jobs, options: WorkerOptions
) -> None:
    """By class, of an Active Job its own; what has failed has been processed, too."""
    for name in ("good", "good", "bad"):
        resque.enqueue(jobs[name])
    active_job.enqueue(resque, jobs["welcome"])
    bench.burst(options=options)
    assert counted(resque) == {"Good": (2, 0), "Bad": (1, 1), "WelcomeJob": (1, 0)}
    assert resque.ledger().python == resque.ledger().python.__class__(4, 1)
    assert [(one.processed, one.failed) for one in resque.history("day")[-1:]] == [(4, 1)]


def test_a_job_whose_process_dies_has_failed(bench: Bench, resque: Resque, jobs: Jobs) -> None:
    """Though Ruby's counter of failures does not count it."""
    resque.enqueue(jobs["dies"])
    bench.burst()
    assert (counted(resque), resque.stat("failed")) == ({"Dies": (1, 1)}, 0)


def test_a_worker_tells_with_its_heartbeat(bench: Bench, resque: Resque, jobs: Jobs) -> None:
    """So one that lives for months is seen, and one that is killed loses what it has not told yet."""
    worker = bench.start(options=WorkerOptions(heartbeat_interval=1.0))
    resque.enqueue(jobs["good"])
    eventually(lambda: counted(resque) == {"Good": (1, 0)})
    os.kill(worker.pid, signal.SIGKILL)
    eventually(worker.ended)
    assert counted(resque) == {"Good": (1, 0)}


def test_without_history_nothing_is_written(bench: Bench, resque: Resque, jobs: Jobs) -> None:
    """With the setting off no key is there; a job is done all the same."""
    resque.enqueue(jobs["good"])
    bench.burst(options=WorkerOptions(history=False))
    assert resque.stat("processed") == 1
    assert resque.link.execute("KEYS", "resque:pyresque:counts:*") == []


class LosesReplies:
    """A link that carries out scripts, and then says that no reply came, so often."""

    def __init__(self, link: Any, times: int) -> None:
        self._link, self.times = link, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def execute(self, *words: Any, check: Any = None) -> Any:
        answer = self._link.execute(*words, check=check)
        if str(words[0]).startswith("EVAL") and self.times:
            self.times -= 1
            raise RedisUnavailable("no reply", maybe_done=True)
        return answer


def test_what_was_told_without_an_answer_counts_once(resque: Resque) -> None:
    """It is sent again as it was, and what came later goes with the next one."""
    one = Tally(Space(LosesReplies(resque.space.link, 2), resque.space.keys), is_on=True, short=0)  # type: ignore[arg-type]
    one.ended["Good", False] += 2
    one.tell()
    one.ended["Good", True] += 1
    one.tell()
    one.tell()
    assert counted(resque) == {"Good": (2, 0)}
    one.tell()
    assert counted(resque) == {"Good": (3, 1)}


def test_what_redis_may_have_forgotten_is_not_sent_again(
    resque: Resque, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it counts once or not at all, and what comes later counts."""
    monkeypatch.setattr(tally, "REMEMBER_SECONDS", tally.MARGIN)
    one = Tally(Space(LosesReplies(resque.space.link, 1), resque.space.keys), is_on=True, short=0)  # type: ignore[arg-type]
    one.ended["Good", False] += 2
    one.tell()
    resque.link.execute("UNLINK", *resque.link.execute("KEYS", "resque:pyresque:once:*"))
    one.ended["Good", True] += 1
    one.tell()
    assert counted(resque) == {"Good": (3, 1)}


class IsAway(LosesReplies):
    """A link to a Redis that is not there."""

    def execute(self, *words: Any, check: Any = None) -> Any:
        if self.times:
            self.times -= 1
            raise RedisUnavailable("it is away", maybe_done=False)
        return self._link.execute(*words, check=check)


def test_while_redis_is_away_nothing_is_lost(resque: Resque) -> None:
    """All of it is told when it is back."""
    one = Tally(Space(IsAway(resque.space.link, 3), resque.space.keys), is_on=True, short=0)  # type: ignore[arg-type]
    for _ in range(4):
        one.ended["Good", False] += 1
        one.tell()
    assert counted(resque) == {"Good": (4, 0)}


def test_names_that_nobody_knows_do_not_fill_memory(
    bench: Bench, resque: Resque, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --unknown fail any name may come: of too many it is not told apart."""
    from pyresque.config import Unknown
    from pyresque.worker import settlement

    monkeypatch.setattr(settlement, "MOST", 3)
    counts.note_totals(resque.space)
    for n in range(5):
        resque.enqueue_to("q", f"Class{n}")
    bench.burst(options=WorkerOptions(unknown=Unknown("fail"), fork_per_job=False))
    assert counted(resque) == {**{f"Class{n}": (1, 1) for n in range(3)}, counts.OTHERS: (2, 2)}


def test_a_short_run_does_not_begin_the_history(bench: Bench, resque: Resque, jobs: Jobs) -> None:
    """It leaves only Ruby's keys, unless somebody has looked before."""
    resque.link.execute("FLUSHDB")
    resque.enqueue(jobs["good"])
    bench.burst()
    assert resque.link.execute("KEYS", "resque:pyresque:*") == []
    counts.note_totals(resque.space)
    resque.enqueue(jobs["good"])
    bench.burst()
    assert counted(resque) == {"Good": (1, 0)}
