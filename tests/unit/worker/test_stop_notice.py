"""A notice from the worker to the process of a job: heard once, and only by the job that it is for."""

import os

import pytest

from pyresque.errors import JobTimeout, TermException
from pyresque.usercode.guards import application_code, forget_due
from pyresque.worker.stop_notice import SIGNAL, Notice


@pytest.fixture
def notice():
    """One that this process hears."""
    notice = Notice()
    notice.listen()
    yield notice
    notice.end()
    forget_due()


def test_it_is_raised_in_the_job(notice):
    """As what it is."""
    notice.begin(7)
    with (
        pytest.raises(JobTimeout, match=r"^Job did not end within its timeout of 1.5 seconds$"),
        application_code(),
    ):
        notice.time_is_over(os.getpid(), 7, 1.5)
    notice.begin(8)
    with pytest.raises(TermException, match="SIGTERM"), application_code():
        notice.leave(os.getpid(), 8)


def test_it_is_heard_once(notice):
    """What the job does about the first is not cut off by a second."""
    notice.begin(7)
    with pytest.raises(JobTimeout), application_code():
        notice.time_is_over(os.getpid(), 7, 1.5)
    with application_code():
        notice.leave(os.getpid(), 7)


@pytest.mark.parametrize("number", [6, 8, 0])
def test_it_is_not_for_another_job(notice, number):
    """That has been over for a while, or is none."""
    notice.begin(7)
    with application_code():
        notice.leave(os.getpid(), number)
    notice.end()
    with application_code():
        notice.leave(os.getpid(), 7)


def test_what_comes_before_the_code_of_the_job_is_raised_there(notice):
    """And not in ours."""
    notice.begin(7)
    notice.leave(os.getpid(), 7)
    with pytest.raises(TermException), application_code():
        pass


def test_a_copy_of_the_process_does_not_listen(notice):
    """It is not a job: the signal is to it what it is to any process."""
    notice.begin(7)
    pid = os.fork()
    if pid == 0:
        try:
            with application_code():
                notice.leave(os.getpid(), 7)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == SIGNAL
