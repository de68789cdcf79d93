"""The page of the history, by Flask's test client."""

from __future__ import annotations

import re

import pytest

from pyresque import Resque
from pyresque.client.history import Bucket
from pyresque.store import workers
from pyresque.web.charts import HEIGHT, WIDTH, chart
from tests.dashboard_client import browser_before

NOON = 1_800_014_400


def page(resque: Resque, path: str, status: int = 200) -> str:
    answer = browser_before(resque).get(path)
    assert answer.status_code == status
    assert " style=" not in answer.text, "the policy allows no style in a page"
    return answer.text


@pytest.mark.parametrize(
    ("query", "bars"), [("", 180), ("?by=minute", 180), ("?by=hour", 336), ("?by=day", 400)]
)
def test_nothing_has_happened(resque: Resque, query: str, bars: int) -> None:
    """Each chart has a place for each piece of time, and says that there is nothing."""
    text = page(resque, f"/history{query}")
    assert text.count("<title>") == bars + 1  # the page has one, too
    assert "Nothing was processed in this time" in text


def test_numbers_are_in_the_chart_and_in_the_table(resque: Resque, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was shared evenly is said to be, and so is since when anything is known."""
    clock = NOON
    monkeypatch.setattr(workers, "redis_time", lambda space: clock)
    page(resque, "/history")
    resque.link.execute("INCRBY", "resque:stat:processed", 300)
    resque.link.execute("INCRBY", "resque:stat:failed", 30)
    clock += 150
    text = page(resque, "/history")
    assert "<title>2027-01-15 12:00: 120 processed, 12 failed</title>" in text
    assert "12:01: 120 processed, 12 failed, shared evenly: nobody looked then</title>" in text
    assert "11:59: nothing is known of that time" in text
    assert len(re.findall(r'<tr><td class="when">2027-01-15 12:0\d', text)) == 3
    assert "The history began 2027-01-15 12:00 UTC" in text
    assert "10.0 %" in text
    assert "300 processed, 30 failed" in page(resque, "/history?by=day")


def test_a_history_that_there_is_not(resque: Resque) -> None:
    """Not found, in words."""
    assert "ask for minute, hour or day" in page(resque, "/history?by=week", 404)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 10, 999, 1_000, 123_456_789, 10**15])
def test_a_chart_holds_what_it_shows(most: int) -> None:
    """No bar is outside, the scale is round, and a single job among many is seen."""
    found = [Bucket(60 * n, most if n == 3 else min(1, most), min(1, most)) for n in range(180)]
    drawn = chart(found, "label", lambda one: str(one.at), lambda at: "")
    for bar in drawn.bars:
        for y, high in (bar.done, bar.failed):
            assert -2 <= y <= y + high <= HEIGHT
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert bar.failed[1] >= 1 or not most
    assert drawn.is_empty == (most == 0)
    assert len(drawn.lines) == 2


def test_more_failed_than_processed(resque: Resque) -> None:
    """Counters that somebody has set make no bar longer than the chart."""
    drawn = chart([Bucket(0, 5, 50)], "label", lambda one: "", lambda at: "")
    assert drawn.bars[0].done[1] == 0
    assert drawn.bars[0].failed[0] >= 0
