"""Bar charts as SVG: what goes where, for the template to draw. It sets attributes only, and no style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

WIDTH, HEIGHT = 960, 220
LEFT, RIGHT, TOP, BOTTOM = 8, 64, 12, 28
"""The room about the bars: on the right is the scale, below are the times."""
_STEPS = (1, 2, 3, 4, 6, 8)


class Counted(Protocol):
    """What a bar shows: jobs processed from a moment on, and how many of these failed."""

    @property
    def at(self) -> int:
        """The second at which it begins."""

    @property
    def processed(self) -> int:
        """All jobs."""

    @property
    def failed(self) -> int:
        """Those that failed."""


@dataclass(frozen=True)
class Bar:
    """One bar: its place, the part for jobs that are done, below it the part for those that failed."""

    x: float
    width: float
    done: tuple[float, float]
    """Where the part begins, from above, and how high it is; so is the next."""
    failed: tuple[float, float]
    title: str


@dataclass(frozen=True)
class Chart:
    """A whole chart. `ticks` and `lines`: where a word stands below, and to the right."""

    label: str
    bars: list[Bar]
    ticks: list[tuple[float, str]]
    lines: list[tuple[float, str]]
    is_empty: bool

    width, height, bottom = WIDTH, HEIGHT, HEIGHT - BOTTOM
    left, right = LEFT, WIDTH - RIGHT


def chart(
    found: Sequence[Counted],
    label: str,
    title: Callable[[Counted], str],
    tick: Callable[[datetime], str],
) -> Chart:
    """The chart of these, the oldest at the left.

    Args:
        label: what it shows, for those who cannot see it.
        title: what a bar says when it is pointed at.
        tick: the word below a bar, by its moment in UTC; empty where there is none.
    """
    most = _nice(max((one.processed for one in found), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(found))
    low = HEIGHT - BOTTOM
    scale = (low - TOP) / most
    bars, ticks = [], []
    for number, one in enumerate(found):
        x = round(LEFT + number * step, 2)
        failed = min(one.failed, one.processed)
        bad = _high(failed * scale)
        good = _high((one.processed - failed) * scale)
        gap = min(1.5, step / 5)
        bars.append(
            Bar(
                x,
                round(step - gap, 2),
                (round(low - bad - good, 1), good),
                (round(low - bad, 1), bad),
                title(one),
            )
        )
        if word := tick(datetime.fromtimestamp(one.at, UTC)):
            ticks.append((x, word))
    lines = [(round(low - part * scale, 1), f"{part:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"))
             for part in (most // 2, most) if part]  # fmt: skip
    return Chart(label, bars, ticks, lines, not any(one.processed for one in found))


def _high(height: float) -> float:
    """A height; a few jobs among many are seen, too."""
    return round(max(1.5, height), 1) if height else 0.0


def _nice(most: int) -> int:
    """A round number that is not less, and is even."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= max(2, most) and step * power % 2 == 0:
                return step * power
        power *= 10
