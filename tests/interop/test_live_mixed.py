"""The mixed run: jobs from both sides, on shared queues, with two Ruby and two Python workers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from pyresque import Resque
from tests.interop.ruby import Python, Ruby, eventually

Evidence = Callable[[str], list[dict[str, Any]]]

JOBS = int(os.environ.get("PYRESQUE_MIXED_JOBS", "400"))

# Class, queue, who knows it, whether it raises. What only Python knows is on no queue of the Ruby workers.
KINDS = [
    ("SharedJob", "shared", {"ruby", "python"}, False),
    ("EchoJob", "jobs", {"ruby", "python"}, False),
    ("RubyOnlyJob", "shared", {"ruby"}, False),
    ("FailJob", "shared", {"ruby", "python"}, True),
    ("RubyOnlyJob", "ruby", {"ruby"}, False),
    ("PyEcho", "python", {"python"}, False),
    ("UnicodeFailJob", "jobs", {"ruby", "python"}, True),
    ("PyFail", "python", {"python"}, True),
]


@pytest.mark.timeout(600)
def test_mixed_run(ruby: Ruby, python: Python, resque: Resque, evidence: Evidence) -> None:
    """Each job is done exactly once by a worker that knows it; `failed` holds exactly those that raise."""
    with ExitStack() as stack:
        theirs = [stack.enter_context(ruby.worker("jobs,shared,ruby")) for _ in range(2)]
        ours = [stack.enter_context(python.worker("*")) for _ in range(2)]
        for n in range(JOBS):
            name, queue, _, _ = KINDS[n // 2 % len(KINDS)]
            if n % 2:
                ruby.enqueue(name, n, "ü", queue=queue)
            else:
                resque.enqueue(name, n, "ü", queue=queue)
        finished = lambda: resque.stat("processed") >= JOBS and not resque.working()  # noqa: E731
        eventually(finished, "all jobs", 30 + JOBS * 0.2)
        for worker in theirs + ours:
            assert worker.id in [one.id for one in resque.workers()]
        per_worker = {one.id: (one.processed, one.failed) for one in resque.workers()}
        for worker in theirs + ours:
            worker.stop()
            assert worker.wait() == 0

    kinds = {n: KINDS[n // 2 % len(KINDS)] for n in range(JOBS)}
    raising = {n for n, (*_, raises) in kinds.items() if raises}
    done = evidence("done")
    assert Counter(note["args"][0] for note in done) == Counter(set(kinds) - raising)
    for note in done:
        assert note["class"] == kinds[note["args"][0]][0]
        assert note["lang"] in kinds[note["args"][0]][2]
    failures = list(resque.failures.each())
    assert Counter(one.payload["args"][0] for one in failures) == Counter(raising)
    languages = {**{one.id: "ruby" for one in theirs}, **{one.id: "python" for one in ours}}
    for one in failures:
        assert one.text("exception") not in ("NameError", "Resque::DirtyExit")
        assert languages[one.text("worker") or ""] in kinds[one.payload["args"][0]][2]
    by_language = Counter(note["lang"] for note in done)
    assert all(by_language[language] for language in ("ruby", "python")), "both have worked"

    assert (resque.stat("processed"), resque.stat("failed")) == (JOBS, len(raising))
    assert sum(processed for processed, _ in per_worker.values()) == JOBS
    assert sum(failed for _, failed in per_worker.values()) == len(raising)
    assert resque.queues() == ["jobs", "python", "ruby", "shared"]
    assert set(resque.queue_sizes().values()) == {0}
    assert resque.workers() == ruby.call("workers") == []
    for pattern in ("resque:worker:*", "resque:workers*", "resque:stat:*:*", "resque:pyresque:aside:*"):
        assert resque.link.execute("KEYS", pattern) == []
    info = ruby.call("info")
    assert (info["pending"], info["processed"], info["failed"], info["working"]) == (0, JOBS, len(raising), 0)
