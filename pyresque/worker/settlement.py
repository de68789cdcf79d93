"""What a worker writes down about its jobs: how each ended, once, whatever happens to Redis meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from pyresque.errors import Handled, RedisRejected, RedisReplied, RedisUnavailable
from pyresque.failure import Failure, Recorder, Redis
from pyresque.failure.backend import shortened, shortened_lines
from pyresque.failure.describe import backtrace_lines, error_message, error_name, whole_message
from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.store import effects, reservation
from pyresque.store.connection.link import Command
from pyresque.store.connection.server import answers
from pyresque.store.reservation import NEVER, Answer, Ended, Search, Settled
from pyresque.store.space import Space
from pyresque.usercode.safely import is_a, tried
from pyresque.wire.records import is_wrapper
from pyresque.worker.current_job import Hand, Run, Settlement, untouched
from pyresque.worker.report import Following, Report
from pyresque.worker.retries import Attempt, attempt_at, following_of, is_quiet, policy_of, requeue

logger = Log("pyresque.worker")

COUNTED = ("processed", "failed")
"""The counters of a job that has failed; of one that is done, or whose process died, it is the first."""


class Books:
    """The books of one worker."""

    def __init__(self, space: Space, hand: Hand, recorder: Recorder) -> None:
        self._space = space
        self._who = hand.who
        self._hand = hand
        self._recorder = recorder
        self._attempt: tuple[Run, Attempt | None] | None = None

    def begin(self, run: Run) -> None:
        """A job is to begin: if it has `retry=`, count the attempt. May be called after RedisUnavailable."""
        if self._attempt is None or self._attempt[0] is not run:
            self._attempt = (run, attempt_at(self._space, run.job))
        attempt = self._attempt[1]
        if attempt is not None:
            attempt.begin(self._who, run.record)

    def begun(self, run: Run) -> None:
        """From now on code of the application may run for this job."""
        self._hand.begin(run)

    @property
    def unfinished(self) -> Run | None:
        """The job that was begun, and of which nobody has said yet what became of it."""
        return self._hand.begun if self._hand.ending is None else None

    def report(self, job: ReservedJob, error: BaseException | None, stack: Sequence[str] = ()) -> Report:
        """What became of a job; of a failure the user's own failure backend is told here and now.

        Args:
            stack: backtrace lines, for an error that has none of its own.
        """
        if error is None:
            return Report()
        if is_a(error, Handled):
            style = self._space.style
            return Report(again=[(queue, job.as_written(style), due) for queue, job, due in error.again])
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

    def _described(self, job: ReservedJob, error: BaseException, stack: Sequence[str]) -> Report:
        report = Report(
            shortened(error_name(error)),
            shortened(whole_message(error)),
            shortened_lines(stack or backtrace_lines(error)),
            self._recorder.new_id(),
        )
        if is_wrapper(job.payload.class_name):
            report.payload = job.payload.normal(self._space.style)
        policy = policy_of(job)
        report.following = following_of(untouched(job), error, self._space.style)
        # Whether another attempt follows is known when the job is settled, and not to the child.
        later = is_quiet(policy)
        report.saved = not later and self._recorder.save(self._failure(untouched(job), report))
        return report

    def ended(self, run: Run, report: Report, counted: Sequence[str] = COUNTED) -> None:
        """A job is over, and this became of it: from now on it waits to be settled.

        Args:
            counted: the counters that it counts in; none: it has never begun.
        """
        names = counted[:1] if report.done else counted
        counters = effects.count(self._space.keys, names, self._who.id)
        meaning, error = tried(self._meaning, run, report)
        if meaning is None and error is not None:
            # A policy or a backend of the user's: that must not leave a job that has run without its end.
            logger.exception("what follows from the end of %s cannot be told: %s", run, error, exc_info=error)
            meaning = self._bare(run, report, error), iter(())
        whole, less = meaning or ([], iter(()))
        self._hand.ending = Settlement(
            run, bool(names), [*whole, *counters], ([*one, *counters] for one in less)
        )

    def put_back(self, run: Run, said: Report | None = None) -> None:
        """A job is to go back to the head of its queue: it waits to be settled so.

        Args:
            said: what has become of it so far; one with steps goes back with those that it has done.
        """
        raw = said.payload if said is not None and run.job.has_steps else b""
        back = effects.push_first(self._space.keys, run.job.queue, raw or run.raw)
        attempt = self._attempt_at(run)
        if attempt is not None:
            back += attempt.undone()
        self._hand.ending = Settlement(run, False, back)

    def settle(self, search: Search | None = None) -> Answer | None:
        """Write down what waits to be settled; to be called again after any error but RedisRejected.

        Args:
            search: the question for the next job, which is then asked in the same round trip.

        Returns:
            The answer to that question.

        Raises:
            RedisRejected: Redis will not take it, however little is said.
            RedisError: it could not be done now; later it may.
        """
        ending = self._hand.ending
        if ending is None:
            return None
        while True:
            try:
                settled, answer = self._send(ending, search)
                break
            except RedisRejected as error:
                if not ending.refused():  # said once, it may have been no answer to this
                    raise RedisUnavailable(str(error), maybe_done=True) from error
                if not ending.shorten():
                    raise
                name = ending.run.untouched.payload.job_class
                logger.warning("Redis does not take all of the end of a %s, so less is said: %s", name, error)
            except RedisReplied:
                # Perhaps it was the question. Else what is final may be so for less of it, or pass after all.
                if ending.refused():
                    ending.shorten()
                raise
            except RedisUnavailable as error:
                if error.maybe_done and ending.broke() and answers(self._space.link):
                    ending.shorten()  # it is this that breaks the connection: too large for this server
                raise
        self._tell(ending, settled)
        self._hand.begun = self._hand.ending = None
        self._hand.fetched = answer is not None and answer.what == "job"
        return answer

    def _send(self, ending: Settlement, search: Search | None) -> tuple[Settled, Answer | None]:
        who = self._who
        before = who.settled if ending.counts else NEVER
        ended = Ended(ending.run.record, before, ending.effects, ending.token)
        if search is None or not ending.counts or who.contested or ending.was_refused:
            return reservation.settle(self._space, who, ended), None
        return reservation.advance(self._space, ended, search)

    def _tell(self, ending: Settlement, settled: Settled) -> None:
        for trouble in settled.troubles:
            logger.warning("a key holds something that it should not: %s", trouble)
        if settled.what == "gone":
            logger.warning(
                "worker:%s does not hold %s any more: it was pruned, and the job is recorded as failed, or "
                "Redis came back older than it was; what became of it is dropped",
                self._who.id, ending.run,
            )  # fmt: skip
        elif ending.counts:
            self._who.settled = settled.count

    # --- what the end of a job means -----------------------------------------------------------------

    def _meaning(self, run: Run, report: Report) -> tuple[list[Command], Iterator[list[Command]]]:
        """Everything that the end of a job means but for the counters; then what says less."""
        attempt = self._attempt_at(run)
        if report.done:
            following = [requeue(self._space, queue, raw, due) for queue, raw, due in report.again]
            return [*(attempt.done() if attempt else []), *chain.from_iterable(following)], iter(())
        job = run.untouched
        failure, policy = self._failure(job, report), policy_of(job)
        saved: list[bool] = [] if is_quiet(policy) else [report.saved]

        def recorded(one: Failure) -> list[Command]:
            if not saved:  # now that it is known that no attempt follows, and only once
                saved.append(self._recorder.save(failure))
            return self._recorder.effects(one, saved[0])

        def written(one: Failure, attempt: Attempt | None) -> list[Command]:
            return attempt.failed(job, one, report.following, recorded) if attempt else recorded(one)

        forms = ((failure.short(), attempt), (failure.short(), None))
        return written(failure, attempt), (written(*form) for form in forms)

    def _bare(self, run: Run, report: Report, error: BaseException) -> list[Command]:
        """The record of a failure and nothing else, where all else cannot be told because of this error."""
        failure = self._failure(run.untouched, report)
        text = f"{error_name(error)}: {error_message(error)}"
        if report.done:
            failure = replace(failure, exception=error_name(error), failure_id=self._recorder.new_id())
            text = f"The job is done, but what follows from it cannot be written: {text}"
        else:
            text = f"{report.error}\n(What follows from this failure cannot be written: {text})"
        return Redis().effects(replace(failure, error=text), self._space.keys, self._space.style)

    def _attempt_at(self, run: Run) -> Attempt | None:
        return self._attempt[1] if self._attempt is not None and self._attempt[0] is run else None

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
