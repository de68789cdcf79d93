"""Fixtures of the tests that need a Redis."""

import pytest

from tests.faultproxy import FaultProxy
from tests.redis.bench import Bench
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
def proxy(server):
    """A proxy before the server of the tests."""
    with FaultProxy(server) as proxy:
        yield proxy
