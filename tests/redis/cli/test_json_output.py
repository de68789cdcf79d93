"""What every command prints with --json is as docs/json-output.schema.json says."""

from __future__ import annotations

import json

import pytest

from pyresque.wire.records import JOB_WRAPPER
from tests.json_schema import commands_with_json, faults, kind_of
from tests.redis.cli.test_failed import fail
from tests.unit.cli.in_process import run

FUTURE = 4_000_000_000
SECONDS = (FUTURE, FUTURE * 1000)  # a second, and milliseconds that somebody took for one
POISON = b"no \x1b json \xff"
WRAPPED = {"class": JOB_WRAPPER, "args": [{"job_class": "Mail", "arguments": [1], "queue_name": "mail"}]}
SCHEDULE = """
nightly: {cron: "0 3 * * *", class: Report, queue: reports, args: [2026-11-30]}
other: {every: 1h, class: Report, queue: other}
broken: {cron: "nonsense", class: Report, queue: other}
"""

COMMANDS: dict[str, list[tuple[str, ...]]] = {
    "config": [()],
    "delayed": [()],
    "delayed groups": [("--by", way) for way in ("class", "queue", "hour")],
    "delayed list": [(), ("--sort", "class"), ("--page", "1")],
    "delayed show": [("ID",)],
    "failed": [()],
    "failed groups": [("--by", way) for way in ("class", "exception", "frame", "queue", "hour")],
    "failed list": [(), ("--queue", "images"), ("--sort", "class"), ("--page", "1")],
    "failed show": [("ID",)],
    "health": [("-f", "FILE", "-r", "pyresque.demo")],
    "info": [()],
    "jobs": [(), ("-r", "pyresque.demo", "--no-redis")],
    "ledger": [(), ("--days", "3"), ("Mail",)],
    "peek": [("mail", "0", "10")],
    "queue": [()],
    "queue list": [()],
    "queue show": [("mail",)],
    "queues": [()],
    "schedule": [()],
    "schedule diff": [("FILE",)],
    "schedule list": [("--schedule", "FILE")],
    "schedule next": [(), ("nightly",)],
    "schedule show": [("nightly",)],
    "scheduler status": [(), ("--schedule", "FILE")],
    "status": [("no-such-job",)],
    "worker": [()],
    "worker list": [()],
    "worker show": [("host:1", "odd"), ("ruby:x:*",)],
    "workers": [()],
    "workers list": [()],
    "workers show": [("host:1",)],
}
"""Every command with --json, and what it is run with; ID stands for one of its documents, FILE for a file."""


@pytest.fixture
def world(resque, tmp_path):
    """Something of everything, of both languages, and of what neither should have written."""
    redis, push = resque.link.execute, resque.enqueue
    push("Pay", 1, {"a": [1.5, None]}, queue="mail")
    redis("RPUSH", "resque:queue:mail", json.dumps(WRAPPED), POISON, b"[1]", b'{"class":5,"args":7}', b"{}")
    for number in range(3):
        fail(resque, number)
    fail(resque, 4, payload=WRAPPED, failed_at="2026/11/30 18:45:00 CET", retried_at="2026/11/30 19:00:00")
    fail(resque, 5, payload=[1], failed_at=5, queue=None, error={"a": 1}, backtrace=None, retried_at=7)
    redis("RPUSH", "resque:failed", POISON, b"5")
    for second in SECONDS:
        redis("ZADD", "resque:delayed_queue_schedule", second, second)
        items = {**WRAPPED, "queue": "mail"}, {"class": "Pay", "args": [1]}, {"queue": 7}
        redis("RPUSH", f"resque:delayed:{second}", *map(json.dumps, items), POISON)
    redis(
        "HSET",
        "resque:persistent_schedules",
        "nightly",
        '{"cron":"0 3 * * *","class":"Report","queue":"reports"}',
    )
    redis(
        "HSET",
        "resque:persistent_schedules",
        "bad",
        '{"cron":"x","class":"Report"}',
        "worse",
        "5",
        "poison",
        POISON,
    )
    redis("HSET", "resque:delayed:last_enqueued_at", "nightly", "2026-11-30 03:00:00 +0100", "bad", "x")
    for worker, value in {
        "host:1:mail": json.dumps({"queue": "mail", "run_at": "2026-11-30T17:45:00Z", "payload": WRAPPED}),
        "host:2:a,b": "",
        "ruby:x:*": POISON,
        "odd": json.dumps({"queue": 5, "run_at": 6, "payload": 7}),
    }.items():
        redis("SADD", "resque:workers", worker)
        redis("SET", f"resque:worker:{worker}:started", "2026-11-30 18:45:00 +0100")
        if value:
            redis("SET", f"resque:worker:{worker}", value)
    redis("HSET", "resque:workers:heartbeat", "host:1:mail", "2026-11-30T18:45:00+01:00", "odd", "x")
    path = tmp_path / "schedule.yml"
    path.write_text(SCHEDULE)
    return {"FILE": str(path)}


def documents(server, command, words):
    """What it prints, line by line."""
    done = run(*command.split(), *words, "--json", REDIS_URL=server.url)
    assert done.stderr == ""
    assert done.exit_code == (1 if command in ("schedule diff", "health", "status") else 0)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_output_is_as_described(world, server, command):
    """Every line of every command, whatever is in Redis."""
    for words in COMMANDS[command]:
        ids = [None]
        if "ID" in words:
            ids = [one["id"] for one in documents(server, command.split()[0], ())]
        for one in ids:
            given = [{**world, "ID": one}.get(word, word) for word in words]
            found = documents(server, command, given)
            assert found
            assert [fault for line in found for fault in faults(line, kind_of(command))] == []


def test_every_command_is_tried():
    """A new one has to be added above."""
    assert set(COMMANDS) == commands_with_json()


@pytest.mark.parametrize("command", ["peek mail 0 10", "failed", "delayed", "workers"])
def test_an_active_job_has_its_own_class(world, server, command):
    """In every command that shows jobs, and its wrapper is in the payload."""
    mine = [one for one in documents(server, command, ()) if one["class"] == "Mail"]
    assert mine
    assert all((one["args"], one["payload"]["class"]) == ([1], JOB_WRAPPER) for one in mine)


def test_times_are_read_wherever_they_were_written(world, server):
    """Of a failure in another zone, of a worker with an offset, of a schedule in local time."""
    found = {one["id"]: one for one in documents(server, "failed", ())}
    [mail] = [one for one in found.values() if one["class"] == "Mail"]
    assert (mail["failed_at"], mail["retried"]) == ("2026-11-30T17:45:00Z", True)
    workers = {one["id"]: one for one in documents(server, "workers", ())}
    busy = workers["host:1:mail"]
    assert {busy[name] for name in ("run_at", "started", "heartbeat")} == {"2026-11-30T17:45:00Z"}
    assert (busy["pid"], workers["ruby:x:*"]["pid"]) == (1, None)
    entries = {one.get("name"): one for one in documents(server, "schedule", ())}
    assert (entries["nightly"]["last"], entries["bad"]["last"]) == ("2026-11-30T02:00:00Z", None)
    assert {one["at"] for one in documents(server, "delayed", ())} == {"2096-10-02T07:06:40Z", None}
