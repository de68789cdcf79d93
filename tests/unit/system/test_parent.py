"""A process that ends with the one that has forked it."""

import os
import signal
import sys

import pytest

from pyresque.system.parent import end_with_parent


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_process_ends_with_its_parent():
    """However that ends."""
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        child = os.fork()
        if child == 0:
            try:
                end_with_parent(os.getppid())
                os.write(write, b"!")
                signal.pause()
            finally:
                os._exit(1)
        signal.pause()
        os._exit(1)
    os.close(write)
    assert os.read(read, 1) == b"!"
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert os.read(read, 1) == b""  # both ends of the others are closed: they are gone
    os.close(read)
