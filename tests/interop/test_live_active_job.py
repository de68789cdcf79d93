"""Active Job live: Rails enqueues and Python runs, Python enqueues and Ruby runs, and in turns."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from pyresque import Resque, active_job
from pyresque.active_job import GlobalID, Module, Symbol
from tests.interop import live_active_job
from tests.interop.choice import url_for
from tests.interop.ruby import Python, Ruby

pytestmark = pytest.mark.live_ruby


class Rails(Ruby):
    """Active Job in a Ruby with Resque."""

    def start(self, env, other_host=False):
        scripts = self.found.scripts
        return self.command(f"{scripts}/worker.rb", f"{scripts}/active_job_setup.rb", env=env)

    def evaluate(self, code):
        """Evaluate Ruby code with the classes of active_job_setup.rb."""
        return json.loads(self.run(f"{self.found.scripts}/active_job_call.rb", code))


class PythonWorkers(Python):
    """Workers with the jobs of live_active_job.py."""

    def start(self, env, other_host=False):
        return [sys.executable, "-c", "from tests.interop import live_active_job; live_active_job.main()"]


@pytest.fixture
def rails(_ruby, server, resque, tmp_path):
    """Active Job on the (empty) Redis of this test, in the Rails of the Ruby that was chosen."""
    found = _ruby.found
    rails = Rails(found, url_for(found, server.url), tmp_path)
    if not rails.has("active_job"):
        pytest.skip("this Ruby has no Active Job")
    yield rails
    rails.close()


@pytest.fixture
def version(rails):
    return rails.evaluate("ActiveJob.version.to_s")


@pytest.fixture
def python(server, resque, tmp_path, version):
    workers = PythonWorkers(server.url, tmp_path)
    yield lambda queues: workers.work_off(queues, RAILS=version)
    workers.close()


@pytest.fixture
def enqueuer(server, rails, version):
    """A Resque of ours that writes what this Rails can read."""
    active_job.configure(rails=version, registry=live_active_job.registry)
    resque = Resque(server.url, json_style=rails.json_style, registry=live_active_job.registry)
    yield resque
    resque.close()


def evidence(resque, name):
    return [json.loads(raw) for raw in resque.link.execute("LRANGE", f"resque:interop:{name}", 0, -1)]


def failures(resque):
    return [json.loads(one.raw) for one in resque.failures.each()]


def test_every_shape_comes_back_equal(resque, rails, python):
    """Rails -> Python -> Rails: 42 shapes (those that this version has) with the same types and values."""
    names = rails.evaluate("enqueue_shapes")
    assert len(names) >= 38
    python("python")
    assert failures(resque) == []
    rails.work_off("ruby")
    assert failures(resque) == []
    results = evidence(resque, "shapes")
    assert [one["name"] for one in results] == names
    assert [one for one in results if not one["same"]] == []


def test_ruby_gets_rubys_types(resque, rails, enqueuer, version):
    """What Python enqueues as plain Python values arrives as what Ruby would have sent."""
    new = tuple(map(int, version.split(".")[:2])) >= (7, 1)
    options = {"queue": "ruby", "priority": 3, "locale": "en", "timezone": "Tokyo"}
    args = [
        Symbol("a"), datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), date(2024, 2, 29), timedelta(minutes=5),
        datetime(2024, 7, 4, 12, 30, tzinfo=ZoneInfo("America/New_York")), Module("Admin::Nightly"),
        GlobalID("interop", "User", 7), {"s": 1, Symbol("t"): 2},
        *([Decimal("1.50"), range(1, 10)] if new else []),
    ]  # fmt: skip
    assert active_job.enqueue(enqueuer, "TypesJob", *args, force=True, **options)
    rails.work_off("ruby")
    assert failures(resque) == []
    [got] = evidence(resque, "types")
    kinds = [one.split(" ")[0] for one in got["args"]]
    assert kinds == [
        "Symbol", "Time", "Date", "ActiveSupport::Duration", "ActiveSupport::TimeWithZone", "Module",
        "User", "Hash", *(["BigDecimal", "Range"] if new else []),
    ]  # fmt: skip
    assert got["args"][1].endswith("2024-01-02 03:04:05 UTC")
    assert got["args"][3].endswith(("5 minutes", "300 seconds"))
    assert "force" in got["words"]
    assert (got["zone"], got["locale"], got["executions"], got["priority"]) == ("Tokyo", "en", 1, 3)


@pytest.mark.parametrize("first", ["ruby", "python"])
def test_the_attempts_of_one_job_are_made_by_both(resque, rails, python, enqueuer, first):
    """Begun in one language, it goes on in the other with the right count, and ends where that is used up."""
    active_job.enqueue(enqueuer, "TurnsJob", "x", queue=first)
    for _ in range(2):
        for queue in (first, "python" if first == "ruby" else "ruby"):
            rails.work_off("ruby") if queue == "ruby" else python("python")
    other = "python" if first == "ruby" else "ruby"
    assert evidence(resque, "turns") == [f"{first} 1 x", f"{other} 2 x", f"{first} 3 x", f"{other} 4 x"]
    [failure] = failures(resque)
    assert failure["error"] == "boom 4"
    data = failure["payload"]["args"][0]
    assert (data["executions"], data["exception_executions"]) == (3, {"[AppError]": 4})


def test_python_runs_what_rails_delayed(resque, rails, python):
    """`set(wait:)` of Rails, moved by Python; record, keyword arguments, locale and zone arrive."""
    rails.evaluate(
        'Time.zone = "Tokyo"; PythonJob.set(wait: 60).perform_later(User.new(7), at: Date.new(2024, 1, 2)); 1'
    )
    assert resque.count_all_scheduled_jobs() == 1
    assert resque.enqueue_found(resque.find_delayed()) == 1
    python("python")
    assert failures(resque) == []
    [got] = evidence(resque, "python")
    assert got == {"id": "7", "at": "datetime.date(2024, 1, 2)", "locale": "en", "zone": "Tokyo"}


def test_rubys_scheduler_moves_what_python_delayed(resque, rails, enqueuer):
    """wait= of Python, through resque-scheduler to a Ruby worker."""
    active_job.enqueue(enqueuer, "TypesJob", 1, queue="ruby", wait=60)
    assert resque.size("ruby") == 0
    assert rails.evaluate("move_delayed(120)") is True
    assert (resque.size("ruby"), resque.count_all_scheduled_jobs()) == (1, 0)
    rails.work_off("ruby")
    assert failures(resque) == []
    assert evidence(resque, "types")[0]["args"] == ["Integer 1"]


def test_a_class_that_nobody_knows(resque, rails, python, enqueuer):
    """Python leaves it, Ruby fails it with its ordinary error; and Ruby's own errors are as ever."""
    active_job.enqueue(enqueuer, "NobodysJob", 1, queue="python")
    active_job.enqueue(enqueuer, "PythonJob", GlobalID("interop", "User", 1), queue="python")
    active_job.enqueue(enqueuer, "TypesJob", GlobalID("interop", "User", 0), queue="ruby")
    raws = resque.link.execute("LRANGE", "resque:queue:python", 0, -1)
    python("python")
    assert [one["id"] for one in evidence(resque, "python")] == ["1"]
    assert resque.link.execute("LRANGE", "resque:queue:python", 0, -1) == raws[:1]
    rails.work_off("python,ruby")
    found = {one["exception"]: one["error"] for one in failures(resque)}
    unknown = "ActiveJob::UnknownJobClassError"  # a NameError of its own, in newer ones
    known = rails.evaluate(f"defined?({unknown}).present?")
    assert "NobodysJob" in found[unknown if known else "NameError"]
    assert "Couldn't find User with 'id'=0" in found["ActiveJob::DeserializationError"]
