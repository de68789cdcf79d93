"""Signals of a worker: noted by a handler, read by the loop; in a job's process raised or ignored."""

import os
import select
import signal
from contextlib import contextmanager

import pytest

from pyresque.errors import SignalException, TermException
from pyresque.usercode.guards import application_code
from pyresque.worker.signals import HANDLED, WorkerSignals


@pytest.fixture
def signals():
    """The signals of this process, noted for the length of a test."""
    signals = WorkerSignals()
    signals.install()
    yield signals
    signals.restore()


@contextmanager
def lent(signals, raise_term):
    """While a job runs in this process."""
    signals.lend(raise_term)
    try:
        yield
    finally:
        signals.take_back()


def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", HANDLED)
def test_a_signal_is_noted_and_wakes_a_select(signals, number):
    """It does nothing else, and is read once."""
    assert select.select([signals], [], [], 0) == ([], [], [])
    send(number)
    assert select.select([signals], [], [], 0)[0] == [signals]
    assert signals.take() == [number]
    assert signals.take() == []


def test_signals_are_read_in_the_order_in_which_they_came(signals):
    """Also several of a kind."""
    numbers = [signal.SIGUSR2, signal.SIGTERM, signal.SIGCONT, signal.SIGTERM]
    send(*numbers)
    assert signals.take() == numbers


def test_restore_gives_the_handlers_back():
    """Whoever had them before has them again, the wakeup descriptor too."""
    heard = []
    before = signal.signal(signal.SIGUSR2, lambda number, frame: heard.append(number))
    try:
        handlers = [signal.getsignal(number) for number in HANDLED]
        signals = WorkerSignals()
        signals.install()
        signals.restore()
        assert [signal.getsignal(number) for number in HANDLED] == handlers
        assert signal.set_wakeup_fd(-1) == -1
        send(signal.SIGUSR2)
        assert heard == [signal.SIGUSR2]
    finally:
        signal.signal(signal.SIGUSR2, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_term_is_raised_once_where_a_job_has_no_process_of_its_own(signals, number):
    """TermException with the signal's name in the job's code; a second one is only noted."""
    with lent(signals, raise_term=True):
        with pytest.raises(TermException, match=number.name), application_code():
            send(number)
        with application_code():
            send(number)
    assert signals.take() == [number, number]


def test_a_term_between_two_calls_of_a_job_s_code_is_raised_in_the_next(signals):
    """In our own code it would cut off what is to be said of the job."""
    with lent(signals, raise_term=True):
        send(signal.SIGTERM)
        with pytest.raises(TermException), application_code():
            raise AssertionError("the code runs")


def test_a_term_that_comes_as_a_job_ends_is_not_for_the_next(signals):
    """It is only noted."""
    with lent(signals, raise_term=True):
        send(signal.SIGTERM)
    with lent(signals, raise_term=True), application_code():
        pass
    assert signals.take() == [signal.SIGTERM]


def test_a_job_that_closes_the_pipe_leaves_signals_that_wake(signals):
    """And what it has opened under these numbers is neither written into nor closed."""
    theirs = []
    with lent(signals, raise_term=False):
        for number in (signals._read.number, signals._write.number):
            os.close(number)
        theirs = [*os.pipe(), *os.pipe()]
        send(signal.SIGUSR1)
    for number in theirs:
        os.set_blocking(number, False)
    for read in theirs[::2]:
        with pytest.raises(BlockingIOError):
            os.read(read, 1)
    send(signal.SIGUSR2)
    assert select.select([signals], [], [], 0)[0] == [signals]
    assert signals.take() == [signal.SIGUSR1, signal.SIGUSR2]
    for number in theirs:
        os.close(number)


def in_child(term_child, *numbers):
    """What signals raise in a job's process: the names of the exceptions, one for each signal."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signals = WorkerSignals()
            signals.install()
            signals.hold()  # as about a fork
            signals.leave_to_child(term_child)
            signals.release()
            said = []
            for number in numbers:
                try:
                    with application_code():
                        send(number)
                    said.append("-")
                except (TermException, SignalException, KeyboardInterrupt) as error:
                    said.append(f"{type(error).__name__} {error}".strip())
            os.write(write, ",".join(said).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said.split(",")  # type: ignore[attr-defined]


ALL = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGHUP,
    signal.SIGTERM,
)


def test_signals_in_the_process_of_a_job_with_term_child():
    """TERM as TermException, once; the others as what they are."""
    assert in_child(True, *ALL) == [
        "TermException SIGTERM", "KeyboardInterrupt", "SignalException SIGQUIT", "SignalException SIGUSR1",
        "SignalException SIGUSR2", "SignalException SIGHUP", "-",
    ]  # fmt: skip


def test_signals_in_the_process_of_a_job_without_term_child():
    """The job notices none of them."""
    assert in_child(False, *ALL) == ["-"] * len(ALL)
