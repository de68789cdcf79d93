"""Arguments and names on their way to Redis: what is checked, how it is written, where it lands."""

from __future__ import annotations

import enum
import json
from datetime import date
from uuid import UUID

import pytest

from pyresque import Resque, active_job, job
from pyresque.errors import WrongArguments
from pyresque.plugins import pausing
from pyresque.testing import drain, enqueued, inline

KEY, DAY = UUID(int=5), date(2026, 1, 2)


class Queue(enum.Enum):
    MAIL = "mail"


class TextQueue(str, enum.Enum):  # noqa: UP042 (a StrEnum tells its value)
    MAIL = "mail"


def args_of(resque: Resque, queue: str) -> list[object]:
    return [json.loads(raw)["args"] for raw in resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)]


def test_every_way_to_enqueue_checks_and_writes(resque: Resque) -> None:
    """Each verb refuses what does not fit, and writes what does as the worker will read it."""

    @job(queue="q", name="J", registry=resque.registry)
    def work(key: UUID, day: date = DAY, *, dry_run: bool = False) -> None: ...

    wrong = ("abc", "x")
    with pytest.raises(WrongArguments, match="argument key of J"):
        resque.enqueue(work, *wrong)
    with pytest.raises(WrongArguments):
        resque.enqueue_to("other", work, *wrong)
    with pytest.raises(WrongArguments):
        resque.enqueue_many([(work, KEY), (work, *wrong)])
    with pytest.raises(WrongArguments):
        resque.enqueue_in(60, work, *wrong)
    with pytest.raises(WrongArguments):
        resque.enqueue_at(4_000_000_000, work, KEY, dry_run="yes")
    with pytest.raises(WrongArguments):
        resque.delay_or_enqueue_in(60, work, *wrong)
    with pytest.raises(WrongArguments):
        resque.set_schedule("nightly", job=work, cron="0 3 * * *", args=list(wrong))
    assert (resque.queues(), resque.count_all_scheduled_jobs(), resque.schedule()) == ([], 0, {})

    resque.enqueue(work, KEY, DAY)
    resque.enqueue_many([(work, KEY, DAY, {"dry_run": True})])
    assert args_of(resque, "q") == [[str(KEY), "2026-01-02"], [str(KEY), "2026-01-02", {"dry_run": True}]]
    resque.enqueue_in(60, work, KEY, dry_run=True)
    assert resque.is_delayed(work, KEY, dry_run=True)
    assert not resque.is_delayed(work, KEY)
    assert resque.remove_delayed(work, str(KEY), {"dry_run": True}) == 1
    resque.set_schedule("nightly", job=work, cron="0 3 * * *", args=[KEY])
    assert resque.stored_schedule()["nightly"]["args"] == [str(KEY)]


def test_what_is_looked_for_may_be_wrong(resque: Resque) -> None:
    """A job with wrong arguments that somebody else has put there can be removed by them."""

    @job(queue="q", name="J", registry=resque.registry)
    def work(key: UUID) -> None: ...

    for args in ([str(KEY)], ["abc"], [str(KEY), 2]):
        resque.push("q", {"class": "J", "args": args})
    resque.enqueue_in(60, "J", "abc", queue="q")
    assert resque.dequeue(work, "abc") == 1
    assert resque.dequeue(work, KEY, 2) == 1
    assert resque.dequeue(work, KEY) == 1
    assert resque.remove_delayed(work, "abc") == 1
    assert resque.size("q") == 0


def test_an_active_job_is_checked_too(resque: Resque) -> None:
    """Plain values are; an injecting decorator and keywords are seen as with any job."""

    @active_job.job("WelcomeJob", queue="mailers", registry=resque.registry)
    def welcome(user_id: int, *, day: date = DAY) -> None: ...

    with pytest.raises(WrongArguments, match="argument user_id of WelcomeJob"):
        active_job.enqueue(resque, welcome, "abc")
    assert active_job.enqueue(resque, welcome, 42, day=DAY)
    ran = []
    welcome_again = active_job.job("OtherJob", queue="mailers", registry=resque.registry)(
        lambda user_id, *, day=None: ran.append((user_id, day))
    )
    active_job.enqueue(resque, welcome_again, 43, day=DAY)
    assert drain(resque) == 2
    assert ran == [(43, DAY)]


@pytest.mark.parametrize("queue", [Queue.MAIL, TextQueue.MAIL])
def test_an_enum_names_a_queue_everywhere(resque: Resque, queue: Queue) -> None:
    """It means its value; nothing is pushed where nobody looks."""

    @job(queue=queue, name=queue, registry=resque.registry)  # type: ignore[arg-type]
    def work(n: int) -> None: ...

    q: str = queue  # type: ignore[assignment]
    resque.enqueue(work, 1)
    resque.enqueue_to(q, work, 2)
    resque.enqueue("mail", 3, queue=q)
    resque.enqueue(q, 4, queue=q)
    resque.enqueue_many([(work, 5), (q, 6)], queue=q)
    resque.push(q, {"class": "mail", "args": [7]})
    active_job.enqueue(resque, "WelcomeJob", 1, queue=q)
    assert resque.queues() == ["mail"]
    assert resque.size(q) == 8
    assert [one["class"] for one in resque.peek(q, 0, 7)] == ["mail"] * 7
    assert len(enqueued(resque, work, q)) == len(enqueued(resque, q, q)) == 7
    assert resque.pop(q) == {"class": "mail", "args": [1]}
    assert (resque.dequeue(work, 2, queue=q), resque.dequeue(q, 3, queue=q), resque.destroy(q, q, 4)) == (
        1,
        1,
        1,
    )
    pausing.pause(resque, q)
    assert pausing.paused(resque, "mail")
    pausing.resume(resque, q)
    assert resque.remove_queue(q) is True
    resque.enqueue_in_with_queue(q, 60, work, 8)
    resque.enqueue_in(60, q, 9, queue=q)
    assert len(resque.find_delayed(job=q)) == 2
    assert (resque.remove_delayed(work, 8), resque.remove_delayed(q, 9)) == (1, 1)
    resque.set_schedule("nightly", job=q, cron="0 3 * * *", queue=q)
    entry = resque.stored_schedule()["nightly"]
    assert (entry["class"], entry["queue"]) == ("mail", "mail")
    with inline(resque):
        resque.enqueue_to(q, work, 10)
    assert drain(resque, q) == 0
    assert resque.failures.requeue_queue(q) == resque.failures.remove_queue(q) == 0


def test_hooks_get_what_goes_on_the_wire(resque: Resque) -> None:
    """The same values as the hooks about the run of a job get."""
    seen = []

    class Plugin:
        def before_enqueue_note(self, *args: object) -> None:
            seen.append(args)

    @job(queue="q", name="J", plugins=[Plugin()], registry=resque.registry)
    def work(key: UUID, *, dry_run: bool = False) -> None: ...

    resque.enqueue(work, KEY, dry_run=True)
    assert seen == [(str(KEY), {"dry_run": True})]
