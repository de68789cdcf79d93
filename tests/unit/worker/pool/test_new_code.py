"""The trial of new code, whose process ends in one way or another."""

from __future__ import annotations

import os
import signal
import subprocess

from pyresque.worker.pool.new_code import Trial


class Sleeper:
    """A program whose trial takes for ever."""

    def try_out(self, tell: int) -> subprocess.Popen[bytes]:
        """Start it in a process group of its own."""
        return subprocess.Popen(["sleep", "600"], pass_fds=[tell], process_group=0)


def test_a_trial_that_is_killed_as_it_stops_may_be_waited_for_at_once() -> None:
    """The supervisor has buried it before it looks at why it is over; that stays what it was."""
    trial = Trial(Sleeper())
    trial.stopped(signal.SIGTTIN)
    _, status = os.waitpid(trial.pid, 0)
    trial.ended(os.waitstatus_to_exitcode(status))
    assert trial.refusal is not None
    assert trial.refusal.startswith("the program wants the terminal")
