"""A worker as Redis sees it, the job that it has, and how it leaves; an async worker has several."""

from __future__ import annotations

from dataclasses import dataclass

from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.worker.current_job import CurrentJob
from pyresque.worker.outages import Outages
from pyresque.worker.reserver import Reserver
from pyresque.worker.settlement import Settler

logger = Log("pyresque.worker")


@dataclass(frozen=True, eq=False)
class Member:
    """One worker as Redis sees it."""

    current: CurrentJob
    reserver: Reserver
    settler: Settler

    @property
    def id(self) -> str:
        """Who it is in Redis."""
        return self.current.who.id

    def leave(self, patient: Space, outages: Outages) -> bool:
        """Unregister it, and settle the job that it has, or give it back.

        A result is settled, if Redis answers in time. What was reserved and not begun goes back to its queue.
        A job that was begun, and whose end nobody knows or can write, stays in `worker:ID`, and with it
        the worker: whoever prunes it records the job as failed.

        Args:
            patient: a space whose link tries again.
            outages: what is to be hurried.

        Returns:
            False if it stays.

        Raises:
            RedisError: it cannot be done, now or at all.
        """
        current = self.current
        for _ in range(3):
            outages.persist(self.settler.settle, outlasts_shutdown=False)
            left = workers.unheard(patient, current.who) if current.begun is None else b""
            if left:
                self._give_back(left, outages)
            if workers.retire(patient, self.id, b"", who=current.who):
                return True
            if current.begun is not None or not current.may_be_more:
                break  # else a call that was held up on its way has reserved a job just now
        logger.error(
            "%s stays registered, for it holds a job that may have run: whoever prunes it records the job "
            "as failed", self.id,
        )  # fmt: skip
        return False

    def _give_back(self, left: bytes, outages: Outages) -> None:
        """What was reserved and not begun goes back to its queue."""
        job = outages.persist(lambda: self.reserver.held(left), outlasts_shutdown=False)
        if isinstance(job, ReservedJob):
            self.settler.put_back(job)
            outages.persist(self.settler.settle, outlasts_shutdown=False)
