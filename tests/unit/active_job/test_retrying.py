"""retry_on and discard_on: keys, waits, order, causes."""

from datetime import timedelta

import pytest

from pyresque import active_job
from pyresque.active_job.retrying import Handler, flat_errors, found_handler, key_of
from pyresque.active_job.running import HANDLERS
from pyresque.errors import DirtyExit, InvalidJob, TermException


class AppError(Exception):
    pass


class OtherError(Exception):
    ruby_name = "Billing::OtherError"


def handler(*errors, **how):
    return Handler("retry", flat_errors(errors), "k", **{"jitter": 0, **how})


@pytest.mark.parametrize(
    ("errors", "key"),
    [
        ([AppError], "[AppError]"),
        ([(AppError, OtherError)], "[AppError, Billing::OtherError]"),
        ([DirtyExit], "[Resque::DirtyExit]"),
        (["AppError"], '["AppError"]'),
        ([active_job.DeserializationError], "[ActiveJob::DeserializationError]"),
    ],
)
def test_the_key_is_rubys_list(errors, key):
    """So that both languages count the same attempts."""
    assert key_of(flat_errors(errors)) == key


@pytest.mark.parametrize(
    ("wait", "delays"),
    [
        (30, [30, 30]),
        (timedelta(minutes=1), [60, 60]),
        ("polynomially_longer", [3, 18]),
        ("exponentially_longer", [3, 18]),
        (lambda count: count * 10, [10, 20]),
        (lambda count: timedelta(seconds=count), [1, 2]),
    ],
)
def test_the_wait_is_that_of_rails(wait, delays):
    """Without jitter: docs/protocol/active-job.md#errors-and-retries."""
    assert [handler(AppError, wait=wait).delay(count) for count in (1, 2)] == delays


def test_jitter_adds_a_part_of_the_wait():
    """Never less than the wait, at most its part more; nothing where a function says the wait."""
    waits = [handler(AppError, wait=100, jitter=0.5).delay(1) for _ in range(200)]
    assert all(100 <= one < 150 for one in waits)
    assert len(set(waits)) > 100
    assert handler(AppError, wait=lambda count: 100, jitter=0.5).delay(1) == 100


def test_the_nearest_declaration_is_asked_first():
    """As in Rails, from the bottom to the top; then the causes of the error."""

    @active_job.retry_on(Exception)
    @active_job.discard_on(AppError)
    def perform(): ...

    handlers = getattr(perform, HANDLERS)
    assert [one.what for one in handlers] == ["discard", "retry"]
    found, _ = found_handler(handlers, AppError())
    assert found is handlers[0]
    try:
        try:
            raise AppError("first")
        except AppError as first:
            raise OtherError("second") from first
    except OtherError as second:
        found, matched = found_handler([handlers[0]], second)
    assert (found, str(matched)) == (handlers[0], "first")
    assert found_handler([], AppError()) == (None, None)


def test_a_signal_is_caught_only_by_its_name():
    """In Ruby it is not StandardError; who catches everything does not mean it."""
    assert not handler(Exception).matches(TermException("SIGTERM"))
    assert handler(TermException).matches(TermException("SIGTERM"))
    assert handler(Exception).matches(DirtyExit("killed"))


def test_a_name_matches_classes_of_that_name():
    """Python's or Ruby's, of the error or of what it inherits from."""
    assert handler("Billing::OtherError").matches(OtherError())
    assert handler("OtherError").matches(type("Sub", (OtherError,), {})())
    assert not handler("OtherError").matches(AppError())


@pytest.mark.parametrize("errors", [[], [7], [AppError()]])
def test_what_is_no_exception_is_refused(errors):
    """At the declaration, not at the first error."""
    with pytest.raises(InvalidJob):
        active_job.retry_on(*errors)
    with pytest.raises(InvalidJob, match="is not a wait"):
        active_job.retry_on(AppError, wait="longer")
