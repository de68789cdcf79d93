"""`pyresque scheduler status` and `release` on a real Redis."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from pyresque import Resque
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.master import connected
from pyresque.testing.redis_server import DevRedis
from tests.redis.cli.console import Console
from tests.redis.stage import Stage, until

LOCK = "resque:resque:resque_scheduler_master_lock"
HOST = socket.gethostname()


def status(console: Console, *words: str) -> dict[str, Any]:
    """What `scheduler status --json` tells."""
    (found,) = console.documents("scheduler", "status", *words)
    return found


def hold(stage: Stage, who: str, *, python: bool = True, seconds: int = 100) -> str:
    """Let somebody be master; returns what the lock holds."""
    value = f"{who}:{int(time.time()) - 60}-0123456789ab" if python else who
    stage.redis("SET", LOCK, value, "EX", seconds)
    return value


def test_without_a_scheduler(console: Console) -> None:
    """Nobody is master, nothing is due, and there is nothing to release."""
    found = status(console)
    assert (found["master"], found["standing_by"], found["next_delayed_at"]) == (None, [], None)
    assert (found["next_entry"], found["behind_seconds"], found["refused"]) == (None, 0, [])
    shown = console.shown("scheduler", "status")
    assert "master          none: delayed jobs and the schedule wait" in shown
    assert "behind          no: nothing is overdue" in shown
    done = console.run("scheduler", "release")
    assert (done.exit_code, done.stdout) == (
        0,
        "no scheduler is master: there is nothing to release\n",
    )


def test_a_living_master_is_seen_and_left_alone(stage: Stage, console: Console) -> None:
    """Its connection to Redis tells, on whatever host it is; only --force frees its lock."""
    with stage.scheduler() as one:
        until(lambda: one.master.active, "a master")
        until(lambda: connected(stage.resque.space, LOCK), "its connection")
        master = status(console)["master"]
        assert (master["language"], master["host"], master["alive"]) == ("python", HOST, True)
        assert 0 < master["expires_in_seconds"] <= 180
        assert "alive           yes: it has a connection to Redis" in console.shown("scheduler", "status")
        held = stage.redis("GET", LOCK)
        for words in ([], ["--yes"], ["--dry-run"]):
            done = console.run("scheduler", "release", *words)
            assert (done.exit_code, done.stdout) == (1, "")
            assert "lives: it has a connection to Redis" in done.stderr
        assert stage.redis("GET", LOCK) == held
        assert (
            console.run("scheduler", "release", "--force", "--yes").stdout
            == f"released the lock of {held.decode()}\n"
        )


def test_those_that_stand_by_are_listed(stage: Stage, console: Console) -> None:
    """By the connections that they name; the master is not among them, nor who asks for another lock."""
    hold(stage, "elsewhere:7")
    with stage.scheduler() as one, stage.scheduler(lock_prefix="blue"):
        until(lambda: connected(stage.resque.space, LOCK), "its connection")
        until(lambda: connected(stage.resque.space, one.master.key.replace("resque_", "blue:resque_")), "two")
        found = status(console)
        assert found["standing_by"] == [one.master.who]
        assert (found["master"]["host"], found["master"]["pid"]) == ("elsewhere", 7)
        assert found["master"]["alive"] is None
        assert f"standing by     {one.master.who}\n" in console.shown("scheduler", "status")


def test_a_dead_master_is_released(stage: Stage, console: Console) -> None:
    """After a question, or with --yes; a dry run only says whose lock it would free."""
    value = hold(stage, f"{HOST}:999999999")
    told = f"free the master lock of {value} (Python), which is dead: it has no connection to Redis"
    shown = console.shown("scheduler", "status")
    assert f"master          {value} (Python), since " in shown
    assert "alive           no: it has no connection" in shown
    assert "if it is not renewed" in shown
    done = console.run("scheduler", "release", "--dry-run")
    assert (done.exit_code, done.stdout.startswith(f"would {told}")) == (0, True)
    for answer in ("", "n\n"):
        assert console.run("scheduler", "release", answer=answer).exit_code == 1
    assert stage.redis("GET", LOCK) == value.encode()
    done = console.run("scheduler", "release", "--yes")
    assert (done.exit_code, done.stdout) == (0, f"released the lock of {value}\n")
    assert stage.redis("EXISTS", LOCK) == 0


@pytest.mark.parametrize(
    ("value", "language", "host"),
    [("web-1:12", "ruby", "web-1"), ("localhost:999999999", "ruby", "localhost"),
     (f"{HOST}:999999999", "ruby", HOST), ("deployed by hand", None, None), ("\x1b[2J:1", "ruby", "\x1b[2J")],
)  # fmt: skip
def test_what_nobody_can_tell_is_not_guessed(
    stage: Stage, console: Console, value: str, language: str | None, host: str | None
) -> None:
    """Whether a Ruby master lives elsewhere, or what is no lock of a scheduler: it may be released."""
    hold(stage, value, python=False)
    master = status(console)["master"]
    assert (master["language"], master["host"], master["alive"]) == (language, host, None)
    assert "\x1b" not in console.shown("scheduler", "status")
    assert console.run("scheduler", "release", "--yes").exit_code == 0
    assert stage.redis("EXISTS", LOCK) == 0


def test_a_lock_of_odd_bytes_or_of_another_type(stage: Stage, console: Console) -> None:
    """The first is released byte by byte; the second keeps everybody from being master, and is shown."""
    stage.redis("SET", LOCK, b"\xff:\x00:1")
    assert "never expires" in console.shown("scheduler", "status")
    assert console.run("scheduler", "release", "--yes").exit_code == 0
    stage.redis("RPUSH", LOCK, "x")
    assert "WRONGTYPE" in console.shown("scheduler", "status")
    done = console.run("scheduler", "release", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "WRONGTYPE" in done.stderr


def test_what_is_due_next_and_overdue(stage: Stage, console: Console, tmp_path: Any) -> None:
    """The first second that has a job, the entry that runs first (of a file, too), and what is refused."""
    now = int(time.time())
    stage.redis("ZADD", "resque:delayed_queue_schedule", now - 900, now - 900)  # an emptied second
    stage.delay(now - 100, b'{"class":"Mail","args":[1],"queue":"mail"}', b'{"class":"Mail","args":[2]}')
    stage.redis("HSET", "resque:persistent_schedules", "bad\x1b", "no json")
    entry = {"class": "Mail", "every": "2h", "queue": "mail"}
    stage.redis("HSET", "resque:persistent_schedules", "later", json.dumps(entry))
    path = tmp_path / "schedule.yml"
    path.write_text("soon: {class: Mail, every: 1h, queue: mail}\n")
    found = status(console)
    assert found["next_delayed_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 100))
    assert 95 < found["behind_seconds"] < 1000
    assert found["next_entry"]["name"] == "later"
    assert [one["name"] for one in found["refused"]] == ["bad\x1b"]
    assert status(console, "-f", str(path))["next_entry"]["name"] == "soon"
    shown = console.shown("scheduler", "status")
    assert "next job        2 jobs at " in shown
    assert "behind          1 min\n" in shown
    assert "refused         bad\\x1b: it is not JSON" in shown


def test_a_redis_that_does_not_tell_who_is_connected(stage: Stage, server: DevRedis) -> None:
    """Then nobody is said to stand by; a scheduler that may not name its connection is woken all the same."""
    stage.redis("ACL", "SETUSER", "shy", "on", ">pw", "~*", "&*", "+@all", "-client|list", "-client|setname")
    url = f"redis://shy:pw@{server.address}/0"
    try:
        shy = Console(url)
        assert status(shy)["standing_by"] is None
        assert "standing by     cannot be told" in shy.shown("scheduler", "status")
        resque = Resque(url)
        wakeup = Wakeup(resque.link, "a-name")
        assert wakeup.arm([LOCK])
        wakeup.close()
        resque.close()
    finally:
        stage.redis("ACL", "DELUSER", "shy")
