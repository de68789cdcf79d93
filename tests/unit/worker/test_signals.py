"""Signals of a worker: noted by a handler, read by the loop; in a job's process raised or ignored."""

import os
import select
import signal

import pytest

from pyresque.errors import SignalException, TermException
from pyresque.worker.signals import HANDLED, Signals


@pytest.fixture
def signals():
    """The signals of this process, noted for the length of a test."""
    signals = Signals()
    signals.install()
    yield signals
    signals.restore()


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
        signals = Signals()
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
    """TermException with the signal's name in the code that runs; a second one is only noted."""
    signals.raise_term = True
    with pytest.raises(TermException, match=number.name):
        send(number)
    send(number)
    assert signals.take() == [number, number]


def in_child(term_child, *numbers):
    """What signals raise in a job's process: the names of the exceptions, one for each signal."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signals = Signals()
            signals.install()
            signals.leave_to_child(term_child)
            said = []
            for number in numbers:
                try:
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
    return said.split(",")


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
