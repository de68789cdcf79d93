"""Code of the application that forks: the copy of the process ends where it comes out."""

import os
import signal
import sys
import threading

import pytest

from pyresque.usercode.guards import (
    application_code,
    end_copy,
    forget_due,
    one_process,
    raise_in_application,
)


def in_copy(block, act):
    """Fork in such a block, and act there; returns the exit status of the copy, and what it printed."""
    read, write = os.pipe()
    pid = 0
    try:
        with block():
            pid = os.fork()
            if pid == 0:
                os.dup2(write, 2)
                os.dup2(write, 1)
                sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
                sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
                act()
    except BaseException:
        if pid:
            raise
    if pid == 0:
        os._exit(99)  # it came out
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), told


def _raise(error):
    raise error


@pytest.mark.parametrize("block", [one_process, application_code])
@pytest.mark.parametrize(
    ("act", "status", "told"),
    [
        (lambda: None, 0, ""),
        (lambda: print("text"), 0, "text\n"),
        (lambda: sys.exit(), 0, ""),
        (lambda: sys.exit(0), 0, ""),
        (lambda: sys.exit(3), 3, ""),
        (lambda: sys.exit(256 + 5), 5, ""),
        (lambda: sys.exit(-1), 255, ""),
        (lambda: sys.exit("a text"), 1, "a text\n"),
        (lambda: sys.exit(b"bytes"), 1, "b'bytes'\n"),
        (lambda: _raise(ValueError("boom")), 1, "ValueError: boom\n"),
        (lambda: _raise(KeyboardInterrupt), 1, "KeyboardInterrupt\n"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -9, ""),
    ],
)
def test_a_copy_ends_as_python_ends(block, act, status, told):
    """With its status; what it has printed, or ended with, is to be seen."""
    found, printed = in_copy(block, act)
    assert found == status
    assert printed.endswith(told)
    assert bool(printed) == bool(told)


@pytest.mark.parametrize("hook", [lambda *args: _raise(OSError("no")), None, 5])
def test_a_copy_ends_whatever_is_in_its_way(hook):
    """An excepthook, a stream or an exit code that cannot be used."""

    def act():
        sys.excepthook = hook
        sys.stdout = hook
        raise ValueError

    assert in_copy(application_code, act)[0] == 1


def test_threads_of_a_copy_may_finish():
    """Those that Python would wait for."""

    def act():
        event = threading.Event()
        threading.Thread(target=lambda: (event.wait(10), print("thread"))).start()
        threading.Timer(0.1, event.set).start()

    assert in_copy(application_code, act) == (0, "thread\n")


def test_a_coroutine_that_is_closed_elsewhere_has_not_come_out():
    """A process that forked for a reason of its own throws away what it has inherited, and goes on."""

    async def job():
        with one_process():
            await _Never()

    coroutine = job()
    coroutine.send(None)
    pid = os.fork()
    if pid == 0:
        coroutine.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    coroutine.close()


class _Never:
    def __await__(self):
        yield


def test_the_process_itself_goes_on():
    """With what it returns or raises."""
    with application_code(), one_process():
        pass
    with pytest.raises(ValueError, match="boom"), application_code():
        raise ValueError("boom")
    with pytest.raises(SystemExit), one_process():
        sys.exit(3)


def test_what_a_signal_raises_waits_for_code_of_the_application():
    """It comes up there, now or as soon as some runs; what is forgotten does not come."""
    raise_in_application(ValueError("first"))
    with pytest.raises(ValueError, match="first"), application_code():
        raise AssertionError("the code runs")
    with pytest.raises(ValueError, match="second"), application_code():
        raise_in_application(ValueError("second"))
    raise_in_application(ValueError("third"))
    forget_due()
    with application_code():
        pass


def test_a_copy_that_is_told_to_end_ends():
    """Wherever it is."""
    pid = os.fork()
    if pid == 0:
        try:
            end_copy(SystemExit(4))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
