"""`resque.classes()`: every class of either language, wherever it is, and who knows it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pyresque import Resque, active_job, job
from pyresque.client import classes
from pyresque.registry import Registry
from pyresque.store import counts
from tests.redis.client.test_history import OURS, RUBY, both, fails, works

__all__ = ["both"]


@pytest.fixture
def mail(resque: Resque) -> Any:
    active_job.job("WelcomeJob", queue="mail", registry=resque.registry)(lambda: None)
    return job(queue="mail", name="SendMail", registry=resque.registry)(lambda *args: None)


def test_a_class_is_found_wherever_it_is(resque: Resque, both: None, mail: Any) -> None:
    """On queues, delayed, at work, in the failed list, in the ledger, and registered."""
    resque.enqueue(mail)
    resque.enqueue_in(60, mail)
    resque.enqueue_to("other", "Ruby::Report", 1)
    works(resque, RUBY, "Ruby::Report")
    works(resque, OURS, "SendMail")
    fails(resque, "Ruby::Old")
    counts.count(resque.space, [("Gone", 5, 2)], "t")
    found = resque.classes()
    assert found.is_whole
    numbers = {
        one.name: (one.waiting, one.working, one.delayed, one.failed, one.known_here, sorted(one.languages))
        for one in found.seen
    }
    assert numbers == {
        "SendMail": (1, 1, 1, 0, True, ["python"]),
        "WelcomeJob": (0, 0, 0, 0, True, []),
        "Ruby::Report": (1, 1, 0, 0, False, ["ruby"]),
        "Ruby::Old": (0, 0, 0, 1, False, ["ruby"]),
        "Gone": (0, 0, 0, 0, False, ["python"]),
    }
    gone = found.find("Gone")
    assert gone is not None
    assert (gone.processed, gone.failures) == ({"python": 5}, {"python": 2})
    assert found.find("Nothing") is None


def test_a_class_that_is_nearly_known(resque: Resque, mail: Any) -> None:
    """As `pyresque jobs` tells it; an Active Job is known by its own name, inside its wrapper."""
    resque.enqueue_to("mail", "send_mail", 1)
    active_job.enqueue(resque, resque.registry.wrapped_jobs()[0].target)
    found = resque.classes()
    near = found.find("send_mail")
    assert near is not None
    assert (near.known_here, near.near) == (False, ["SendMail"])
    assert "did you mean SendMail?" in near.advice
    welcome = found.find("WelcomeJob")
    assert welcome is not None
    assert (welcome.known_here, welcome.waiting, welcome.advice) == (True, 1, "")
    other = resque.classes(Registry(resque.registry.worker_hooks)).find("WelcomeJob")
    assert other is not None
    assert not other.known_here


def test_it_takes_no_longer_with_a_million_jobs(
    resque: Resque, mail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not read is said not to be: of those classes there may be more."""
    monkeypatch.setattr(classes, "JOBS", 100)
    resque.link.execute("SADD", "resque:queues", "a", "b")
    resque.link.execute("RPUSH", "resque:queue:a", *[b'{"class":"A","args":[]}'] * 500)
    resque.link.execute("RPUSH", "resque:queue:b", b'{"class":"B","args":[]}')
    for n in range(150):
        resque.enqueue_at(time.time() + 60 + n, mail, n)
        fails(resque, "Broken", n)
    found = resque.classes()
    by_name = {one.name: (one.waiting, one.delayed, one.failed, one.is_least) for one in found.seen}
    assert by_name == {
        "A": (50, 0, 0, True), "B": (1, 0, 0, False), "SendMail": (0, 100, 0, True),
        "Broken": (0, 0, 50, True), "WelcomeJob": (0, 0, 0, False),
    }  # fmt: skip
    assert not found.is_whole


def test_so_many_classes_are_told_apart(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody enqueues classes that are all different."""
    monkeypatch.setattr(classes, "MOST_CLASSES", 20)
    resque.link.execute("SADD", "resque:queues", "a")
    rows = [json.dumps({"class": f"C{n}", "args": []}) for n in range(100)]
    resque.link.execute("RPUSH", "resque:queue:a", *rows)
    found = resque.classes()
    assert (len(found.seen), found.is_whole) == (20, False)


@pytest.mark.parametrize(
    "key",
    [
        "queues", "queue:q", "delayed_queue_schedule", "delayed:100", "failed", "failed_queues", "workers",
        "pyresque:workers",
    ],
)  # fmt: skip
def test_keys_of_a_wrong_type(resque: Resque, mail: Any, key: str) -> None:
    """The other places are looked at all the same."""
    resque.link.execute("SADD", "resque:queues", "q")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 100, 100)
    resque.link.execute("DEL", f"resque:{key}")
    resque.link.execute("SET", f"resque:{key}", "junk")
    counts.count(resque.space, [("Gone", 1, 0)], "t")
    assert {one.name for one in resque.classes().seen} >= {"SendMail", "Gone"}


def test_elements_that_are_no_jobs_are_left_out(resque: Resque, mail: Any) -> None:
    """Whatever is on a queue."""
    resque.link.execute("SADD", "resque:queues", "q")
    junk = [b"", b"\xff", b"[]", b"null", b'{"class":7}', b'{"args":[]}', b"[" * 3000]
    resque.link.execute("RPUSH", "resque:queue:q", *junk)
    assert sorted(one.name for one in resque.classes().seen) == ["SendMail", "WelcomeJob"]
