"""The time of a job that runs in the process of its worker."""

import signal
import threading
import time

import pytest

from pyresque.errors import JobTimeout, JobTimeoutExit, TermException
from pyresque.usercode.guards import application_code, forget_due
from pyresque.worker.stop_notice import SIGNAL
from pyresque.worker.time_limit import Watchdog


class Recording(Watchdog):
    """A Watchdog that ends no process: its thread comes no further."""

    def __init__(self):
        super().__init__(self._record)
        self.deaths, self.given_up = [], threading.Event()

    def _record(self, death):
        self.deaths.append(death)
        self.given_up.set()
        threading.Event().wait()


@pytest.fixture
def watchdog():
    """One that keeps the deaths for which it would end the process."""
    before = signal.getsignal(SIGNAL)
    watchdog = Recording()
    watchdog.start()
    yield watchdog
    signal.signal(SIGNAL, before)
    forget_due()


def wait():
    """Code of a job that would take for ever."""
    while True:
        time.sleep(0.01)


def test_a_job_hears_that_its_time_is_over(watchdog):
    """Where it stands; and when it ends then, nothing more happens."""
    watchdog.begin(0.01, 1000.0)
    with pytest.raises(JobTimeout, match=r"within its timeout of 0\.01 seconds"), application_code():
        wait()
    watchdog.end()
    assert watchdog.deaths == []


def test_a_job_that_goes_on_ends_its_process(watchdog):
    """After the grace that it has."""
    watchdog.begin(0.01, 0.01)
    with pytest.raises(JobTimeout), application_code():
        wait()
    assert watchdog.given_up.wait(30)
    assert [type(death) for death in watchdog.deaths] == [JobTimeoutExit]


def test_a_worker_that_leaves_gives_its_job_so_long(watchdog):
    """It is told with TermException; the first to be over counts."""
    watchdog.begin(1000.0, 1000.0)
    watchdog.leave(0.01, 1000.0)
    with pytest.raises(TermException), application_code():
        wait()
    watchdog.end()


def test_what_was_planned_for_one_job_is_not_for_the_next(watchdog):
    """It has another number."""
    watchdog.begin(0.01, 0.01)
    assert watchdog.is_set
    watchdog.end()
    assert not watchdog.is_set
    watchdog.begin(0.05, 1000.0)
    with pytest.raises(JobTimeout, match=r"0\.05 seconds"), application_code():
        wait()
    watchdog.end()
    assert watchdog.deaths == []
