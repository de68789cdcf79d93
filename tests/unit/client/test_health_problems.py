"""What needs a person: each kind of trouble is told with what to type, whatever the names hold."""

import shlex
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque.client.fleet import fleet_of
from pyresque.client.health import DelayedHealth, FailureHealth, Health, QueueHealth, RedisHealth
from pyresque.client.health_problems import problems_of, typed
from pyresque.client.info import WorkerInfo
from pyresque.client.missed_runs import MissedRun
from pyresque.client.pausing import PausedQueues
from pyresque.client.unknown_classes import WaitingClass

WELL = Health(
    now=1_000.0, queues=[], failed=FailureHealth(), delayed=DelayedHealth(), missed=[], refused=[],
    master=None,
    needs_scheduler=False, paused=PausedQueues(False, []), workers=[], waiting=[], redis=RedisHealth(),
)  # fmt: skip


def worker(queues="*", **more):
    return WorkerInfo(f"h:1:{queues}", None, "", "", 0, 0, **{"language": "python", "is_alive": True, **more})


def working(*infos):
    """What a look gives for these workers."""
    return {"workers": [*infos], "fleet": fleet_of(infos, 3_600.0)}


def queue(name="mail", size=3, age=None, paused=False):
    return QueueHealth(name, size, age, paused)


@pytest.mark.parametrize(
    ("kind", "changes", "text", "advice"),
    [
        (
            "memory", {"redis": RedisHealth("7", 95, 100)},
            "Redis uses 95 % of its memory", "raise its maxmemory",
        ),
        ("eviction", {"redis": RedisHealth(policy="allkeys-lru")}, "is allkeys-lru", "set maxmemory-policy"),
        ("scheduler", {"needs_scheduler": True}, "no scheduler is master", "start one: pyresque scheduler"),
        (
            "schedule", {"missed": [MissedRun("nightly", 1.0, None)]},
            "nightly", "pyresque schedule run nightly",
        ),
        ("no worker", {"queues": [queue()]}, "3 jobs wait (mail)", "start one: pyresque work -q mail"),
        (
            "paused", {"queues": [queue(paused=True)], **working(worker())}, "queues that are paused",
            "pyresque queue resume mail",
        ),
        (
            "age", {"queues": [queue(age=7_200.0)], **working(worker())}, "more than 60 min: mail 2 h",
            "start more workers",
        ),
        (
            "dead workers", working(worker(is_alive=False)),
            "1 worker is registered and dead: h:1:*", "prune",
        ),
        (
            "long job", working(worker(working_for=8_000.0)), "1 worker has been at one job",
            "pyresque worker show 'h:1:*'",
        ),
        (
            "unknown class",
            {"waiting": [WaitingClass("mail", "Gone", 1, "", "what to do", is_sampled=False)]},
            "1 job waits on mail of the class Gone", "pyresque queue remove-job --class Gone mail",
        ),
        (
            "aside", {"failed": FailureHealth(aside=1)},
            "1 element was put aside", "pyresque failed list --text",
        ),
    ],
)  # fmt: skip
def test_each_trouble_is_told_with_what_to_type(kind, changes, text, advice):
    [problem] = problems_of(replace(WELL, **changes), 3_600.0, [], 3_600.0)
    assert problem.kind == kind
    assert text in problem.text
    assert advice in problem.advice


def test_where_all_is_well_nothing_is_told():
    busy = replace(
        WELL, queues=[queue(age=10.0)], redis=RedisHealth("7", 1, 100), **working(worker(working_for=5.0))
    )
    assert problems_of(busy, 3_600.0, [], 3_600.0) == []


def test_a_dead_worker_serves_no_queue_and_a_pattern_serves_those_that_fit():
    for workers, kinds in (
        ([worker("ma*")], []), ([worker("other")], ["no worker"]),
        ([worker("mail", is_alive=False)], ["no worker", "dead workers"]),
    ):  # fmt: skip
        health = replace(WELL, queues=[queue()], **working(*workers))
        assert [problem.kind for problem in problems_of(health, None, [])] == kinds


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30))
@settings(max_examples=30)
def test_a_name_that_is_typed_so_reaches_the_program_as_it_is(name):
    text = typed(name)
    assert text.isprintable()
    if name.isprintable():
        assert shlex.split(text) == [name]
    else:
        done = subprocess.run(
            ["bash", "-c", f"printf %s {text}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
        )
        assert done.stdout.decode() == name
