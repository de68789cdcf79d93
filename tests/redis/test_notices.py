"""What a worker says once a minute: jobs wait that nobody here knows, or nobody moves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque, active_job, job
from pyresque.config import Unknown, WorkerOptions
from pyresque.errors import RedisUnavailable
from pyresque.store.connection.link import DirectLink
from pyresque.store.space import Space
from pyresque.worker import notices
from pyresque.worker.notices import AGAIN, EVERY, Notices
from pyresque.worker.queue_list import QueueList
from tests.redis.bench import calls, put

LOOKS = WorkerOptions(notices=True)
RUBY = "host:1:mailers,*"
LOCK = "resque:resque:resque_scheduler_master_lock"
Look = Callable[..., list[tuple[str, str]]]


class Clock:
    """A clock that stands until it is told otherwise."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def look(resque: Resque, clock: Clock, caplog: pytest.LogCaptureFixture) -> Look:
    """Looks as a worker does that listens to all queues; returns what was said."""
    job(queue="mailers", name="Reports::SendMail", registry=resque.registry)(lambda: None)
    active_job.job("WelcomeJob", queue="mailers", registry=resque.registry)(lambda: None)
    caplog.set_level(logging.INFO, "pyresque.worker")
    one = Notices(resque.space, resque.registry, QueueList(["*"]), LOOKS, clock)

    def looked(seconds: float = 0.0) -> list[tuple[str, str]]:
        clock.now += seconds
        caplog.clear()
        one.look()
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    return looked


def test_jobs_that_nobody_here_knows(resque: Resque, look: Look) -> None:
    """Per queue, with what may be meant; nothing where all are known."""
    put(resque, '{"class":"Reports::SendMail","args":[]}', queue="mailers")
    assert look() == []
    put(resque, *['{"class":"Reports::SendMial"}'] * 2, "junk", queue="mailers")
    put(resque, '{"class":"Other"}', queue="rest")
    ((level, mailers), (_, rest)) = look(EVERY)
    assert level == "WARNING"
    assert mailers.startswith("2 jobs of a class that is not registered here wait on mailers: 2 ")
    assert "Reports::SendMial: did you mean Reports::SendMail?" in mailers
    assert rest.startswith("1 job of a class that is not registered here waits on rest: Other is not ")


def test_the_same_is_said_again_after_ten_minutes_or_when_it_changes(resque: Resque, look: Look) -> None:
    """And no more often than once a minute, whatever happens."""
    put(resque, '{"class":"Other"}')
    assert len(look()) == 1
    put(resque, '{"class":"Other"}')
    assert look(EVERY - 1) == []
    assert len(look(1)) == 1
    for _ in range(int(AGAIN / EVERY) - 1):
        assert look(EVERY) == []
    assert len(look(EVERY)) == 1
    resque.remove_queue("q")
    assert look(EVERY) == []
    put(resque, *['{"class":"Other"}'] * 2)
    assert len(look(EVERY)) == 1


def test_what_is_likely_to_be_for_ruby_is_no_warning(resque: Resque, look: Look) -> None:
    """A Ruby worker listens there, and no class here has a name like it."""
    put(resque, '{"class":"RubyOnly"}', queue="mailers")
    resque.link.execute("SADD", "resque:workers", RUBY)
    assert [level for level, _ in look()] == ["INFO"]
    put(resque, '{"class":"Reports::SendMial"}', queue="mailers")
    assert [level for level, _ in look(EVERY)] == ["WARNING"]


def test_overdue_jobs_that_nobody_moves(resque: Resque, look: Look) -> None:
    """As long as there is no master; seconds without jobs, or to come, do not count."""
    now = int(time.time())

    def delayed(second: int, count: int) -> None:
        resque.link.execute("ZADD", "resque:delayed_queue_schedule", second, second)
        for _ in range(count):
            resque.link.execute("RPUSH", f"resque:delayed:{second}", '{"class":"A","args":[],"queue":"q"}')

    delayed(now - 500, 0)
    delayed(now + 500, 1)
    assert look() == []
    delayed(now - 400, 2)
    delayed(now - 300, 1)
    [(level, text)] = look(EVERY)
    assert (level, text) == (
        "WARNING",
        "3 delayed jobs are overdue (by 6 min) and no scheduler is master: start one with pyresque scheduler",
    )
    assert look(EVERY) == []
    resque.link.execute("SET", LOCK, "host:1")
    assert look(EVERY) == []
    resque.link.execute("DEL", LOCK)
    assert len(look(EVERY)) == 1


def test_jobs_on_paused_queues(resque: Resque, look: Look) -> None:
    """Whoever has forgotten a pause hears of it, and how it ends; an empty queue may be paused in silence."""
    resque.pause("mailers")
    assert look() == []
    put(resque, *['{"class":"Reports::SendMail","args":[]}'] * 2, queue="mailers")
    [said] = look(EVERY)
    assert said == (
        "WARNING", "2 jobs wait on paused queues (mailers): pyresque queue resume NAME ends the pause",
    )  # fmt: skip
    put(resque, '{"class":"Reports::SendMail","args":[]}', queue="mailers")
    assert look(EVERY) == []  # the same, with another number
    resque.resume("mailers")
    assert look(EVERY) == []
    for key, value in (("pause:all", "true"), ("pause-all-workers", "true")):
        resque.link.execute("SET", f"resque:{key}", value)
        [(_, text)] = look(EVERY)
        assert text == ("3 jobs wait while all queues are paused: pyresque queue resume --all ends the pause")
        resque.link.execute("DEL", f"resque:{key}")
        assert look(EVERY) == []


def test_a_look_is_bounded(resque: Resque, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """In queues, in jobs, and in bytes; an idle Redis is asked four things."""
    monkeypatch.setattr(notices, "MOST_JOBS", 20)
    monkeypatch.setattr(notices, "MOST_QUEUES", 2)
    look()
    calls(resque)
    assert look(EVERY) == []
    asked = ("smembers", "zrangebyscore", "lrange", "get", "pttl", "hgetall", "zrange", "llen")
    assert calls(resque, *asked) == 2
    for queue in "abc":
        put(resque, *['{"class":"Other"}'] * 25, queue=queue)
    assert [text.split(" wait on ")[0].split(" jobs")[0] for _, text in look(EVERY)] == ["at least 20"] * 2
    resque.link.execute("DEL", *(f"resque:queue:{queue}" for queue in "abc"))
    put(resque, *[b'{"class":"Large","args":["%b"]}' % (b"x" * 300_000)] * 30, queue="a")
    calls(resque)
    [(_, text)] = look(EVERY)
    assert text.startswith("at least 8 jobs")
    assert calls(resque, "lrange") == 2


@pytest.mark.parametrize("key", ["queues", "queue:q", "workers", "delayed_queue_schedule", LOCK[7:]])
@pytest.mark.parametrize("value", [("SET", "x"), ("RPUSH", "x"), ("HSET", "x", "y")])
def test_what_does_not_belong_under_a_key(
    resque: Resque, look: Look, key: str, value: tuple[Any, ...]
) -> None:
    """Is nobody's harm: less is said."""
    put(resque, '{"class":"Other"}', b"\xff", b'{"class":5}', b"[" * 5_000, "null", b'{"class":"\\ud800"}')
    resque.link.execute("DEL", f"resque:{key}")
    resque.link.execute(value[0], f"resque:{key}", *value[1:])
    look()
    look(AGAIN)


def test_redis_is_away(resque: Resque, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said, and it is tried again a minute later."""

    class Gone:
        def execute(self, *_: Any, **__: Any) -> Any:
            raise RedisUnavailable("away", maybe_done=False)

        execute_many = execute

    link: DirectLink = Gone()  # type: ignore[assignment]
    one = Notices(Space(link, resque.space.keys), resque.registry, QueueList(["*"]), LOOKS, clock)
    one.look()
    one._space = resque.space
    put(resque, '{"class":"Other"}')
    one.look()
    assert caplog.records == []
    clock.now += EVERY
    one.look()
    assert len(caplog.records) == 1


def test_a_worker_that_is_not_to_look_does_not(resque: Resque, caplog: pytest.LogCaptureFixture) -> None:
    """Of many that are alike one is enough; and where unknown jobs fail or move, none waits."""
    put(resque, '{"class":"Other"}')
    fails = WorkerOptions(notices=True, unknown=Unknown("fail"))
    Notices(resque.space, resque.registry, QueueList(["q"]), WorkerOptions()).look()
    Notices(resque.space, resque.registry, QueueList(["q"]), fails).look()
    assert caplog.records == []
