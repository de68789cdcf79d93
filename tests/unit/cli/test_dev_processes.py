"""The processes of `pyresque dev`: what they print is told line by line, and their end once."""

import os
import signal
import threading

import pytest

from pyresque.cli.dev_processes import Processes


@pytest.fixture
def told():
    return []


def started(told, *words):
    processes = Processes({"one": words}, os.environ, lambda name, line: told.append((name, line)))
    processes.start()
    return processes


def wait_for_end(processes):
    while not (ended := processes.ended()):
        processes.wait(0.05)
    processes.finish()
    return ended


def test_lines_have_the_name_of_their_process_and_its_end_is_told_once(told):
    processes = started(told, "--version")
    [child] = wait_for_end(processes)
    assert (child.name, child.process.returncode) == ("one", 0)
    assert [name for name, _ in told] == ["one"]
    assert told[0][1].startswith("pyresque ")
    assert processes.ended() == []
    assert not processes.run
    processes.start()  # one that has ended is started again
    wait_for_end(processes)
    assert len(told) == 2


def test_a_signal_goes_to_those_that_run(told):
    processes = started(told, "scheduler", "--redis", "redis://127.0.0.1:1", "--start-timeout", "60")
    assert processes.run
    processes.send(signal.SIGKILL)
    [child] = wait_for_end(processes)
    assert child.process.returncode == -signal.SIGKILL
    processes.send(signal.SIGKILL)  # nobody is left to get it


def test_a_wait_can_be_ended(told):
    processes = Processes({}, {}, print)
    thread = threading.Thread(target=processes.wait, args=(600,))
    thread.start()
    processes.wake()
    thread.join(60)
    assert not thread.is_alive()
    assert not processes.run
