"""Whether the worker of a process is about to leave, for jobs with steps."""

import signal

from pyresque.usercode.leaving import is_leaving, note_leaving, note_staying


def test_a_signal_tells_that_the_worker_leaves():
    """A handler takes the note; the next worker in the process begins anew."""
    before = signal.signal(signal.SIGUSR1, note_leaving)
    try:
        note_staying()
        assert not is_leaving()
        signal.raise_signal(signal.SIGUSR1)
        assert is_leaving()
    finally:
        signal.signal(signal.SIGUSR1, before)
        note_staying()
    assert not is_leaving()
