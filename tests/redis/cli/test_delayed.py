"""`pyresque delayed`."""

import json

from pyresque.cli.json_output import timestamp
from pyresque.wire import times
from tests.redis.stage import FAR

LOCK = "resque:resque:resque_scheduler_master_lock"


def test_delayed_lists_shows_runs_and_removes(stage, run):
    """By the beginning of an ID; every command has its answer for programs."""
    assert run("delayed") == "no delayed jobs\n"
    for number in range(3):
        stage.resque.enqueue_at(FAR + number, stage.mail, number)
    stage.delay(FAR + 9, b"no job\x1b")
    lines = [json.loads(line) for line in run("delayed", "list", "--json").splitlines()]
    assert [(one["at"], one["class"], one["args"]) for one in lines[:3]] == [
        (timestamp(FAR + n), "Mail", [n]) for n in range(3)
    ]
    assert [one["second"] for one in lines] == [FAR, FAR + 1, FAR + 2, FAR + 9]
    assert lines[3]["class"] is None
    ids = [one["id"] for one in lines]
    assert times.started(FAR) in run("delayed", "show", ids[0][:8])
    assert "\x1b" not in run("delayed", "show", ids[3])
    assert run("delayed", "run", ids[0]) == "queued Mail [0]\n"
    assert stage.queue("mail") == [b'{"class":"Mail","args":[0]}']
    assert run("delayed", "remove", ids[1], ids[3], "--yes") == "removed Mail [1]\nremoved (no job)\n"
    assert "no delayed job has the ID" in run("delayed", "remove", ids[1], "--yes", status=1)
    assert "1 of" not in run("delayed", "list", "-c", "Mail")
    assert run("delayed", "clear", "--yes") == "removed 1 delayed job\n"
    assert stage.keys() == ["queue:mail", "queues"]


def test_a_moment_that_no_calendar_reaches_is_shown(stage, run):
    """Milliseconds, where Ruby was given them for seconds; and a lock that holds such a number."""
    second = 1800000000000
    stage.redis("ZADD", "resque:delayed_queue_schedule", str(second), str(second))
    stage.redis("RPUSH", f"resque:delayed:{second}", '{"class":"Mail","args":[],"queue":"mail"}')
    assert f"{second} s" in run("delayed")
    [one] = [json.loads(line) for line in run("delayed", "--json").splitlines()]
    assert f"{second} s" in run("delayed", "show", one["id"])
    stage.redis("SET", LOCK, f"host:1:{second}-0123456789ab")
    assert f"since {second} s" in run("schedule")
