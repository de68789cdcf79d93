"""The entries of the schedule as people look at them."""

import json

import pytest

from pyresque import job
from pyresque.client.schedule_entries import check_queueable, listed
from pyresque.errors import InvalidSchedule
from pyresque.schedule.entry import Entry

NOON = 1_764_504_000.0  # 2025-11-30 12:00 UTC


def put(resque, **values):
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        resque.link.execute("HSET", resque.space.keys.persistent_schedules, name, text)


def test_entries_of_redis_and_of_a_file_by_name(resque):
    put(resque, b={"class": "A", "queue": "q", "every": "1h"}, a={"class": "A", "queue": "q", "every": "2h"})
    file = {name: {"class": "A", "queue": "q", "every": "3h"} for name in ("b", "c")}
    found = listed(resque, NOON, file)
    assert [(entry.name, entry.source, entry.hides) for entry in found] == [
        ("a", "redis", False), ("b", "redis", True), ("c", "file", False)
    ]  # fmt: skip
    assert found[0].value["every"] == "2h"
    assert found[0].runs(3, NOON) == [NOON + hours * 3_600 for hours in (2, 4, 6)]
    assert found[0].next == NOON + 7_200


@pytest.mark.parametrize(
    ("value", "reason", "is_foreign"),
    [
        ("oops", "it is not JSON", False),
        ([1], "it must be a mapping", False),
        ({"class": "A", "queue": "q"}, "it has neither cron nor every", False),
        ({"class": "A", "queue": "q", "cron": "* *"}, "cron", False),
        (
            {"class": "Gone", "every": "1h"},
            "its class Gone is not registered here (-r), and it names no queue",
            True,
        ),
    ],
)
def test_one_that_cannot_be_used_says_why(resque, value, reason, is_foreign):
    put(resque, a=value)
    [entry] = listed(resque, NOON)
    assert reason in entry.refused
    assert (entry.entry, entry.is_foreign, entry.next, entry.runs(3, NOON)) == (None, is_foreign, None, [])


def test_one_for_another_environment_does_not_run_here(resque):
    put(resque, a={"class": "A", "queue": "q", "every": "1h", "rails_env": "production"})
    runs = {env: listed(resque, NOON, environment=env)[0].runs_here for env in (None, "production", "test")}
    assert runs == {None: True, "production": True, "test": False}


def test_a_class_that_is_known_needs_no_queue_and_one_that_may_be_an_active_job_is_told(resque, caplog):
    job(queue="q", name="Known", registry=resque.registry)(lambda: None)
    check_queueable(Entry.read("a", {"class": "Known", "every": "1h"}), resque.registry)
    assert caplog.text == ""
    check_queueable(Entry.read("a", {"class": "MailJob", "queue": "q", "every": "1h"}), resque.registry)
    assert "its entry needs active_job: true" in caplog.text
    with pytest.raises(InvalidSchedule, match="it can never be queued: no queue is known for Gone"):
        check_queueable(Entry.read("a", {"class": "Gone", "every": "1h"}), resque.registry)
