"""What a worker writes down about its jobs: how each ended, once, whatever happens to Redis meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pyresque.failure import Failure, Recorder
from pyresque.failure.backend import cleaned
from pyresque.failure.describe import backtrace_lines, error_message, error_name
from pyresque.perform import ReservedJob
from pyresque.store import reservation
from pyresque.store.link import Command
from pyresque.store.reservation import NEVER, Answer, Ended, Search
from pyresque.store.space import Space
from pyresque.worker.child import Report
from pyresque.worker.reserver import Run

logger = logging.getLogger("pyresque.worker")


class Books:
    """The books of one worker."""

    def __init__(self, space: Space, worker_id: str, recorder: Recorder) -> None:
        self._space = space
        self._id = worker_id
        self._recorder = recorder
        self._settled = 0

    def report(self, job: ReservedJob, error: BaseException | None, stack: Sequence[str] = ()) -> Report:
        """What became of a job; of a failure the user's own failure backend is told here and now.

        Args:
            stack: backtrace lines, for an error that has none of its own.
        """
        if error is None:
            return Report()
        report = Report(
            cleaned(error_name(error)),
            cleaned(error_message(error)),
            [cleaned(line) for line in stack or backtrace_lines(error)],
            self._recorder.new_id(),
        )
        report.saved = self._recorder.save(self._failure(job, report))
        return report

    def effects(self, run: Run, report: Report, counts_as_failed: bool) -> list[Command]:
        """Everything that the end of a job means: the record of its failure, the counters."""
        names = ["processed"] if report.done or not counts_as_failed else ["failed", "processed"]
        recorded = [] if report.done else self._recorder.effects(self._failure(run.job, report), report.saved)
        stats = [self._space.keys.stat(one) for name in names for one in (name, f"{name}:{self._id}")]
        return [*recorded, *(("INCRBY", key, 1) for key in stats)]

    def settle(self, run: Run, effects: Sequence[Command], search: Search | None = None) -> Answer | None:
        """Write down how a job ended; may be called again after RedisUnavailable.

        Args:
            search: the question for the next job, which is then asked in the same round trip.

        Returns:
            The answer to that question.
        """
        ended, answer = Ended(run.record, self._settled, effects), None
        if search is None:
            what, troubles = reservation.settle(self._space, self._id, ended)
        else:
            what, troubles, answer = reservation.advance(self._space, self._id, ended, search)
        for trouble in troubles:
            logger.warning("a key holds something that it should not: %s", trouble)
        if what == "gone":
            logger.warning(
                "%s was pruned while it worked on %s, which is recorded as failed", self._id, run.job
            )
        else:
            self._settled += 1
        return answer

    def put_back(self, run: Run) -> None:
        """Give a job that was not begun back to the head of its queue."""
        keys = self._space.keys
        effects: list[Command] = [
            ("SADD", keys.queues, run.job.queue),
            ("LPUSH", keys.queue(run.job.queue), run.raw),
        ]
        reservation.settle(self._space, self._id, Ended(run.record, NEVER, effects))

    def _failure(self, job: ReservedJob, report: Report) -> Failure:
        return Failure(
            payload=job.payload.normal(self._space.style),
            exception=report.exception,
            error=report.error,
            backtrace=report.backtrace,
            worker=self._id,
            queue=job.queue,
            failure_id=report.failure_id,
        )
