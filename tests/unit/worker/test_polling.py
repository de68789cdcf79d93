"""How long an idle worker sleeps: the table in docs/protocol/core.md#sleeping."""

from types import SimpleNamespace

import pytest

from pyresque.config import Polling
from pyresque.worker.polling import Poller


def sleeps(poller, count):
    return [round(poller.next_sleep(), 6) for _ in range(count)]


@pytest.mark.parametrize(
    ("polling", "idle", "after_a_job"),
    [
        (Polling(), [5.0, 5.0], [5.0, 5.0]),
        (Polling(0.2, max_interval=0.6), [0.3, 0.4, 0.5, 0.6, 0.6], [0.3, 0.4]),
        (Polling(1, min_interval=0.2, backoff_interval=0.2), [1.0, 1.0], [0.4, 0.6, 0.8, 1.0, 1.0]),
        (Polling(5.0, max_interval=0.6, min_interval=0.2, backoff_interval=0.2), [0.6, 0.6], [0.4, 0.6, 0.6]),
        (Polling(0.3, min_interval=5), [0.3, 0.3], [0.3]),
        (Polling(2, max_interval=1), [1.0, 1.0], [1.0]),
        (Polling(1, backoff_interval=9), [1.0, 1.0], [1.0]),
        (Polling(1, max_interval=3, backoff_interval=0), [1.0, 1.0, 1.0], [1.0, 1.0]),
    ],
)  # fmt: skip
def test_sleeping_times(polling, idle, after_a_job):
    """Begin at the interval between min and max; back to min after a job; each idle turn adds the backoff."""
    poller = Poller(polling)
    assert sleeps(poller, len(idle)) == idle
    poller.worked()
    assert sleeps(poller, len(after_a_job)) == after_a_job


@pytest.mark.parametrize(
    ("polling", "leaves"),
    [
        (Polling(0), True),
        (Polling(0, backoff_interval=1), True),
        (Polling(0.01), False),
        (Polling(5, max_interval=0), True),
    ],
)
def test_an_interval_of_0_leaves_when_idle(polling, leaves):
    """Where there is no sleeping time at all."""
    assert Poller(polling).leaves_when_idle is leaves


def test_a_worker_that_is_woken_in_vain_is_left_in_peace_longer_each_time(monkeypatch):
    """From the second time on, up to its interval; a job, or the time, makes it listen again."""
    now = [100.0]
    monkeypatch.setattr("pyresque.worker.polling.time", SimpleNamespace(monotonic=lambda: now[0]))
    poller, left = Poller(Polling(0.1)), []
    for _ in range(8):
        poller.woken()
        left.append(round(poller.deaf_seconds(), 3))
        now[0] += poller.deaf_seconds()
        assert poller.deaf_seconds() == 0
    assert left == [0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.1, 0.1]
    poller.woken()
    poller.worked()
    assert poller.deaf_seconds() == 0
