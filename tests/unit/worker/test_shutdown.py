"""What a signal means for the worker and its child: the table in docs/protocol/core.md#signals."""

import signal

import pytest

from pyresque.config import Stopping
from pyresque.worker.shutdown import Ending
from pyresque.worker.stop_notice import SIGNAL as NOTICE

TERM, INT, QUIT, HUP, USR1 = signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1


def sent(ending):
    """The signals that the child gets now."""
    numbers = []
    ending.next_kill(numbers.append)
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
    ending = Ending(stopping)
    ending.note(number)
    assert (ending.asked, sent(ending)) == (asked, kills)


@pytest.mark.parametrize(
    ("number", "asks"),
    [(TERM, True), (INT, True), (QUIT, True), (HUP, True), (USR1, False), (signal.SIGCHLD, False)],
)
def test_note_says_whether_the_worker_is_to_leave(number, asks):
    """Then the shutdown hooks run."""
    assert Ending(Stopping()).note(number) is asks


def test_a_term_behind_a_hup_is_the_first():
    """The pool has asked for the worker's place, and the user has not said yet that he wants it now."""
    ending = Ending(Stopping(drain=1000))
    ending.note(HUP)
    ending.note(TERM)
    assert (ending.insisted, sent(ending)) == (False, [])
    ending.note(HUP)
    assert (ending.insisted, sent(ending)) == (False, [])
    ending.note(TERM)
    assert (ending.insisted, len(sent(ending))) == (True, 1)


def test_the_time_until_the_next_signal():
    """Endless without a plan, else at most the timeout; KILL follows a TERM that had no effect."""
    ending = Ending(Stopping(term_child=True, term_timeout=50))
    assert ending.next_kill(lambda number: None) == float("inf")
    ending.note(TERM)
    numbers = []
    assert 0 < ending.next_kill(numbers.append) <= 50
    assert numbers == [TERM]


def test_a_second_signal_does_not_begin_the_plan_anew():
    """An impatient operator does not give the job more time."""
    ending = Ending(Stopping(term_child=True, term_timeout=50))
    ending.note(TERM)
    assert sent(ending) == [TERM]
    ending.note(TERM)
    ending.note(INT)
    assert sent(ending) == []


@pytest.mark.parametrize(("stopping", "number"), [(Stopping(drain=0), signal.SIGKILL), (Stopping(), NOTICE)])
@pytest.mark.parametrize("first", [QUIT, TERM, INT])
def test_a_term_after_another_signal_waits_no_longer(stopping, number, first):
    """Who can wait no longer sends TERM."""
    ending = Ending(stopping)
    ending.note(first)
    numbers = sent(ending)
    ending.note(TERM)
    assert {*numbers, *sent(ending)} == {number}


def test_a_drain_ends_with_a_notice_and_then_a_kill():
    """The job hears that it is to end, and has a moment for that."""
    ending = Ending(Stopping(drain=0.001, term_timeout=50))
    ending.note(TERM)
    numbers = []
    while not numbers:
        left = ending.next_kill(numbers.append)
    assert (numbers, 0 < left <= 50) == ([NOTICE], True)
    assert ending.has_killed


def test_nobody_to_kill():
    """A signal that came while no job ran is not for the next job."""
    ending = Ending(Stopping())
    ending.note(USR1)
    ending.nobody_to_kill()
    assert (sent(ending), ending.asked) == ([], False)
