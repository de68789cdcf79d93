"""`pyresque scheduler`: its settings, and its start."""

import subprocess
import sys

from tests.faultproxy import FaultProxy
from tests.redis.stage import until

LOCK = "resque:resque:resque_scheduler_master_lock"


def test_settings_that_mean_nothing_are_refused(run, monkeypatch):
    """With the variable's name."""
    monkeypatch.setenv("DELAYED_REQUEUE_BATCH_SIZE", "many")
    assert "DELAYED_REQUEUE_BATCH_SIZE" in run("scheduler", status=2)
    monkeypatch.delenv("DELAYED_REQUEUE_BATCH_SIZE")
    monkeypatch.setenv("RESQUE_SCHEDULER_INTERVAL", "soon")
    assert "RESQUE_SCHEDULER_INTERVAL" in run("scheduler", status=2)


def test_a_start_outlives_a_lost_reply(stage, server):
    """The scheduler asks again before it gives up a Redis that seems not to be there."""
    with FaultProxy(server) as proxy:
        fault = proxy.arm("drop", match=lambda words: True, times=2)
        words = [sys.executable, "-m", "pyresque", "scheduler", "--redis", proxy.url]
        process = subprocess.Popen(words, stderr=subprocess.PIPE)
        try:
            until(lambda: stage.redis("EXISTS", LOCK) or process.poll() is not None, "a master")
            assert len(fault.hits) == 2
            process.terminate()
            told = process.communicate(timeout=60)[1]
            assert process.returncode == 0, told
        finally:
            process.kill()
