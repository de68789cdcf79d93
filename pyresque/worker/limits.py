"""When a worker has done enough and leaves by itself."""

from __future__ import annotations

import time

from pyresque.config.options import WorkerOptions
from pyresque.system import memory


class Limits:
    """So many jobs, so long without a job, so much memory; what is None has no limit."""

    def __init__(self, options: WorkerOptions) -> None:
        self._max_jobs = options.max_jobs
        self._max_idle = options.max_idle
        self._max_rss = None if options.max_rss is None else options.max_rss << 20
        self.are_set = not (self._max_jobs is self._max_idle is self._max_rss is None)
        """Whether there is any."""
        self._jobs = 0
        self._worked_at = time.monotonic()

    def worked(self) -> None:
        """A job is over."""
        self._jobs += 1
        self._worked_at = time.monotonic()

    def reached(self, running: int = 0) -> bool:
        """Whether it is enough, with so many jobs that run now."""
        return (
            (self._max_jobs is not None and self._jobs + running >= self._max_jobs)
            or (not running and self.idle_left() <= 0)
            or (self._max_rss is not None and memory.resident() > self._max_rss)
        )

    def idle_left(self) -> float:
        """Seconds without a job until it is enough; infinite without such a limit."""
        if self._max_idle is None:
            return float("inf")
        return self._worked_at + self._max_idle - time.monotonic()
