"""Waiting for what can be read, and for what is away."""

import os

from pyresque.log import Log
from pyresque.system.waiting import Backoff, Outage, readable


class End:
    """One end of a pipe."""

    def __init__(self, number):
        self.number = number

    def fileno(self):
        """Its descriptor."""
        return self.number


def test_what_can_be_read_ends_the_wait():
    """Or is at its end; what has no descriptor any more is not waited for."""
    read, write = os.pipe()
    end, closed = End(read), End(-1)
    try:
        assert readable([end, closed], 0) == []
        os.write(write, b"x")
        assert readable([end, closed], None) == [end]
        os.read(read, 1)
    finally:
        os.close(write)
    assert readable([end], float("inf")) == [end]
    os.close(read)


def test_backoff_doubles_up_to_its_bound():
    """While Redis is away; no two workers in step; a success begins anew."""
    backoff = Backoff(first=1.0, most=4.0)
    for expected in (1.0, 2.0, 4.0, 4.0):
        assert expected * 0.7 <= backoff.next_sleep() <= expected * 1.3
    backoff.reset()
    assert 0.7 <= backoff.next_sleep() <= 1.3


def test_an_outage_is_logged_once_and_its_end_too(caplog):
    """Each try that fails puts off the next one."""
    outage = Outage(Log("pyresque.worker"), "it is away: %s", "it is back", Backoff(1000.0, 1000.0))
    assert (outage.lasts, outage.seconds_left) == (False, 0.0)
    outage.failed(OSError("first"))
    outage.failed(OSError("second"))
    assert outage.lasts
    assert outage.seconds_left > 600
    outage.answered()
    outage.answered()
    assert (outage.lasts, outage.seconds_left) == (False, 0.0)
    assert [record.getMessage() for record in caplog.records] == ["it is away: first", "it is back"]
