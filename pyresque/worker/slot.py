"""A place for one job: a worker as Redis sees it, what it has in hand, and how it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from pyresque.log import Log
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.worker.current_job import Hand, Run
from pyresque.worker.outages import Patience
from pyresque.worker.reserver import Reserver
from pyresque.worker.settlement import Books

logger = Log("pyresque.worker")

_RESULT = "The result of the last job"


@dataclass(frozen=True, eq=False)
class Slot:
    """One worker as Redis sees it."""

    hand: Hand
    reserver: Reserver
    books: Books

    @property
    def id(self) -> str:
        """Who it is in Redis."""
        return self.hand.who.id

    def leave(self, patient: Space, patience: Patience) -> bool:
        """Take it out of the books, and with it what it has in hand.

        A result is settled, if Redis answers in time. What was taken and not begun goes back to its queue.
        A job that was begun, and whose end nobody knows or can write down, stays in `worker:ID`, and with it
        the worker: whoever prunes it records the job as failed.

        Args:
            patient: a space whose link tries again.
            patience: what is to be hurried.

        Returns:
            False if it stays.

        Raises:
            RedisError: it cannot be done, now or at all.
        """
        hand = self.hand
        for _ in range(3):
            patience.persist(self.books.settle, _RESULT, dear=False)
            left = workers.unheard(patient, hand.who) if hand.begun is None else b""
            if left:
                self._give_back(left, patience)
            if workers.retire(patient, self.id, b"", who=hand.who):
                return True
            if hand.begun is not None or not hand.may_hold_more:
                break  # else a call that was held up on its way has taken a job just now
        logger.error(
            "%s stays in the books, for it holds a job that may have run: whoever prunes it records the job "
            "as failed", self.id,
        )  # fmt: skip
        return False

    def _give_back(self, left: bytes, patience: Patience) -> None:
        """What was taken and not begun goes back to its queue."""
        found = patience.persist(lambda: self.reserver.held(left), _RESULT, dear=False)
        if isinstance(found, Run):
            self.books.put_back(found)
            patience.persist(self.books.settle, _RESULT, dear=False)
