"""The places of an async worker as Redis sees them: each a worker that comes, lives and leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store.space import Space
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.member import Membership
from pyresque.worker.outages import Patience
from pyresque.worker.pool.lifeline import tell_ready
from pyresque.worker.pruner import Pruner
from pyresque.worker.slot import Slot

logger = Log("pyresque.worker")


class Members:
    """All places of one process. To be used where no event loop runs, or in a thread.

    Args:
        patient: a space whose link tries again.
        listed: the queue list, as the pruner needs it.
    """

    def __init__(
        self,
        patient: Space,
        pruner: Pruner,
        heartbeat: Heartbeat,
        membership: Membership,
        listed: Sequence[str],
        patience: Patience,
    ) -> None:
        self.slots: list[Slot] = []
        self._patient = patient
        self._membership = membership
        self._pruner = pruner
        self._heartbeat = heartbeat
        self._listed = listed
        self._patience = patience

    def begin(self, prune_seconds: int, run_hooks: Callable[[str], None]) -> None:
        """Enter all into the books."""
        self._patience.begin(self._membership.claim)
        self._heartbeat.beat()
        self.prune(prune_seconds, starting=True)
        run_hooks("before_first_fork")
        self._patience.begin(self._membership.enter)
        self._heartbeat.registered = True
        # A thread, for a job may hold the loop for longer than a worker without a beat is thought alive.
        self._heartbeat.start_thread()
        logger.info("Worker %s is ready for %d jobs at a time", self.slots[0].id, len(self.slots))
        tell_ready()

    def prune(self, seconds: int, starting: bool = False) -> None:
        """Prune dead workers, on behalf of the first place."""
        if self._heartbeat.registered:
            self._heartbeat.start_thread()  # where the system had none for us before
        try:
            self._pruner.prune(self.slots[0].id, self._listed, seconds, starting=starting)
        except RedisError as error:
            logger.warning("cannot prune dead workers now: %s", error)

    def end(self) -> None:
        """Take all out of the books."""
        self._heartbeat.stop_thread(seconds=1.0)
        self._patience.hurry()
        left = [self._has_left(one) for one in self.slots]
        if all(left):
            logger.info("Worker %s has left", self.slots[0].id)

    def _has_left(self, slot: Slot) -> bool:
        try:
            return slot.leave(self._patient, self._patience)
        except RedisError as error:
            logger.error("cannot unregister %s: %s", slot.id, error)
            return False
