"""Every recorded answer of Ruby's cron parser (fugit 1.14), accepted and refused."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.scheduler import Cron

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors/cron.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]
ACCEPTED = [case for case in CASES if case["accepted"]]
REFUSED = [case for case in CASES if not case["accepted"]]
INSTANT = datetime.fromisoformat


def names(cases):
    return [case["id"] for case in cases]


def test_the_vectors_are_all_there():
    assert (len(ACCEPTED), len(REFUSED)) == (371, 91)


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_what_ruby_accepts_runs_at_the_same_times(case):
    """Each from three instants, six times, through the changes of summer time."""
    cron = Cron(case["expr"], zone=case["scheduler_tz"])
    for fires in case.get("fires", []):
        seen = [INSTANT(fires["from"])]
        for _ in fires["next"]:
            seen.append(cron.next_after(seen[-1]))
        assert seen[1:] == [INSTANT(one) for one in fires["next"]]


@pytest.mark.parametrize("case", REFUSED, ids=names(REFUSED))
def test_what_ruby_refuses_is_refused(case):
    with pytest.raises(InvalidSchedule, match=r"^cron '"):
        Cron(case["expr"], zone=case["scheduler_tz"])


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_previous_before_finds_the_recorded_runs_again(case):
    """From the second run on: where a chain begins inside a repeated hour, its first may be another's."""
    cron = Cron(case["expr"], zone=case["scheduler_tz"])
    for fires in case.get("fires", []):
        before, last = (INSTANT(one) for one in fires["next"][-2:])
        if last - before > timedelta(hours=3):
            assert cron.previous_before(last) == before
        assert cron.next_after(cron.previous_before(last)) == last
