"""When a worker has done enough: so many jobs, so long without one, so much memory."""

import pytest

from pyresque.config import WorkerOptions
from pyresque.worker.limits import Limits


def test_without_limits_nothing_is_ever_enough():
    """And nothing has to be asked."""
    limits = Limits(WorkerOptions())
    limits.worked()
    assert not limits.are_set
    assert not limits.reached()
    assert limits.idle_left() == float("inf")


def test_so_many_jobs_are_enough():
    """The one that runs now may be the last."""
    limits = Limits(WorkerOptions(max_jobs=2))
    assert limits.are_set
    limits.worked()
    assert (limits.reached(), limits.reached(running=1)) == (False, True)
    limits.worked()
    assert limits.reached()


def test_so_long_without_a_job_is_enough():
    """Not while one runs; each begins the time anew."""
    limits = Limits(WorkerOptions(max_idle=0))
    assert limits.idle_left() <= 0
    assert (limits.reached(), limits.reached(running=1)) == (True, False)
    limits = Limits(WorkerOptions(max_idle=1000))
    limits.worked()
    assert 0 < limits.idle_left() <= 1000
    assert not limits.reached()


@pytest.mark.parametrize(("megabytes", "reached"), [(1, True), (1 << 20, False)])
def test_so_much_memory_is_enough(megabytes, reached):
    """The memory of this process, also while a job runs."""
    limits = Limits(WorkerOptions(max_rss=megabytes))
    assert limits.reached(running=1) is reached
