"""How an async worker waits for jobs."""

from __future__ import annotations

import asyncio
import time

from pyresque.config.options import Polling
from pyresque.store.connection.link import Link
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.reservation import Search
from pyresque.worker.polling import SURE_TURNS, Poller


class AsyncPoller:
    """The waiting of an async worker that finds no job: until a signal, a change in Redis, or some time."""

    def __init__(self, link: Link, polling: Polling) -> None:
        self._poller = Poller(polling)
        self._wakeup = Wakeup(link)
        self._stirred = asyncio.Event()
        self._deaf = 0.0

    @property
    def leaves_when_idle(self) -> bool:
        """Whether the worker leaves when there is nothing to do."""
        return self._poller.leaves_when_idle

    def worked(self) -> None:
        """There was a job."""
        self._poller.worked()

    def stir(self) -> None:
        """End the waiting: something has come."""
        self._stirred.set()

    def arm(self, search: Search) -> bool:
        """Listen to the queues; True if that is new, so that one more look at them is due."""
        self._deaf = self._poller.deaf_seconds()
        return not self._deaf and self._wakeup.arm(search.watched)

    async def turn(self, most: float) -> None:
        """Wait as an idle worker does, after `arm` and at most so many seconds."""
        until = time.monotonic() + most
        for turn in range(1, SURE_TURNS + 1):
            seconds = min(self._poller.next_sleep(), until - time.monotonic())
            if self._deaf:
                await self.sleep(min(seconds, self._deaf))  # then to be armed again
                return
            if not await self.sleep(seconds, listening=True) or time.monotonic() >= until:
                return
            if turn == SURE_TURNS or not self._wakeup.is_sure():
                return

    async def sleep(self, seconds: float, listening: bool = False) -> bool:
        """Wait until the time is over; False if something has come before."""
        self._stirred.clear()
        until = time.monotonic() + seconds
        while not self._stirred.is_set() and (left := until - time.monotonic()) > 0:
            await self._listen(left, listening)
            if listening and self._wakeup.woken():
                self._poller.woken()
                return False
        return not self._stirred.is_set()

    async def _listen(self, seconds: float, to_redis: bool) -> None:
        loop, descriptor = asyncio.get_running_loop(), self._wakeup.fileno() if to_redis else -1
        if descriptor >= 0:
            loop.add_reader(descriptor, self._stirred.set)
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        finally:
            if descriptor >= 0:
                loop.remove_reader(descriptor)

    def close(self) -> None:
        """Give the connection up that listens."""
        self._wakeup.close()
