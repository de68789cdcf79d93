"""Descriptors of ours: whether a number still leads where it led."""

import os
import socket

import pytest

from pyresque.descriptors import Own, file_behind


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
