"""Whether a worker lives, as it is asked before it is unregistered by hand."""

import pytest

from pyresque.client.worker_signs import FRESH
from pyresque.store import workers
from pyresque.wire import times
from pyresque.worker.liveness import process_of, signs_of_life

ELSEWHERE = "elsewhere:1:q"


@pytest.mark.parametrize(("ago", "is_sign"), [(0, True), (FRESH - 10, True), (FRESH + 10, False)])
def test_of_a_worker_elsewhere_only_its_heartbeat_tells(resque, ago, is_sign):
    at = workers.redis_time(resque.space) - ago
    resque.link.execute("HSET", resque.space.keys.heartbeats, ELSEWHERE, times.heartbeat(at))
    signs = signs_of_life(resque.space, ELSEWHERE)
    assert bool(signs.seen) == is_sign
    assert signs.beat == times.heartbeat(at)
    assert not process_of(resque.space, ELSEWHERE).lives


@pytest.mark.parametrize("beat", ["", "yesterday"])
def test_a_heartbeat_that_cannot_be_read_is_none(resque, beat):
    if beat:
        resque.link.execute("HSET", resque.space.keys.heartbeats, ELSEWHERE, beat)
    signs = signs_of_life(resque.space, ELSEWHERE)
    assert (signs.seen, signs.beat) == ("", beat or workers.NO_BEAT)
