"""The history of all workers and the counts by class, whatever the clock and the keys say."""

from __future__ import annotations

from typing import Any

import pytest

from pyresque import Resque
from pyresque.store import counts, workers

HOUR = 3600
NOON = 1_800_014_400
"""A moment, at the full hour."""
SEEN = "resque:pyresque:history:seen"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock of Redis."""

    def set_to(second: int) -> None:
        monkeypatch.setattr(workers, "redis_time", lambda space: second)

    return set_to


def work(resque: Resque, processed: int, failed: int = 0) -> None:
    """What settling so many jobs does to the counters."""
    resque.link.execute("INCRBY", "resque:stat:processed", processed)
    resque.link.execute("INCRBY", "resque:stat:failed", failed)


def told(resque: Resque, resolution: counts.Resolution) -> dict[int, tuple[int, int, bool]]:
    length = counts.HISTORIES[resolution][0]
    _, _, found = counts.pieces(resque.space, resolution)
    return {
        (number * length - NOON): (piece.processed, piece.failed, piece.unseen)
        for number, piece in found.items()
    }


def test_what_was_done_between_two_looks_is_shared_evenly(resque: Resque, at: Any) -> None:
    """By the second: a look at half past a minute gives each minute its part; what nobody saw is marked."""
    at(NOON)
    counts.note_totals(resque.space)
    work(resque, 300, 30)
    at(NOON + 150)
    counts.note_totals(resque.space)
    assert told(resque, "minute") == {0: (120, 12, False), 60: (120, 12, True), 120: (60, 6, False)}
    assert told(resque, "hour") == {0: (300, 30, False)}
    work(resque, 1)
    at(NOON + 151)
    counts.note_totals(resque.space)
    assert told(resque, "minute")[120] == (61, 6, False)


@pytest.mark.parametrize("hours", [2, 30, 14 * 24 + 5, 24 * 500])
def test_nothing_is_lost_or_doubled_in_a_gap(resque: Resque, at: Any, hours: int) -> None:
    """However long nobody looked, each history has as many jobs as there were in its time."""
    at(NOON)
    counts.note_totals(resque.space)
    work(resque, 100_003, 7)
    at(NOON + hours * HOUR)
    counts.note_totals(resque.space)
    for resolution, (length, kept) in counts.HISTORIES.items():
        found = told(resque, resolution)
        share = min(1.0, kept * length / (hours * HOUR))
        assert len(found) <= kept
        total = sum(piece[0] for piece in found.values())
        assert total == 100_003 if share == 1 else total == pytest.approx(100_003 * share, rel=0.01)
        assert resque.link.execute("HLEN", f"resque:pyresque:history:{resolution}") <= kept
        assert 0 < resque.link.execute("TTL", f"resque:pyresque:history:{resolution}") <= kept * length


def test_the_first_look_knows_only_what_it_is_told(resque: Resque, at: Any) -> None:
    """Counters that were years old are no history of this minute; the jobs of whoever looks are."""
    work(resque, 1_000_000, 500)
    at(NOON)
    counts.count(resque.space, [("Mail", 3, 1)], "t")
    assert told(resque, "minute") == {0: (3, 1, False)}
    assert counts.pieces(resque.space, "day")[1] == NOON


def test_a_clock_that_jumps(resque: Resque, at: Any) -> None:
    """Back or far forward: no job counts twice, and no piece of the future is shown."""
    at(NOON)
    counts.note_totals(resque.space)
    work(resque, 10)
    at(NOON - 7200)
    counts.note_totals(resque.space)
    assert sum(piece[0] for piece in told(resque, "minute").values()) == 10
    work(resque, 5)
    at(NOON + 10 * 365 * 86400)
    counts.note_totals(resque.space)
    at(NOON)
    work(resque, 2)
    counts.note_totals(resque.space)
    assert told(resque, "minute")[0] == (2, 0, False)
    assert min(told(resque, "day")) >= -400 * 86400
    assert max(told(resque, "day")) <= 0


def test_counters_that_were_set_count_nothing(resque: Resque, at: Any) -> None:
    """Lower than before (cleared, or a Redis with older data), or no number at all."""
    work(resque, 50, 5)
    at(NOON)
    counts.note_totals(resque.space)
    resque.link.execute("SET", "resque:stat:processed", 10)
    at(NOON + 5)
    counts.note_totals(resque.space)
    assert told(resque, "minute") == {}
    resque.link.execute("SET", "resque:stat:processed", "many")
    counts.note_totals(resque.space)
    resque.link.execute("SET", "resque:stat:processed", 12)
    counts.note_totals(resque.space)
    assert told(resque, "minute") == {0: (2, 0, False)}


def test_classes_are_counted_by_day_and_language(resque: Resque, at: Any) -> None:
    """Sums, the first and the last news of each; another day has a key of its own."""
    at(NOON)
    counts.count(resque.space, [("Mail", 3, 1), ("a class, with blanks", 1, 0)], "1")
    at(NOON + 60)
    counts.count(resque.space, [("Mail", 2, 0)], "2")
    assert counts.note_ruby(resque.space, NOON + 60, b"", b"x", [("Mail", 1, 0)])
    at(NOON + 86_400)
    counts.count(resque.space, [("Mail", 1, 1)], "3")
    now, days = counts.by_day(resque.space, 14)
    today = now // 86_400
    assert days[today - 1] == {
        ("python", "Mail"): counts.Counted(5, 1, NOON, NOON + 60),
        ("python", "a class, with blanks"): counts.Counted(1, 0, NOON, NOON),
        ("ruby", "Mail"): counts.Counted(1, 0, NOON + 60, NOON + 60),
    }
    assert days[today] == {("python", "Mail"): counts.Counted(1, 1, now, now)}
    assert len(days) == 14
    assert resque.link.execute("TTL", f"resque:pyresque:counts:{today}") == 15 * 86_400


def test_the_same_token_counts_once(resque: Resque, at: Any) -> None:
    """Also where its answer was not forgotten: the link of a worker keeps it after a lost reply."""
    at(NOON)
    resque.link.execute("SET", "resque:pyresque:once:same", "1")
    counts.count(resque.space, [("Mail", 3, 1)], "same")
    assert counts.by_day(resque.space, 1)[1][NOON // 86_400] == {}


def test_more_classes_than_have_room_are_counted_together(resque: Resque, at: Any) -> None:
    """Nobody fills Redis with class names, however many and however long."""
    at(NOON)
    rows = [(f"Class{n}" + "x" * 5_000, 1, 0) for n in range(counts.MOST_CLASSES + 100)]
    counts.count(resque.space, rows, "t")
    counts.note_ruby(resque.space, NOON, b"", b"x", rows[:1])
    key = f"resque:pyresque:counts:{NOON // 86_400}"
    assert resque.link.execute("HLEN", key) == counts.MOST_CLASSES + 2
    assert resque.link.execute("MEMORY", "USAGE", key) < 400_000
    [found] = [one for one in counts.by_day(resque.space, 1)[1].values() if one]
    assert found["python", counts.OTHERS].processed == 100
    assert sum(one.processed for (language, _), one in found.items() if language == "python") == len(rows)


@pytest.mark.parametrize("kind", ["SET", "RPUSH", "SADD"])
@pytest.mark.parametrize("name", ["seen", "minute", "hour", "day", "ruby", "counts"])
def test_a_key_of_a_wrong_type_stops_nothing_else(resque: Resque, at: Any, kind: str, name: str) -> None:
    """What can be counted is, and nothing raises."""
    at(NOON)
    key = f"resque:pyresque:history:{name}"
    key = f"resque:pyresque:counts:{NOON // 86_400}" if name == "counts" else key
    resque.link.execute(kind, key, "junk")
    for n in range(2):
        work(resque, 1)
        counts.count(resque.space, [("Mail", 1, 0)], str(n))
    counts.note_ruby(resque.space, NOON, counts.seen_of_ruby(resque.space) or b"", b"x", [("Mail", 1, 0)])
    for resolution in counts.HISTORIES:
        is_there = told(resque, resolution) != {}
        assert is_there == (name not in ("seen", resolution))
    assert bool(counts.by_day(resque.space, 1)[1][NOON // 86_400]) == (name != "counts")


def test_fields_that_hold_junk_are_read_as_nothing_and_written_anew(resque: Resque, at: Any) -> None:
    """Anybody may have written there."""
    at(NOON)
    day = f"resque:pyresque:counts:{NOON // 86_400}"
    for junk in ("", "1 2", "a b c d", "9" * 400, "1 2 3 4 5", "\xff"):
        resque.link.execute("HSET", day, "python Mail", junk, "nothing", "1 1 1 1", "perl X", "1 1 1 1")
        resque.link.execute("HSET", "resque:pyresque:history:minute", NOON // 60 % 180, junk, "x", "y")
        resque.link.execute("HSET", SEEN, "at", junk, "since", junk)
        assert counts.by_day(resque.space, 1)[1][NOON // 86_400] == {}
        assert told(resque, "minute") == {}
        counts.count(resque.space, [("Mail", 1, 0)], junk)
        assert counts.by_day(resque.space, 1)[1][NOON // 86_400]["python", "Mail"].processed == 1
