"""Classes of which no more jobs may begin now (docs/limits.md): they are left out for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable


class WaitingClasses:
    """What the workers of one process know of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.until: dict[str, float] = {}
        """The classes, and when each is to be asked for again."""
        self.changes = 0

    def leave_out(self, name: str, seconds: float) -> None:
        """Leave a class out for so long."""
        self.until[name] = self._clock() + seconds
        self.changes += 1

    def look(self) -> None:
        """Those whose time is over are asked for again."""
        now = self._clock()
        for name in [name for name, until in self.until.items() if now >= until]:
            del self.until[name]
            self.changes += 1

    @property
    def seconds_left(self) -> float:
        """Until the first of them is to be asked for again; infinite if there is none."""
        return max(0.0, min(self.until.values(), default=float("inf")) - self._clock())
