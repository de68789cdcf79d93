"""Lives of jobs recorded from real Rails, lived again by Python jobs: after every run the lists are alike."""

import json
import time
from pathlib import Path

import pytest

from pyresque.config import WorkerOptions
from tests.redis.active_job.lives import register
from tests.redis.bench import Bench

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/activejob.json"
DATA = json.loads(VECTORS.read_text("utf-8"))

OTHERWISE = {
    "cont-worker": "about Ruby's own signals",
    "cont-cursor": "a Ruby object as cursor, which Python does not have; see the unit tests",
    "enqueue-inside": "the inner job is Ruby's",
    "hand-noq-retry": "Ruby writes a null queue, which its scheduler drops; Python writes the queue's name",
    "hand-enqueued": "Rails refuses such times, Python does not look at them",
    "hand-locale": "Rails refuses the locale, Python does not look at it",
    "hand-dup-key": "json 3 refuses it, Python takes the last",
    "hand-class": "a class that nobody knows is left alone",
    "hand-cont-null": "fails here too, with an error of our own",
    "hand-cont-bad-type": "fails here too, with an error of our own",
    "hand-executions-str": "fails here too, with an error of our own",
    "retry-of-scheduled": "depends on the clock; see test_running.py",
}
NEWER = {"6.1", "7.1", "8.1", "8.1.4"}
"""7.0 and 7.2 add nothing: the same payloads as the version before."""
LIVES = [
    one
    for one in DATA["flows"]
    if one["id"].split("@")[1] in NEWER and not any(one["id"].startswith(name) for name in OTHERWISE)
]
MASKED = ("enqueued_at", "scheduled_at", "locale", "timezone")


def runs():
    """Each worked step with the lists before it."""
    for life in LIVES:
        before = {}
        for step in life["steps"]:
            if step["after"].startswith("worked") and any(name.startswith("queue:") for name in before):
                yield pytest.param(before, step, id=f"{life['id']} {step['after']}")
            before = step["lists"]


def job_in(raw):
    """The payload of an element, without what is different each time; and the moment that it is due."""
    value = json.loads(raw)
    value = value.get("payload", value)
    data = dict(value["args"][0])
    keys = list(data)
    counts = data.get("exception_executions") or {}
    # Up to 8.1.3 the key of a resumed error was the inspected hash around it.
    # See docs/protocol/active-job.md#continuations.
    spelled = {
        key.removeprefix("{:exception=>#<AppError: ").removesuffix(">}"): n for key, n in counts.items()
    }
    if counts:
        data["exception_executions"] = spelled
    return {**value, "args": [{key: item for key, item in data.items() if key not in MASKED}]}, keys


def lists_of(resque, now):
    """What lies in the lists, as the recordings have it; for a delayed list the seconds until it is due."""
    found = {}
    for name in sorted(resque.link.execute("KEYS", "resque:*")):
        name = name.decode().removeprefix("resque:")
        if name.startswith(("queue:", "delayed:")) or name == "failed":
            raws = resque.link.execute("LRANGE", f"resque:{name}", 0, -1)
            found[name] = [raw.decode() for raw in raws]
    return shape(found, now)


def shape(lists, now):
    """(kind of list, what is due in so many seconds, jobs, what failed them)."""
    result = []
    for name, raws in sorted(lists.items()):
        kind, _, rest = name.partition(":")
        due = int(rest) - now if kind == "delayed" else None
        errors = [json.loads(raw).get("exception") for raw in raws]
        queue = rest if kind == "queue" else [json.loads(raw).get("queue") for raw in raws]
        result.append((kind, queue, due, [job_in(raw) for raw in raws], errors))
    return result


@pytest.mark.parametrize(("before", "after"), list(runs()))
def test_a_run_leaves_the_lists_as_rails_does(resque, before, after):
    """Same queue, same payload (key by key, in order), due as late but for the jitter, same failure."""
    register(resque.registry)
    expected = shape(after["lists"], after.get("clock", 0))
    for name, raws in before.items():
        if name.startswith("queue:"):
            resque.link.execute("SADD", "resque:queues", name.partition(":")[2])
            resque.link.execute("RPUSH", f"resque:{name}", *raws)
        elif name == "failed":
            resque.link.execute("RPUSH", "resque:failed", *raws)
    now = time.time()
    bench = Bench(resque)
    more = any(kind == "queue" for kind, *_ in expected)  # then one run, and not as many as there are
    bench.burst("*", options=WorkerOptions(max_jobs=1 if more else None, fork_per_job=False))
    found = lists_of(resque, now)
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[3:] == theirs[3:]
        if theirs[2] is not None:
            assert theirs[2] * 0.85 - 2 <= ours[2] <= theirs[2] * 1.18 + 2
