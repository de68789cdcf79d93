"""Which failures of a selection are put back, and why the others are left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from pyresque.client.selection import GONE, NOT_A_JOB, Tally
from pyresque.errors import NotAJob
from pyresque.store.delayed import Element
from pyresque.wire.records import FailureRecord

if TYPE_CHECKING:
    from pyresque.client.next_retry import NextAttempt
    from pyresque.client.put_back import Outcome, PutBack

RETRIED = "put back before"
PENDING = "automatic retry to come"
PERHAPS_PENDING = "automatic retry may come"
UNDER_WAY = "automatic retry waits or runs"
UNTOLD = "it takes too long to tell whether it is retried"
SAME_JOB = "another failure of the same job"
"""Why failures are left alone by a retry: further keys of `ActionResult.skipped`."""

Refused = Callable[[FailureRecord, str], object] | None
"""Is called with a failure that could not be put back, and why."""


class Comings(Protocol):
    """What comes by itself, as `resque.failures` knows it."""

    def next_attempts(
        self, failures: Sequence[FailureRecord], *, thorough: bool = True
    ) -> list[NextAttempt | None]:
        """The automatic attempt at the job of each that is still to come."""

    def bring_forward(self, failure: FailureRecord, attempt: NextAttempt) -> bool:
        """Let a delayed attempt come now; False if it, or the failure, is gone."""


class Retries:
    """Puts failures back, piece by piece; without `put_back` it only counts what would be.

    Args:
        thorough: look for their automatic attempts at every delayed and waiting job, however many there are.
    """

    def __init__(
        self,
        failures: Comings,
        put_back: PutBack | None,
        again: bool,
        pending: bool,
        tally: Tally,
        refused: Refused = None,
        *,
        thorough: bool = True,
    ) -> None:
        self._failures = failures
        self._put_back = put_back
        self._again = again
        self._pending = pending
        self._refused = refused
        self._thorough = thorough
        self._brought: set[Element] = set()
        self.tally = tally

    def retry(self, records: Sequence[FailureRecord]) -> None:
        """Put back those of these failures that may be; they know their copies."""
        fresh = [record for record in records if self._again or not record.was_retried]
        for _ in range(len(records) - len(fresh)):
            self.tally.skip(RETRIED)
        together = []
        attempts = self._failures.next_attempts(fresh, thorough=self._thorough)
        for record, attempt in zip(fresh, attempts, strict=True):
            reason = None if attempt is None else self._against(attempt)
            if reason is not None:
                self.tally.skip(reason)
            elif attempt is not None and attempt.sure:
                self._bring_forward(record, attempt)
            else:
                together.append(record)
        for record, outcome in zip(together, self._outcomes(together), strict=True):
            if isinstance(outcome, NotAJob):
                self._refuse(record, outcome)
            elif outcome == "done":
                self.tally.done(record.class_name)
            else:
                self.tally.skip(GONE)

    def _outcomes(self, records: Sequence[FailureRecord]) -> Sequence[Outcome]:
        return ["done"] * len(records) if self._put_back is None else self._put_back.many(records)

    def _refuse(self, record: FailureRecord, error: NotAJob) -> None:
        self.tally.skip(NOT_A_JOB)
        if self._refused is not None:
            self._refused(record, str(error))

    def _against(self, attempt: NextAttempt) -> str | None:
        """Why a failure with this attempt still to come is left alone; None if it is not."""
        if attempt.state == "unknown" and not self._thorough:
            return UNTOLD
        if attempt.state != "delayed":
            return UNDER_WAY
        if not self._pending:
            return PENDING if attempt.sure else PERHAPS_PENDING
        return SAME_JOB if attempt.sure and attempt.element in self._brought else None

    def _bring_forward(self, record: FailureRecord, attempt: NextAttempt) -> None:
        """Several failures may be attempts at one job: it comes once."""
        try:
            done = self._put_back is None or self._failures.bring_forward(record, attempt)
        except NotAJob as error:
            self._refuse(record, error)
            return
        if done:
            self._brought.add(attempt.element)
            self.tally.done(record.class_name)
        else:
            self.tally.skip(GONE)
