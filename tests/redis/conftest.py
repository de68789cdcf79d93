"""Fixtures of the tests that need a Redis."""

import pytest

from tests.redis.bench import Bench


@pytest.fixture
def bench(resque):
    bench = Bench(resque)
    yield bench
    for worker in bench.workers:
        worker.end()
