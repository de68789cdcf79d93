"""Signal handlers of ours: a copy of the process has the system's defaults, a process of ours keeps them."""

import os
import signal
import sys

import pytest

from pyresque.system import signal_handlers
from pyresque.system.signal_handlers import Handler, handle, handler_of


@pytest.fixture
def handled():
    """TERM, INT and USR1 have a handler of ours."""
    heard = []
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {number: handle(number, Handler(lambda one, _: heard.append(one))) for number in numbers}
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


def told_by(fork, look):
    """What a copy made by `fork` sees."""
    read, write = os.pipe()
    pid = fork()
    if pid == 0:
        os.write(write, repr(look()).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def state():
    names = {signal.SIG_DFL: "default", signal.default_int_handler: "Python's"}
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    found = [signal.getsignal(number) for number in numbers]
    return [
        "ours" if isinstance(one, Handler) else names.get(one, one) for one in found
    ], signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_copy_has_the_defaults(handled):
    """With Python's own for INT; nothing stays blocked in either process."""
    assert told_by(os.fork, state) == repr((["default", "Python's", "default"], set()))
    assert state() == (["ours"] * 3, set())
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled == [signal.SIGTERM]


def test_a_process_of_ours_keeps_them(handled):
    """It sets its own."""
    assert told_by(signal_handlers.fork, state) == repr((["ours"] * 3, set()))
    assert told_by(os.fork, state) == repr((["default", "Python's", "default"], set()))


def test_handlers_of_the_application_are_left_alone(handled):
    """As a fork leaves them anywhere in Python."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    assert told_by(os.fork, lambda: signal.getsignal(signal.SIGUSR1)) == repr(signal.SIG_IGN)


def test_what_was_blocked_is_so_in_the_copy(handled):
    """By the application: its copy has the mask that it has itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        assert told_by(os.fork, lambda: state()[1]) == repr({signal.SIGUSR1})
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_the_wakeup_descriptor_is_no_copy_s():
    """Ours, that is: what the application wants to be woken by is its own business."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = handle(signal.SIGUSR1, Handler(lambda *_: None))
    try:
        signal_handlers.wakeup = write
        signal.set_wakeup_fd(write)
        assert told_by(os.fork, lambda: signal.set_wakeup_fd(-1)) == "-1"
        signal_handlers.wakeup = -1
        signal.set_wakeup_fd(write)
        # From Python 3.12 on asyncio, where it is loaded, takes it from every copy.
        taken = sys.version_info >= (3, 12) and "asyncio" in sys.modules
        assert told_by(os.fork, lambda: signal.set_wakeup_fd(-1)) == ("-1" if taken else str(write))
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)
        os.close(read)
        os.close(write)


def test_signals_are_heard_whatever_the_application_has_put_in_the_place_of_the_module(monkeypatch):
    """As gevent does it: its SIGCHLD tells of no process but those that it has forked itself."""
    theirs = []
    plain = signal.signal, signal.getsignal
    monkeypatch.setattr(
        signal,
        "signal",
        lambda number, one: theirs.append(one) if number == signal.SIGCHLD else plain[0](number, one),
    )
    monkeypatch.setattr(
        signal, "getsignal", lambda number: None if number == signal.SIGCHLD else plain[1](number)
    )
    heard = []
    ours = Handler(lambda number, _: heard.append(number))
    handle(signal.SIGCHLD, ours)
    try:
        assert handler_of(signal.SIGCHLD) is ours
        assert told_by(os.fork, lambda: handler_of(signal.SIGCHLD) is ours) == "False"
        assert heard == [signal.SIGCHLD]
        assert theirs == []
    finally:
        plain[0](signal.SIGCHLD, signal.SIG_DFL)
