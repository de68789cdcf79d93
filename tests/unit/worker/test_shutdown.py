"""What a signal means for the worker and its child: the table in docs/protocol/core.md#signals."""

import signal

import pytest

from pyresque.config import Stopping
from pyresque.worker.shutdown import Shutdown
from pyresque.worker.stop_notice import SIGNAL as NOTICE

TERM, INT, QUIT, HUP, USR1 = signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1


def sent(shutdown):
    """The signals that the child gets now."""
    numbers = []
    shutdown.next_kill(numbers.append)
    return numbers


@pytest.mark.parametrize(
    ("number", "stopping", "asked", "kills"),
    [
        (TERM, Stopping(), True, []),
        (INT, Stopping(), True, []),
        (TERM, Stopping(drain=0), True, [signal.SIGKILL]),
        (INT, Stopping(drain=0), True, [signal.SIGKILL]),
        (HUP, Stopping(), True, []),
        (HUP, Stopping(drain=0), True, []),
        (HUP, Stopping(term_child=True), True, []),
        (QUIT, Stopping(), True, []),
        (USR1, Stopping(), False, [signal.SIGKILL]),
        (signal.SIGCHLD, Stopping(), False, []),
        (TERM, Stopping(graceful_term=True), True, []),
        (INT, Stopping(graceful_term=True), True, [signal.SIGKILL]),
        (TERM, Stopping(term_child=True), True, [TERM]),
        (INT, Stopping(term_child=True), True, [TERM]),
        (USR1, Stopping(term_child=True), False, [TERM]),
        (QUIT, Stopping(term_child=True), True, []),
        (TERM, Stopping(term_child=True, graceful_term=True), True, []),
        (TERM, Stopping(term_child=True, term_timeout=0), True, [TERM, signal.SIGKILL]),
        (TERM, Stopping(term_child=True, pre_shutdown_timeout=60), True, []),
        (TERM, Stopping(pre_shutdown_timeout=60), True, [signal.SIGKILL]),
    ],
)
def test_what_a_signal_means(number, stopping, asked, kills):
    """Whether the worker leaves, and what its child gets at once."""
    shutdown = Shutdown(stopping)
    shutdown.note(number)
    assert (shutdown.asked, sent(shutdown)) == (asked, kills)


@pytest.mark.parametrize(
    ("number", "asks"),
    [(TERM, True), (INT, True), (QUIT, True), (HUP, True), (USR1, False), (signal.SIGCHLD, False)],
)
def test_note_says_whether_the_worker_is_to_leave(number, asks):
    """Then the shutdown hooks run."""
    assert Shutdown(Stopping()).note(number) is asks


def test_a_term_behind_a_hup_is_the_first():
    """The pool has asked for the worker's place, and the user has not said yet that he wants it now."""
    shutdown = Shutdown(Stopping(drain=1000))
    shutdown.note(HUP)
    shutdown.note(TERM)
    assert (shutdown.insisted, sent(shutdown)) == (False, [])
    shutdown.note(HUP)
    assert (shutdown.insisted, sent(shutdown)) == (False, [])
    shutdown.note(TERM)
    assert (shutdown.insisted, len(sent(shutdown))) == (True, 1)


def test_the_time_until_the_next_signal():
    """Endless without a plan, else at most the timeout; KILL follows a TERM that had no effect."""
    shutdown = Shutdown(Stopping(term_child=True, term_timeout=50))
    assert shutdown.next_kill(lambda number: None) == float("inf")
    shutdown.note(TERM)
    numbers = []
    assert 0 < shutdown.next_kill(numbers.append) <= 50
    assert numbers == [TERM]


def test_a_second_signal_does_not_begin_the_plan_anew():
    """An impatient operator does not give the job more time."""
    shutdown = Shutdown(Stopping(term_child=True, term_timeout=50))
    shutdown.note(TERM)
    assert sent(shutdown) == [TERM]
    shutdown.note(TERM)
    shutdown.note(INT)
    assert sent(shutdown) == []


@pytest.mark.parametrize(("stopping", "number"), [(Stopping(drain=0), signal.SIGKILL), (Stopping(), NOTICE)])
@pytest.mark.parametrize("first", [QUIT, TERM, INT])
def test_a_term_after_another_signal_waits_no_longer(stopping, number, first):
    """Who can wait no longer sends TERM."""
    shutdown = Shutdown(stopping)
    shutdown.note(first)
    numbers = sent(shutdown)
    shutdown.note(TERM)
    assert {*numbers, *sent(shutdown)} == {number}


def test_a_drain_ends_with_a_notice_and_then_a_kill():
    """The job hears that it is to end, and has a moment for that."""
    shutdown = Shutdown(Stopping(drain=0.001, term_timeout=50))
    shutdown.note(TERM)
    numbers = []
    while not numbers:
        left = shutdown.next_kill(numbers.append)
    assert (numbers, 0 < left <= 50) == ([NOTICE], True)
    assert shutdown.has_killed


def test_nobody_to_kill():
    """A signal that came while no job ran is not for the next job."""
    shutdown = Shutdown(Stopping())
    shutdown.note(USR1)
    shutdown.nobody_to_kill()
    assert (sent(shutdown), shutdown.asked) == ([], False)
