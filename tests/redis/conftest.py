"""Fixtures of the tests that need a Redis."""

import contextlib
import os
import signal

import pytest

from tests.faultproxy import FaultProxy
from tests.redis.bench import Bench
from tests.redis.pools import JOBS, Pool
from tests.unit.cli.program import Program


@pytest.fixture
def bench(resque):
    bench = Bench(resque)
    yield bench
    for worker in bench.workers:
        worker.end()


@pytest.fixture
def program(resque, server, tmp_path):
    """The command `pyresque` on the (empty) Redis of this test, with a module `jobs` for -r."""
    program = Program(tmp_path, server.url)
    program.jobs()
    return program


@pytest.fixture
def start(resque, program):
    """Starts `pyresque work -r jobs` with these options; what is left at the end is killed."""
    program.jobs(JOBS)
    pools = []

    def started(*words, queues=("-q", "q"), **env):
        pools.append(Pool(program.start("work", "-r", "jobs", *queues, *words, **env), program, resque))
        return pools[-1]

    yield started
    for pool in pools:
        for pid in pool.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        pool.process.kill()
        pool.process.communicate()


@pytest.fixture
def proxy(server):
    """A proxy before the server of the tests."""
    with FaultProxy(server) as proxy:
        yield proxy
