"""What is said of the jobs when a worker starts."""

from types import FunctionType

import pytest

from pyresque import job
from pyresque.errors import ConfigError
from pyresque.registry import Registry
from pyresque.worker.job_checks import check_jobs


@pytest.fixture
def registry():
    return Registry()


def test_jobs_that_can_run_are_checked_once(registry):
    """In a process and those that it forks; a new job makes it look again."""

    @job(name="Fine", registry=registry)
    def fine(number: int) -> None: ...

    check_jobs(registry, is_async=False)
    assert registry.is_checked
    job(name="Another", registry=registry)(lambda number: None)
    assert not registry.is_checked


def test_a_job_that_could_never_run_is_refused(registry):
    """With the reason: no JSON becomes what it wants."""

    @job(name="Never", registry=registry)
    def never(lock: FunctionType) -> None: ...

    with pytest.raises(ConfigError, match="Never: lock is annotated"):
        check_jobs(registry, is_async=False)
    assert not registry.is_checked


def test_an_async_worker_names_the_jobs_that_it_leaves(registry, caplog):
    """Where it takes others."""
    job(name="Plain", registry=registry)(lambda: None)

    @job(name="Async", registry=registry)
    async def run() -> None: ...

    check_jobs(registry, is_async=True)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith(": Plain")
