"""Settling a job: how it ended is written to Redis, once, whatever happens to Redis meanwhile."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from pyresque.errors import Handled, RedisError, RedisRejected, RedisReplied, RedisUnavailable
from pyresque.failure import Failure, Recorder, Redis
from pyresque.failure.describe import backtrace_lines, error_message, error_name, whole_message
from pyresque.failure.shortening import shortened, shortened_lines
from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.store import effects, reservation
from pyresque.store.connection.link import Command
from pyresque.store.connection.server import answers
from pyresque.store.counts import OTHERS
from pyresque.store.reservation import NEVER, Answer, EndedJob, Search, Settled
from pyresque.store.space import Space
from pyresque.usercode.safely import cause_of, is_a, tried
from pyresque.wire.encoding import encode
from pyresque.wire.extra_keys import begun_before
from pyresque.wire.records import is_wrapper
from pyresque.worker.current_job import CurrentJob, Settlement
from pyresque.worker.outcome_log import one_line, tell, traceback_of
from pyresque.worker.report import Following, Report
from pyresque.worker.retries import Attempt, attempt_at, following_of, is_quiet, policy_of, requeue
from pyresque.worker.tally import MOST, Ended

logger = Log("pyresque.worker")

COUNTED = ("processed", "failed")
"""The counters of a job that has failed; of one that is done, or whose process died, it is the first."""


class Settler:
    """Settles the jobs of one worker."""

    def __init__(self, space: Space, current: CurrentJob, recorder: Recorder, ended: Ended) -> None:
        self._space = space
        self._ended = ended
        self._who = current.who
        self._current = current
        self._recorder = recorder
        self._attempt: tuple[ReservedJob, Attempt | None] | None = None
        self._counters: tuple[str | None, list[Command]] = (None, [])
        self._again_at: float | None = None

    def begin(self, job: ReservedJob) -> None:
        """A job with `retry=` is to begin: count the attempt. May be called after RedisUnavailable."""
        if self._attempt is None or self._attempt[0] is not job:
            self._attempt = (job, attempt_at(self._space, job))
        attempt = self._attempt[1]
        if attempt is not None:
            attempt.begin(self._who, job.record)

    def report(self, job: ReservedJob, error: BaseException | None, stack: Sequence[str] = ()) -> Report:
        """What became of a job; of a failure the user's own failure backend is told here and now.

        Args:
            stack: backtrace lines, for an error that has none of its own.
        """
        if error is None:
            return Report()
        if is_a(error, Handled):
            return self._handled(error)
        report, raised = tried(self._described, job, error, stack)
        if report is not None:
            return report
        # The job has failed all the same, whatever it has done to what we need to tell of it.
        logger.exception(
            "the failure of %s cannot be told: %s", job.payload.class_name, raised, exc_info=raised
        )
        text = f"(its failure cannot be told: {error_name(raised)})" if raised is not None else ""
        new_id = self._recorder.new_id()
        return Report(error_name(error), text, [], new_id, saved=False, following=Following())

    def _handled(self, error: Handled) -> Report:
        style, cause = self._space.style, cause_of(error)
        report = Report(again=[(queue, job.as_written(style), due) for queue, job, due in error.again])
        if cause is not None:
            report.handled = tried(one_line, cause)[0] or error_name(cause)
            report.traceback = traceback_of(cause)
        return report

    def _described(self, job: ReservedJob, error: BaseException, stack: Sequence[str]) -> Report:
        report = Report(
            shortened(error_name(error)),
            shortened(whole_message(error)),
            shortened_lines(stack or backtrace_lines(error)),
            self._recorder.new_id(),
        )
        report.traceback = traceback_of(error, stack)
        if is_wrapper(job.payload.class_name):
            report.payload = job.payload.normal(self._space.style)
        policy = policy_of(job)
        report.following = following_of(job.untouched(), error, self._space.style)
        # Whether another attempt follows is known when the job is settled, and not to the child.
        later = is_quiet(policy)
        report.saved = not later and self._recorder.save(self._failure(job.untouched(), report))
        return report

    def ended(self, job: ReservedJob, report: Report, counted: int = 2) -> None:
        """A job is over: what this means is to be written by `settle`.

        Args:
            counted: how many of the counters it counts in: none where it has never begun; of one whose
                process died, as of one that is done, the first.
        """
        is_done = not report.exception
        counters = self._counted(min(counted, 1) if is_done else counted)
        is_told = not is_done or report.again or report.handled
        if not is_told and (self._attempt is None or self._attempt[0] is not job):
            if len(job.payload.value) > 2:
                counters = [*self._status(job, report), *counters]
            self._current.settlement = Settlement(job, counted > 0, counters)
            return
        self._again_at = None
        meaning, error = tried(self._meaning, job, report)
        if meaning is None and error is not None:
            # A policy or a backend of the user's: that must not leave a job that has run without its end.
            logger.exception(
                "what follows from the end of %s cannot be told: %s", job.untouched(), error, exc_info=error
            )
            meaning, self._again_at = (self._bare(job, report, error), iter(())), None
        if is_told:
            tell(job.untouched(), report, self._again_at)
        whole, less = meaning or ([], iter(()))
        self._current.settlement = Settlement(
            job,
            bool(counters),
            [*whole, *counters],
            ([*form, *counters] for form in less),
            has_failed=not is_done,
        )

    def expired(self, job: ReservedJob) -> None:
        """A job is not to run, for it has waited too long: that is to be written by `settle`.

        It counts as processed, and as expired.
        """
        from pyresque.worker.beginning import at_expiry  # only who has such jobs waits for it
        from pyresque.worker.tracking import expired_status

        meaning = [*at_expiry(self._space, job), *expired_status(self._space, job)]
        self._current.settlement = Settlement(job, True, [*meaning, *self._counted(1)])

    def _counted(self, counted: int) -> list[Command]:
        """What adds one to so many of the counters."""
        who = self._who
        if self._counters[0] != who.host:
            self._counters = who.host, effects.count(self._space.keys, COUNTED, who.id)
        return self._counters[1][: 2 * counted]

    def put_back(self, job: ReservedJob, report: Report | None = None) -> None:
        """A job is to go back to the head of its queue; that is to be written by `settle`.

        Args:
            report: what has become of it so far; one with steps goes back with those that it has done.
        """
        raw = report.payload if report is not None and job.has_steps else b""
        if not raw and len(job.payload.value) > 2 and self._current.begun is job:
            raw = encode(begun_before(job.untouched().payload.value), self._space.style)
        back = effects.push_first(self._space.keys, job.queue, raw or job.payload.raw)
        attempt = self._attempt_at(job)
        if attempt is not None:
            back += attempt.undone()
        if len(job.payload.value) > 2:
            from pyresque.worker.tracking import back_on_queue

            back += back_on_queue(self._space, job)
        self._current.settlement = Settlement(job, False, back, token=uuid.uuid4().hex)

    def settle(self, search: Search | None = None) -> Answer | None:
        """Write what the end of a job means; to be called again after any error but RedisRejected.

        Args:
            search: the question for the next job, which is then asked in the same round trip.

        Returns:
            The answer to that question.

        Raises:
            RedisRejected: Redis will not take it, however little is said.
            RedisError: it could not be done now; later it may.
        """
        settlement, who, answer = self._current.settlement, self._who, None
        if settlement is None:
            return None
        while True:
            before = who.settled if settlement.counts else NEVER
            ended = EndedJob(settlement.job.record, before, settlement.effects, settlement.token)
            try:
                if search is None or not settlement.counts or who.contested or settlement.was_refused:
                    settled = reservation.settle(self._space, who, ended)
                else:
                    settled, answer = reservation.advance(self._space, ended, search)
                break
            except RedisError as error:
                self._shorten(settlement, error)
        if settled.troubles or settled.what == "gone":
            self._warn(settlement, settled)
        if settlement.counts and settled.what != "gone":
            who.settled = settled.count
            known = settlement.job.job
            name = known.name if known is not None else self._name_of_unknown(settlement.job)
            self._ended[name, settlement.has_failed] += 1
        self._current.begun = self._current.settlement = None
        self._current.reserved = answer is not None and answer.what == "job"
        return answer

    def _name_of_unknown(self, job: ReservedJob) -> str:
        return job.untouched().payload.job_class if len(self._ended) < MOST else OTHERS

    def _shorten(self, settlement: Settlement, error: RedisError) -> None:
        """Let a settlement that Redis does not take say less, or raise the error."""
        if is_a(error, RedisRejected):
            if not settlement.refused():  # said once, it may have been no answer to this
                raise RedisUnavailable(str(error), maybe_done=True) from error
            if settlement.shorten():
                name = settlement.job.untouched().payload.job_class
                logger.warning("Redis does not take all of the end of a %s, so less is said: %s", name, error)
                return
        elif is_a(error, RedisReplied):
            # Perhaps it was the question. Else what is final may be so for less of it, or pass after all.
            if settlement.refused():
                settlement.shorten()
        elif error.maybe_done and settlement.broke() and answers(self._space.link):
            settlement.shorten()  # it is this that breaks the connection: too large for this server
        raise error

    def _warn(self, settlement: Settlement, settled: Settled) -> None:
        for trouble in settled.troubles:
            logger.warning("a key holds something that it should not: %s", trouble)
        if settled.what == "gone":
            logger.warning(
                "worker:%s does not hold %s any more: it was pruned, and the job is recorded as failed, or "
                "Redis came back older than it was; what became of it is dropped",
                self._who.id, settlement.job.untouched(),
            )  # fmt: skip

    # --- what the end of a job means -----------------------------------------------------------------

    def _meaning(self, job: ReservedJob, report: Report) -> tuple[list[Command], Iterator[list[Command]]]:
        """Everything that the end of a job means but for the counters; then what says less."""
        attempt = self._attempt_at(job)
        if report.done:
            following = [requeue(self._space, queue, raw, due) for queue, raw, due in report.again]
            done = [*(attempt.done() if attempt else []), *chain.from_iterable(following)]
            return [*done, *self._status(job, report, goes_on=bool(report.again))], iter(())
        job = job.untouched()
        failure, policy = self._failure(job, report), policy_of(job)
        delay = attempt.delay(job, report.following) if attempt else None
        self._again_at = None if delay is None else time.time() + delay
        saved: list[bool] = [] if is_quiet(policy) else [report.saved]

        def recorded(failure: Failure) -> list[Command]:
            if not saved:  # now that it is known that no attempt follows, and only once
                saved.append(self._recorder.save(failure))
            return self._recorder.effects(failure, saved[0])

        def written(failure: Failure, attempt: Attempt | None) -> list[Command]:
            if attempt is None:
                return [*recorded(failure), *self._status(job, report)]
            commands = attempt.failed(job, failure, report.following, recorded, delay)
            return [*commands, *self._status(job, report, goes_on=delay is not None)]

        forms = ((failure.short(), attempt), (failure.short(), None))
        return written(failure, attempt), (written(*form) for form in forms)

    def _status(self, job: ReservedJob, report: Report, goes_on: bool = False) -> list[Command]:
        """What the end means for the status of a job that is tracked."""
        if len(job.payload.value) <= 2:  # nothing but class and args, as nearly always
            return []
        from pyresque.worker.tracking import at_end  # only who tracks jobs waits for it

        return at_end(self._space, job, report, goes_on)

    def _bare(self, job: ReservedJob, report: Report, error: BaseException) -> list[Command]:
        """The record of a failure and nothing else, where all else cannot be told because of this error."""
        failure = self._failure(job.untouched(), report)
        text = f"{error_name(error)}: {error_message(error)}"
        if report.done:
            failure = replace(failure, exception=error_name(error), failure_id=self._recorder.new_id())
            text = f"The job is done, but what follows from it cannot be written: {text}"
        else:
            text = f"{report.error}\n(What follows from this failure cannot be written: {text})"
        return Redis().effects(replace(failure, error=text), self._space.keys, self._space.style)

    def _attempt_at(self, job: ReservedJob) -> Attempt | None:
        return self._attempt[1] if self._attempt is not None and self._attempt[0] is job else None

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
