"""What tests of commands share: the stage of delayed jobs, and the program that is run on it."""

import os
import subprocess
import sys

import pytest

from tests.redis.cli.console import Console
from tests.redis.stage import Stage


@pytest.fixture
def stage(resque, server):
    return Stage(resque, server.url)


@pytest.fixture
def console(server, resque):
    """Commands on the (empty) Redis of this test, in this process: quicker than the program."""
    return Console(server.url)


@pytest.fixture
def run(server, tmp_path):
    """Runs the program; returns (exit status, what it printed)."""

    def run(*words, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "pyresque", *words],
            env={**os.environ, "REDIS_URL": server.url},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
