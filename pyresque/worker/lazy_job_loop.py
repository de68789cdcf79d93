"""The event loop that the jobs of a process share, where they need one: asyncio is large, and not for all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyresque.worker.job_loop import JobLoop


class LazyJobLoop:
    """An JobLoop that is made when it is needed."""

    def __init__(self, keep_signals: Callable[[], None] | None) -> None:
        self._keep_signals = keep_signals
        self._own: JobLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end."""
        if self._own is None:
            from pyresque.worker.job_loop import JobLoop

            self._own = JobLoop(self._keep_signals) if self._keep_signals else JobLoop()
        return self._own.run(coroutine)

    def offer(self) -> None:
        """Let the next job find what `asyncio.get_event_loop` gives, whatever the last one has done to it."""
        if "asyncio" in sys.modules:
            from pyresque.worker.job_loop import offer_loop

            offer_loop()

    @staticmethod
    def preload() -> None:
        """Import what it takes now, and not in each child; not where nothing has asked for asyncio yet."""
        if "asyncio" in sys.modules:
            import pyresque.worker.job_loop  # noqa: F401 (for the children)

    def close(self) -> None:
        """There will be no more jobs."""
        if self._own is not None:
            self._own.close()
