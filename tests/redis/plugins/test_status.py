"""Statuses on the keys of resque-status (docs/protocol/core.md#resque-status)."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from typing import Any

import pytest

from pyresque import DontPerform, Resque, job
from pyresque.errors import InvalidJob
from pyresque.plugins import Status, Statuses, current_status
from tests.redis.plugins.conftest import Works
from tests.redis.plugins.failing import errors, note, seen

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}"


def crunching(resque: Resque, body: Any, **settings: Any) -> tuple[Statuses, Any]:
    """A job with a status, and its plugin."""
    statuses = Statuses(resque, **settings)

    @job(name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, Any]) -> None:
        body(current_status())

    return statuses, crunch


def run(resque: Resque, works: Works, body: Any, **options: Any) -> dict[str, Any]:
    """The status of a job after it has run."""
    statuses, crunch = crunching(resque, body)
    uuid = statuses.create(crunch, **options)
    assert uuid
    works.burst("statused")
    return statuses.get(uuid) or {}


def test_a_new_job_is_queued(resque: Resque) -> None:
    """Its UUID and options are its arguments, `statused` its queue unless it has another."""
    statuses, crunch = crunching(resque, None)
    before = int(time.time())
    uuid = statuses.create(crunch, num=2, what=None)
    assert uuid
    assert re.fullmatch("[0-9a-f]{32}", uuid)
    [waiting] = resque.peek("statused")
    assert waiting == {"class": "Crunch", "args": [uuid, {"num": 2, "what": None}]}
    value = statuses.get(uuid) or {}
    assert list(value) == ["time", "status", "uuid", "options"]
    assert value["time"] - before in range(60)
    assert value["status"] == "queued"


def test_a_class_of_ruby_can_be_given_a_status(resque: Resque) -> None:
    """By its name."""
    statuses = Statuses(resque)
    uuid = statuses.create("Reports::Monthly", month=11)
    assert resque.peek("statused") == [{"class": "Reports::Monthly", "args": [uuid, {"month": 11}]}]


def test_a_job_with_a_queue_of_its_own_goes_there(resque: Resque) -> None:
    """As in Ruby."""
    statuses = Statuses(resque)
    job(queue="own", name="Own", plugins=[statuses], registry=resque.registry)(own := lambda *args: None)
    statuses.create(own)
    assert resque.queue_sizes() == {"own": 1}


def test_a_job_that_is_refused_has_no_status(resque: Resque) -> None:
    """A before_enqueue hook said no: None, and nothing is left."""
    statuses = Statuses(resque)

    @job(queue="q", name="Refused", plugins=[statuses], registry=resque.registry)
    class Refused:
        @staticmethod
        def before_enqueue(*args: Any) -> bool:
            return False

        @staticmethod
        def perform(*args: Any) -> None: ...

    assert statuses.create(Refused) is None
    assert resque.link.execute("KEYS", "*") == []


def test_a_job_says_how_far_it_is(resque: Resque, works: Works) -> None:
    """`at` with number, total and message; what else is said stands beside it; done at the end."""

    def body(status: Status) -> None:
        note(resque, status.value["status"])
        status.at(3, 10, "third", colour="red")
        note(resque, str({key: status.value[key] for key in ("status", "num", "total", "message", "colour")}))

    value = run(resque, works, body, num=2)
    third = "{'status': 'working', 'num': 3, 'total': 10, 'message': 'third', 'colour': 'red'}"
    assert seen(resque) == ["working", third]
    names = ["time", "status", "uuid", "options", "name", "num", "total", "colour", "message"]
    assert sorted(value) == sorted(names)
    assert (value["status"], value["name"]) == ("completed", 'Crunch({"num"=>2})')
    assert re.fullmatch(f"Completed at {TIME}", value["message"])


def test_without_options_the_name_is_bare(resque: Resque, works: Works) -> None:
    """`Crunch()`."""
    assert run(resque, works, lambda status: None)["name"] == "Crunch()"


def test_an_exception_is_a_failed_status_and_a_failure(resque: Resque, works: Works) -> None:
    """The message is that of Ruby."""

    def body(status: Status) -> None:
        raise ValueError("no luck")

    value = run(resque, works, body)
    assert value["status"] == "failed"
    assert value["message"] == "The task failed because of an error: no luck"
    assert errors(resque) == ["ValueError"]


def test_a_killed_process_is_a_failed_status(resque: Resque, works: Works) -> None:
    """Where Ruby's stays at working."""
    value = run(resque, works, lambda status: os.kill(os.getpid(), signal.SIGKILL))
    assert value["status"] == "failed"
    assert "SIGKILL" in value["message"]


def test_a_job_may_say_itself_that_it_is_done(resque: Resque, works: Works) -> None:
    """`completed` with a message, and whatever else."""
    value = run(resque, works, lambda status: status.completed("all 10", result=7))
    assert (value["status"], value["message"], value["result"]) == ("completed", "all 10", 7)


def test_a_job_may_say_itself_that_it_has_failed(resque: Resque, works: Works) -> None:
    """`failed` without an exception is not a failure of Resque's."""
    value = run(resque, works, lambda status: status.failed("half of it"))
    assert (value["status"], value["message"], errors(resque)) == ("failed", "half of it", [])


def test_a_job_that_is_killed_ends_when_it_next_speaks(resque: Resque, works: Works) -> None:
    """Its status says so, the wish is granted and gone, and it is not a failure."""
    statuses = Statuses(resque)

    @job(queue="q", name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, Any]) -> None:
        statuses.kill(uuid)
        note(resque, "begun")
        current_status().tick("going on")
        note(resque, "never")

    uuid = statuses.create(crunch)
    assert uuid
    works.burst("q")
    value = statuses.get(uuid) or {}
    assert (seen(resque), value["status"]) == (["begun"], "killed")
    assert re.fullmatch(f"Killed at {TIME}", value["message"])
    assert (errors(resque), statuses.is_to_be_killed(uuid)) == ([], False)


def test_a_wish_to_kill_can_be_taken_back(resque: Resque, works: Works) -> None:
    """`spare`."""
    statuses, crunch = crunching(resque, lambda status: status.at(1, 2))
    uuid = statuses.create(crunch)
    assert uuid
    statuses.kill(uuid)
    statuses.spare(uuid)
    works.burst("statused")
    assert (statuses.get(uuid) or {})["status"] == "completed"


def test_an_async_job_finds_its_status(resque: Resque, works: Works) -> None:
    """The context goes along into the event loop."""
    statuses = Statuses(resque)

    @job(queue="q", name="Crunch", plugins=[statuses], registry=resque.registry)
    async def crunch(uuid: str, options: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        current_status().at(1, 1, "async")
        note(resque, current_status().uuid)

    uuid = statuses.create(crunch)
    works.burst("q")
    assert seen(resque) == [uuid]


def test_without_a_status_there_is_no_current_one() -> None:
    """A LookupError, outside of jobs and after them."""
    with pytest.raises(LookupError):
        current_status()


def test_a_total_of_nothing_is_refused(resque: Resque) -> None:
    """As in Ruby: of what should it be a part?"""
    with pytest.raises(ValueError, match="more than 0"):
        Status(Statuses(resque), "u", "n").at(1, 0)


def test_list_shows_the_newest_first(resque: Resque) -> None:
    """In pages; expired ones are left out; removed ones are gone."""
    statuses = Statuses(resque)
    for number in range(5):
        uuid = f"{number}" * 32
        statuses.update(uuid, {"n": number})
        resque.link.execute("ZADD", "resque:_statuses", 1000 + number, uuid)
    assert [one["n"] for one in statuses.list()] == [4, 3, 2, 1, 0]
    assert [one["n"] for one in statuses.list(1, 2)] == [3, 2]
    assert statuses.list(0, 0) == []
    statuses.remove("3" * 32)
    resque.link.execute("DEL", f"resque:status:{'1' * 32}")
    resque.link.execute("SET", f"resque:status:{'0' * 32}", "no json")
    assert [one["n"] for one in statuses.list()] == [4, 2]
    assert resque.link.execute("ZCARD", "resque:_statuses") == 4


def test_a_status_expires_and_old_members_are_swept(resque: Resque, works: Works) -> None:
    """Each write renews the time; a new job sweeps the members that are older."""
    statuses, crunch = crunching(resque, lambda status: status.at(1, 2), expire_in=100)
    resque.link.execute("ZADD", "resque:_statuses", 5, "old")
    uuid = statuses.create(crunch)
    assert uuid
    resque.link.execute("EXPIRE", f"resque:status:{uuid}", 10)
    works.burst("statused")
    assert 90 < resque.link.execute("TTL", f"resque:status:{uuid}") <= 100
    assert resque.link.execute("ZRANGE", "resque:_statuses", 0, -1) == [uuid.encode()]


def test_a_status_that_is_gone_is_begun_anew(resque: Resque, works: Works) -> None:
    """It expired while the job waited: the job runs all the same."""
    statuses, crunch = crunching(resque, lambda status: status.at(1, 2))
    resque.enqueue_to("statused", crunch, "f" * 32, {})
    works.burst("statused")
    assert (statuses.get("f" * 32) or {})["status"] == "completed"


def test_what_fails_before_the_job_begins_shows_in_the_status(resque: Resque, works: Works) -> None:
    """Arguments that do not fit; without a UUID there is nothing to say it to."""
    statuses = Statuses(resque)

    @job(queue="q", name="Crunch", plugins=[statuses], registry=resque.registry)
    def crunch(uuid: str, options: dict[str, int]) -> None: ...

    uuid = statuses.create(crunch, n=1)
    assert uuid
    raw = resque.link.execute("LPOP", "resque:queue:q")
    resque.link.execute(
        "RPUSH", "resque:queue:q", raw.replace(b":1}", b':"text"}'), b'{"class":"Crunch","args":[]}'
    )
    works.burst("q")
    assert (statuses.get(uuid) or {})["status"] == "failed"
    assert errors(resque) == ["ArgumentError"] * 2


def test_a_job_that_does_not_perform_stays_queued(resque: Resque, works: Works) -> None:
    """DontPerform comes before the status begins."""
    statuses = Statuses(resque)

    @job(queue="q", name="Never", plugins=[statuses], registry=resque.registry)
    class Never:
        @staticmethod
        def before_perform(*args: Any) -> None:
            raise DontPerform

        @staticmethod
        def perform(*args: Any) -> None: ...

    uuid = statuses.create(Never)
    assert uuid
    works.burst("q")
    assert (statuses.get(uuid) or {})["status"] == "queued"


@pytest.mark.parametrize("seconds", [0, -1, 1.5, True])
def test_statuses_expire_after_whole_seconds(resque: Resque, seconds: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidJob, match="whole seconds"):
        Statuses(resque, expire_in=seconds)
