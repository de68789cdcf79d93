"""Which processes live, and what tells a process from another one with its pid."""

import os
import signal
import subprocess
import sys

from pyresque.system.processes import (
    WORD_LENGTH,
    drop_word,
    note_worker,
    own_worker,
    process_birth,
    process_lives,
    process_space,
    process_title,
    take_word,
)


def test_this_process_lives():
    """With its birth, or without; with that of another one, it has only got its pid."""
    birth = process_birth(os.getpid())
    assert process_lives(os.getpid())
    assert process_lives(os.getpid(), birth)
    assert process_lives(os.getpid(), birth + "0") is not bool(birth)


def test_a_process_that_has_ended_does_not_live():
    """Nor does a zombie, which nobody has waited for yet; nor a pid that there cannot be."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_lives(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_lives(child.pid) is not os.path.exists("/proc/self/stat")
    child.wait()
    child.stdin.close()
    assert not process_lives(child.pid)
    assert process_birth(child.pid) == process_title(child.pid) == ""


def test_a_process_has_a_title_and_a_space():
    """Where the system tells them."""
    if os.path.exists("/proc/self/cmdline"):
        assert "python" in process_title(os.getpid()) or "py" in process_title(os.getpid())
        assert process_space() == process_space() != ""


def test_a_worker_has_a_word_until_it_leaves():
    """Behind it stands when its process began."""
    word = take_word()
    note_worker("h:1:q")
    try:
        assert own_worker() == ("h:1:q", word)
        assert word[WORD_LENGTH:] == process_birth(os.getpid())
        assert take_word() != word
    finally:
        drop_word()
    assert own_worker() == ("", "")
