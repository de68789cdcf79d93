"""The class of a wrapped job is its inner class wherever people look."""

import json
import os

import pytest

from pyresque.model.perform import ReservedJob
from pyresque.wire.records import FailureRecord, Payload, WorkingOn, inner_class, shown
from tests.redis.active_job.test_running import wrapper
from tests.redis.bench import put
from tests.unit.cli import warm


def pyresque(server, *words):
    done = warm.run(words, env={**os.environ, "REDIS_URL": server.url})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_records_tell_the_inner_class(registry):
    """Payloads, what a worker works on, failures, log lines."""
    raw = wrapper(1, job_class="Users::WelcomeJob")
    payload = Payload.parse(raw.encode())
    assert payload.job_class == "Users::WelcomeJob"
    assert payload.class_name.endswith("JobWrapper")
    record = b'{"queue":"q","run_at":"x","payload":' + raw.encode() + b"}"
    assert WorkingOn.parse(record).class_name == "Users::WelcomeJob"
    assert FailureRecord.parse(record).class_name == "Users::WelcomeJob"
    assert str(ReservedJob.of("q", payload, registry)) == "Users::WelcomeJob(1) on q"


@pytest.mark.parametrize(
    "value",
    [{"class": None}, {}, json.loads(wrapper(job_class=...)), {"class": "A", "args": [{"job_class": "B"}]}],
)
def test_what_is_no_wrapped_job_is_shown_as_it_is(value):
    """A wrapper without a class inside is shown as a wrapper; another class's arguments are its own."""
    assert shown(value) == (value.get("class") or "", value.get("args"))
    assert inner_class(value) in ("", "A")


def test_the_command_line_shows_it(server, resque, bench):
    """Waiting jobs and failures: class and arguments from inside; nothing about it needs the job's code."""
    put(resque, wrapper(1, "x", job_class="Users::WelcomeJob"), wrapper(job_class=...))
    bench.burst()
    assert "Users::WelcomeJob" in pyresque(server, "peek", "q")
    row = pyresque(server, "peek", "q").splitlines()[1]
    assert row.split()[1:] == ["Users::WelcomeJob", '[1,"x"]']
    [failure] = resque.failures.list()
    assert failure.class_name.endswith("JobWrapper")
    assert resque.failures.count(class_name="Users::WelcomeJob") == 0
