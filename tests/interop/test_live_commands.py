"""The programs that people start: `pyresque work` and `rake resque:work`, each with the other's jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from pyresque import Resque
from tests.interop.ruby import ROOT, Python, Ruby

Evidence = Callable[[str], list[dict[str, Any]]]


def pyresque(python: Python, *words: str, status: int = 0) -> str:
    """Run our command; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pyresque", *words],
        env=python.environment({}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def test_pyresque_work_runs_what_ruby_enqueues(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """`pyresque work -q '*'` with the jobs of interop/python runs Ruby's jobs but for Ruby's own."""
    ruby.call("enqueue", **{"class": "SharedJob"}, args=["ü", 1])
    ruby.call("enqueue", **{"class": "RubyOnlyJob"}, args=[2])
    ruby.enqueue("PyEcho", "x", 3, queue="python")
    ruby.enqueue("PyFail", 4, queue="python")
    pyresque(python, "work", "-q", "*", "-r", "interop.python.jobs", "--burst")
    assert [(note["class"], note["args"], note["lang"]) for note in evidence("done")] == [
        ("PyEcho", ["x", 3], "python"),
        ("SharedJob", ["ü", 1], "python"),
    ]
    assert [one["error"] for one in ruby.call("failures")] == ["boom [4]"]
    assert resque.queue_sizes() == {"python": 0, "ruby": 1, "shared": 0}


def test_rake_resque_work_runs_what_we_enqueue(
    ruby: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """`rake resque:work` runs what `pyresque enqueue` wrote; `pyresque failed` retries what failed."""
    pyresque(python, "enqueue", "-q", "jobs", "EchoJob", "ü", "1", '{"a": [1.5, null]}')
    pyresque(python, "enqueue", "-q", "jobs", "FailJob", "2")
    ruby.run("-S", "rake", "-f", f"{ruby.found.scripts}/Rakefile", "resque:work", QUEUE="jobs", INTERVAL="0")
    [note] = evidence("done")
    assert (note["args"], note["lang"]) == (["ü", 1, {"a": [1.5, None]}], "ruby")
    [record] = ruby.call("failures")
    assert record["exception"] == "ArgumentError"
    assert record["error"] in pyresque(python, "failed", "list", "--json")
    [failure] = resque.failures.list()
    pyresque(python, "failed", "retry", failure.id)
    assert ruby.call("peek", queue="jobs") == {"class": "FailJob", "args": [2]}


def test_pyresque_shows_rubys_workers(ruby: Ruby, python: Python) -> None:
    """`pyresque workers` and `pyresque info` show a Ruby worker as `resque list` does."""
    with ruby.worker("jobs,ü") as worker:
        assert worker.id in json.dumps(json.loads(pyresque(python, "workers", "--json")), ensure_ascii=False)
        assert ruby.listed() == [f"{worker.id} (idle)"]
        assert json.loads(pyresque(python, "info", "--json"))["workers"] == ruby.call("info")["workers"] == 1
