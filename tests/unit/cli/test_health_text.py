"""The screen of `pyresque health`."""

from dataclasses import replace

import pytest

from pyresque.cli.health_text import show
from pyresque.client.health import DelayedHealth, FailureHealth, Problem, QueueHealth, RedisHealth
from pyresque.client.missed_runs import MissedRun
from tests.unit.client.test_health_problems import WELL, queue, worker, working


def screen(capsys, knows_jobs=True, **changes):
    show(replace(WELL, **changes), knows_jobs)
    return capsys.readouterr().out


def test_where_all_is_well_it_says_so(capsys):
    text = screen(capsys)
    assert text.startswith("ok: nothing needs a person\n\nno queues\n")
    assert "nothing missed or refused" in text
    assert "none is master, and none is needed" in text


def test_what_needs_a_person_comes_first_with_advice_below(capsys):
    text = screen(
        capsys, problems=[Problem("a", "it burns", "put it out"), Problem("b", "it floods", "bail")]
    )
    assert text.splitlines()[:5] == [
        "2 things need a person:", "  it burns", "    put it out", "  it floods", "    bail"
    ]  # fmt: skip


def test_the_longest_queues_are_listed_and_the_rest_counted(capsys):
    queues = [queue(f"q{n:02}", size=n) for n in range(15)]
    text = screen(capsys, queues=queues)
    rows = [line.split()[0] for line in text.splitlines() if line.startswith("q")]
    assert rows == [f"q{n:02}" for n in range(14, 4, -1)]
    assert "and 10 jobs on 5 other queues" in text
    assert "no jobs on 2 queues" in screen(
        capsys, queues=[QueueHealth(name, 0, None, False) for name in "ab"]
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"failed": FailureHealth(5, 2, 1, 5)}, "5, 2 in the last hour, 1 with what was put aside"),
        ({"failed": FailureHealth(5, 2, 0, 2)}, "5, 2+ in the last hour"),
        ({"delayed": DelayedHealth(7, 2, 120.0, is_sampled=True)}, "7+, 2 overdue, the first for"),
        (
            working(worker(), worker(is_alive=None)),
            "1 alive, 1 of which nobody can tell from here; 0 have",
        ),
        ({"redis": RedisHealth("7.2", 2048, 4096, "noeviction")}, "7.2, 2 KB used of 4 KB, noeviction"),
        (
            {"missed": [MissedRun("a", 1.0, None)], "never_ran": ["b"]},
            "1 missed (a); 1 never ran until now (b)",
        ),
    ],
)
def test_one_line_for_each_part(capsys, changes, text):
    assert text in screen(capsys, **changes)


def test_without_jobs_nobody_is_unknown(capsys):
    assert "not looked for: -r names the module with your jobs" in screen(capsys, knows_jobs=False)
