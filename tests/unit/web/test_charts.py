"""Bar charts: every bar is within its frame, and a few jobs among many are seen."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pyresque.web.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart


@dataclass
class Counted:
    at: int
    processed: int
    failed: int


def drawn(found):
    return chart(found, "jobs", lambda bar: f"{bar.processed}", lambda at: "" if at.minute else f"{at:%H}")


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=50))
def test_all_bars_are_in_the_frame(numbers):
    found = [Counted(60 * n, processed, failed) for n, (processed, failed) in enumerate(numbers)]
    made = drawn(found)
    assert len(made.bars) == len(found)
    for bar, counted in zip(made.bars, found, strict=True):
        assert LEFT <= bar.x <= bar.x + bar.width <= WIDTH - RIGHT + 1
        assert bar.width > 0
        failed = min(counted.failed, counted.processed)
        for (top, height), jobs in ((bar.failed, failed), (bar.done, counted.processed - failed)):
            assert (height > 0) == (jobs > 0)
            assert top >= TOP - 4
            assert top + height <= HEIGHT - BOTTOM + 0.2
    assert made.is_empty == (not any(processed for processed, _ in numbers))


def test_words_stand_below_and_round_numbers_at_the_side():
    made = drawn([Counted(3_600 * n, 700, 0) for n in range(3)])
    assert [word for _, word in made.ticks] == ["00", "01", "02"]
    assert [word for _, word in made.lines] == ["400", "800"]
    assert [bar.title for bar in made.bars] == ["700"] * 3
