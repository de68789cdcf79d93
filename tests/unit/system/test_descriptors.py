"""Descriptors of ours: whether a number still leads where it led."""

import os
import socket

import pytest

from pyresque.system.descriptors import Own, above_streams, file_behind, keep_streams


@pytest.mark.parametrize("make", [os.pipe, lambda: [one.detach() for one in socket.socketpair()]])
def test_a_number_that_leads_elsewhere_is_not_ours(make):
    """Closed, or used again: it is not closed a second time."""
    one, other = make()
    own = Own(one)
    assert own.is_ours
    assert own.number == one
    os.close(one)
    assert not own.is_ours
    assert file_behind(one) is None
    again, beside = make()
    assert again == one
    assert not own.is_ours
    own.close()
    assert file_behind(again) is not None
    for number in (again, beside, other):
        os.close(number)


def test_what_is_ours_is_closed_once():
    """After that the number may be anybody's."""
    read, write = os.pipe()
    own = Own(read)
    own.close()
    assert file_behind(read) is None
    taken = os.dup(write)
    own.close()
    assert file_behind(taken) == file_behind(write)
    os.close(taken)
    os.close(write)


@pytest.fixture
def without_streams():
    """A copy of this process, without standard streams, does something and tells what came of it."""

    def run(work):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.closerange(0, 3)
                os.write(write, repr(work()).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        os.close(write)
        with open(read) as said:
            return said.read()

    return run


def test_a_socket_gets_no_number_of_a_stream(without_streams):
    """What is printed would go to it. It is the same socket, and the number is free again."""

    def work():
        one, other = map(above_streams, socket.socketpair())
        one.sendall(b"text")
        return (
            one.fileno() > 2,
            other.fileno() > 2,
            other.recv(9),
            other.family,
            file_behind(0),
            file_behind(1),
        )

    assert without_streams(work) == f"(True, True, b'text', {socket.AF_UNIX!r}, None, None)"


def test_streams_that_were_closed_lead_nowhere(without_streams):
    """One that is open stays what it is."""

    def work():
        read, write = os.pipe()
        before = file_behind(read), file_behind(write)
        keep_streams()
        null = os.stat(os.devnull)
        return before == (file_behind(read), file_behind(write)), file_behind(2) == (null.st_dev, null.st_ino)

    assert without_streams(work) == "(True, True)"
