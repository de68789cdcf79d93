"""What a worker writes down about its jobs: how each ended, once, whatever happens to Redis meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from itertools import chain

from pyresque.errors import Handled
from pyresque.failure import Failure, Recorder
from pyresque.failure.backend import cleaned
from pyresque.failure.describe import backtrace_lines, error_message, error_name
from pyresque.perform import ReservedJob
from pyresque.store import reservation
from pyresque.store.link import Command
from pyresque.store.reservation import NEVER, Answer, Ended, Search
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.wire.encoding import encode
from pyresque.wire.records import Payload, is_wrapper
from pyresque.worker.child import Report
from pyresque.worker.reserver import Run
from pyresque.worker.retries import Attempt, again, attempt_at, policy_of

logger = logging.getLogger("pyresque.worker")


class Books:
    """The books of one worker."""

    def __init__(self, space: Space, who: Registration, recorder: Recorder) -> None:
        self._space = space
        self._who = who
        self._recorder = recorder
        self._begun: tuple[Run, Attempt | None] | None = None

    def begin(self, run: Run) -> None:
        """A job begins: if it has `retry=`, count the attempt. May be called again after RedisUnavailable."""
        if self._begun is None or self._begun[0] is not run:
            self._begun = (run, attempt_at(self._space, run.job))
        attempt = self._begun[1]
        if attempt is not None:
            attempt.begin()

    def report(self, job: ReservedJob, error: BaseException | None, stack: Sequence[str] = ()) -> Report:
        """What became of a job; of a failure the user's own failure backend is told here and now.

        Args:
            stack: backtrace lines, for an error that has none of its own.
        """
        if error is None:
            return Report()
        if isinstance(error, Handled):
            style = self._space.style
            return Report(again=[(queue, encode(value, style), due) for queue, value, due in error.again])
        report = Report(
            cleaned(error_name(error)),
            cleaned(error_message(error)),
            [cleaned(line) for line in stack or backtrace_lines(error)],
            self._recorder.new_id(),
        )
        if is_wrapper(job.payload.class_name):
            report.payload = job.payload.normal(self._space.style)
        policy = policy_of(job)
        report.retryable = policy is not None and policy.wants(error)
        # Whether another attempt follows is known when the job is settled, and not to the child.
        later = policy is not None and policy.quiet
        report.saved = not later and self._recorder.save(self._failure(job, report))
        return report

    def effects(self, run: Run, report: Report, counts_as_failed: bool) -> list[Command]:
        """Everything that the end of a job means: the record of its failure, a retry, the counters."""
        names = ["processed"] if report.done or not counts_as_failed else ["failed", "processed"]
        stats = [self._space.keys.stat(one) for name in names for one in (name, f"{name}:{self._who.id}")]
        return [*self.end(run, report), *(("INCRBY", key, 1) for key in stats)]

    def end(self, run: Run, report: Report) -> list[Command]:
        """The same without the counters. Ask once: the user's failure backend may be told of it here."""
        attempt = self._attempt(run)
        if report.done:
            following = [
                again(self._space, queue, Payload.parse(raw), due) for queue, raw, due in report.again
            ]
            return [*(attempt.done() if attempt else []), *chain.from_iterable(following)]
        failure, policy = self._failure(run.job, report), policy_of(run.job)
        record = partial(self._recorded, report, policy is not None and policy.quiet)
        return attempt.failed(run.job, failure, report.retryable, record) if attempt else record(failure)

    def _recorded(self, report: Report, tell: bool, failure: Failure) -> list[Command]:
        saved = self._recorder.save(failure) if tell else report.saved
        return self._recorder.effects(failure, saved)

    def _attempt(self, run: Run) -> Attempt | None:
        return self._begun[1] if self._begun is not None and self._begun[0] is run else None

    def settle(self, run: Run, effects: Sequence[Command], search: Search | None = None) -> Answer | None:
        """Write down how a job ended; may be called again after RedisUnavailable.

        Args:
            search: the question for the next job, which is then asked in the same round trip.

        Returns:
            The answer to that question.
        """
        ended, answer = Ended(run.record, self._who.settled, effects), None
        if search is None or self._who.contested:  # no job is to be taken under an id that is another's
            settled = reservation.settle(self._space, self._who, ended)
        else:
            settled, answer = reservation.advance(self._space, ended, search)
        for trouble in settled.troubles:
            logger.warning("a key holds something that it should not: %s", trouble)
        if settled.what == "gone":
            logger.warning(
                "%s was pruned while it worked on %s, which is recorded as failed", self._who.id, run.job
            )
        self._who.settled = settled.count
        return answer

    def give_up(self, run: Run, effects: Sequence[Command]) -> None:
        """Write down the failure of a job that was not begun; it counts nowhere (core.md 9.3)."""
        reservation.settle(self._space, self._who, Ended(run.record, NEVER, effects))

    def put_back(self, run: Run) -> None:
        """Give a job that was not begun back to the head of its queue."""
        keys = self._space.keys
        effects: list[Command] = [
            ("SADD", keys.queues, run.job.queue),
            ("LPUSH", keys.queue(run.job.queue), run.raw),
        ]
        attempt = self._attempt(run)
        if attempt is not None:
            effects += attempt.undone()
        reservation.settle(self._space, self._who, Ended(run.record, NEVER, effects))

    def _failure(self, job: ReservedJob, report: Report) -> Failure:
        return Failure(
            payload=report.payload or job.payload.normal(self._space.style),
            exception=report.exception,
            error=report.error,
            backtrace=report.backtrace,
            worker=self._who.id,
            queue=job.queue,
            failure_id=report.failure_id,
        )
