"""`pyresque health` and `top`: each thing that needs a person is seen, with what to do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.config.server_setting import without_login
from pyresque.testing.redis_server import DevRedis, running
from tests.redis.cli.console import Console
from tests.redis.cli.test_worker_actions import HOST
from tests.redis.cli.test_workers import dead_pid
from tests.unit.cli.program import Program, until
from tests.unit.cli.terminal_session import Session

LOCK = "resque:resque:resque_scheduler_master_lock"
CLASSES = ("Pay", "Mail", "Report", "Import", "Thumbnail")


def a_night(resque: Resque, failures: int = 1000) -> None:
    """Failures of five classes, a dead scheduler, a paused queue, an unknown class, poison, a dead worker."""
    redis = resque.link.execute
    now = int(time.time())
    record = {
        "failed_at": time.strftime("%Y/%m/%d %H:%M:%S UTC", time.gmtime(now - 60)), "exception": "E",
        "error": "x", "backtrace": [], "worker": "w", "queue": "q",
    }  # fmt: skip
    records = (
        json.dumps({**record, "payload": {"class": CLASSES[number % 5], "args": [number]}})
        for number in range(failures)
    )
    redis("RPUSH", "resque:failed", *records)
    redis("SET", LOCK, f"{HOST}:999999999:{now - 600}-0123456789ab", "EX", 120)
    redis("ZADD", "resque:delayed_queue_schedule", now - 100, now - 100)
    redis("RPUSH", f"resque:delayed:{now - 100}", '{"class":"Pay","args":[1],"queue":"q"}')
    resque.enqueue("Pay", 1, queue="held")
    resque.pause("held")
    resque.enqueue("ConverJob", 1, queue="images")
    redis("RPUSH", "resque:queue:images", b"no json \x1b[2J")
    redis("SADD", "resque:workers", f"{HOST}:{dead_pid()}:images")


def test_all_is_well(console: Console) -> None:
    """Exit code 0, and one line that says so; what there is none of is said."""
    shown = console.shown("health")
    assert shown.startswith("ok: nothing needs a person\n\nno queues\n")
    assert "failed     none\n" in shown
    assert "scheduler  none is master, and none is needed\n" in shown
    (found,) = console.documents("health")
    assert (found["ok"], found["problems"]) == (True, [])


def test_each_trouble_of_a_night_is_seen(program: Program, resque: Resque) -> None:
    """With exit code 1 and what to do about each; no byte steers the terminal, and `--json` has the same."""
    a_night(resque)
    done = program.run("health", "-r", "jobs")
    assert (done.returncode, done.stderr) == (1, "")
    shown = done.stdout
    assert "things need a person:" in shown.splitlines()[0]
    for told in (
        "is dead (", "pyresque scheduler release", "1 delayed job is overdue", "pyresque queue resume held",
        "from which no worker takes jobs", "1 worker is registered and dead", "pyresque worker prune",
        "did you mean ConvertJob?", "1000, 1000 in the last hour", "paused",
    ):  # fmt: skip
        assert told in shown
    assert "\x1b" not in shown
    found = json.loads(program.run("health", "-r", "jobs", "--json").stdout)
    kinds = {one["kind"] for one in found["problems"]}
    assert kinds >= {"scheduler", "paused", "no worker", "dead workers", "unknown class"}
    assert found["failed"]["total"] == 1000
    assert found["unknown_classes"] == {"held": {"Pay": 1}, "images": {"ConverJob": 1}}


@contextmanager
def configured(resque: Resque, name: str, value: object, before: object) -> Iterator[None]:
    """Redis with another setting, for a while."""
    resque.link.execute("CONFIG", "SET", name, value)
    try:
        yield
    finally:
        resque.link.execute("CONFIG", "SET", name, before)


def test_a_full_redis_is_seen_from_the_inside(console: Console, resque: Resque) -> None:
    """A look writes nothing that it needs; an eviction policy that may take jobs is told, too."""
    resque.enqueue("Pay", 1, queue="mail")
    with configured(resque, "maxmemory", 1, 0):
        done = console.run("health")
        assert done.exit_code == 1
        assert "of its memory" in done.stdout
        assert "failed clear --retried" in done.stdout
    with configured(resque, "maxmemory-policy", "allkeys-lru", "noeviction"):
        assert "set maxmemory-policy to noeviction" in console.run("health").stdout


def test_the_settings_name_lock_and_schedule_file(console: Console, resque: Resque, tmp_path: Path) -> None:
    """As the scheduler has them: else another application's scheduler, or none, would be seen."""
    path = tmp_path / "schedule.yml"
    path.write_text("bad: {every: never}\n")
    settings = {"PYRESQUE_SCHEDULER_SCHEDULE": str(path), "RESQUE_SCHEDULER_MASTER_LOCK_PREFIX": "blue"}
    resque.link.execute("SET", "resque:resque:blue:resque_scheduler_master_lock", "web-1:5", "EX", 100)
    shown = console.run("health", **settings).stdout
    assert "scheduler  web-1:5 (Ruby): nobody can tell from here whether it lives" in shown
    assert "schedule   1 refused (bad)" in shown


ENTRY = '{"class":"NightlyJob","every":"1h"}'


@pytest.mark.parametrize("master", ["", "web-1:5"])
def test_an_entry_whose_queue_ruby_knows_is_no_trouble(console: Console, resque: Resque, master: str) -> None:
    """Who knows no jobs cannot tell what a scheduler knows; and nothing is warned of at each look."""
    resque.link.execute("HSET", "resque:persistent_schedules", "nightly", ENTRY)
    if master:
        resque.link.execute("SET", LOCK, master, "EX", 100)
    done = console.run("health", "--json")
    found = json.loads(done.stdout)
    assert (found["schedule"]["refused"], done.stderr) == ([], "")
    assert [one["kind"] for one in found["problems"]] == ([] if master else ["scheduler"])
    assert "its class NightlyJob is not registered here (-r)" in console.shown("schedule")


def test_an_entry_that_a_python_scheduler_cannot_queue_is_trouble(program: Program, resque: Resque) -> None:
    """Where there are jobs to compare with."""
    resque.link.execute("HSET", "resque:persistent_schedules", "nightly", ENTRY)
    found = json.loads(program.run("health", "-r", "jobs", "--json").stdout)
    assert [one["name"] for one in found["schedule"]["refused"]] == ["nightly"]


def test_an_entry_that_never_ran_is_named(console: Console, resque: Resque) -> None:
    """It may be new, or no scheduler knows it: nobody can tell at the first look, but it is seen."""
    resque.set_schedule("nightly", job="A", queue="q", every="10m")
    shown = console.run("health").stdout
    assert "schedule   nothing missed or refused; 1 never ran until now (nightly)\n" in shown
    assert json.loads(console.run("health", "--json").stdout)["schedule"]["never_ran"] == ["nightly"]
    resque.link.execute("HSET", "resque:delayed:last_enqueued_at", "nightly", "2026-11-30 00:00:00 +0000")
    assert json.loads(console.run("health", "--json").stdout)["schedule"]["never_ran"] == []


def test_many_queues_take_a_few_lines(console: Console, resque: Resque) -> None:
    """The fullest are listed; how many wait elsewhere is told."""
    for number in range(15):
        resque.enqueue_many([("Pay",)] * (number + 1), queue=f"q{number}")
    resque.link.execute("SADD", "resque:queues", "empty")
    shown = console.run("health").stdout
    assert "\nq14 " in shown
    assert "\nq4 " not in shown
    assert "and 15 jobs on 6 other queues" in shown


# --- top ------------------------------------------------------------------------------------------------


def test_top_without_a_terminal_prints_once(console: Console, resque: Resque) -> None:
    """As `health` does, with its exit code."""
    assert console.shown("top").startswith("ok: nothing needs a person\n")
    a_night(resque, failures=1)
    done = console.run("top", "-i", "2s")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert console.run("top", "-i", "soon").exit_code == 2


@pytest.fixture
def session(server: DevRedis, resque: Resque, tmp_path: Path) -> Iterator[Session]:
    one = Session(tmp_path, server.url, ["top", "-i", "0.1"])
    yield one
    one.close()


def test_top_is_live_until_q(session: Session, resque: Resque) -> None:
    """What happens meanwhile is seen; the terminal is given back, and the exit code is 0."""
    until(lambda: session.shows("nothing needs a person"))
    resque.enqueue("Pay", 1, queue="mail")
    until(lambda: session.shows("from which no worker takes jobs"))
    session.type("q")
    assert session.ended() == 0
    assert session.shown.rstrip().endswith("\x1b[?1049l")
    assert "q ends it\r\n" in session.shown


def test_top_outlives_a_redis_that_goes_away(tmp_path: Path) -> None:
    """It says so on its screen, until it is told to end."""
    with running() as server:
        session = Session(tmp_path, server.url, ["top", "-i", "0.1"])
        try:
            until(lambda: session.shows("nothing needs a person"))
            server.kill()
            until(lambda: session.shows("Another one is named with --redis"))
            session.type("\x03")  # it does not wait for Redis, as `q` may have to
            assert session.ended() == 0
        finally:
            session.close()


def test_advice_names_the_redis_that_was_asked_for(console: Console, resque: Resque) -> None:
    """Only what was given on the command line; what is set elsewhere holds for the next command, too."""
    resque.enqueue("Pay", queue="mail")
    assert "start one: pyresque work -q mail\n" in console.run("health").stdout
    other = Resque(console.url, namespace="other app")
    other.enqueue("Pay", queue="mail")
    done = console.run("health", "--redis", console.url, "--namespace", "other app")
    bare = without_login(console.url)
    assert f"start one: pyresque --redis {bare} --namespace 'other app' work -q mail\n" in done.stdout
