"""The stage that these tests play on."""

import pytest

from tests.redis.stage import Stage


@pytest.fixture
def stage(resque, server):
    return Stage(resque, server.url)
