"""Being woken by a change: a change is never missed, and what comes over the wire ends nobody."""

import pytest

from pyresque.store.connection.wakeup import Wakeup
from pyresque.system.waiting import readable


@pytest.fixture
def wakeup(resque):
    wakeup = Wakeup(resque.link, "pyresque-test:wakeup")
    yield wakeup
    wakeup.close()


def test_a_change_of_a_key_wakes_once(resque, wakeup):
    assert wakeup.arm(["a", "b"])
    assert not wakeup.arm(["a", "b"])  # nothing new: no look is due
    assert wakeup.is_sure()
    resque.link.execute("RPUSH", "b", 1)
    assert readable([wakeup], 60) == [wakeup]
    assert wakeup.woken()
    assert not wakeup.woken()
    assert wakeup.arm(["a", "b"])


def test_other_keys_wake_nobody(resque, wakeup):
    wakeup.arm(["a"])
    resque.link.execute("RPUSH", "c", 1)
    assert wakeup.is_sure()  # an answer came, and no message before it
    assert not wakeup.woken()


def test_whoever_asks_is_not_sure_after_a_change(resque, wakeup):
    wakeup.arm(["a"])
    resque.link.execute("RPUSH", "a", 1)
    assert not wakeup.is_sure()


def test_the_connection_has_a_name_and_one_that_was_cut_is_made_anew(resque, wakeup):
    wakeup.arm(["a"])
    listed = resque.link.execute("CLIENT", "LIST").decode()
    [line] = [line for line in listed.splitlines() if "pyresque-test:wakeup" in line]
    resque.link.execute(
        "CLIENT", "KILL", "ID", dict(part.split("=", 1) for part in line.split() if "=" in part)["id"]
    )
    assert readable([wakeup], 60) == [wakeup]
    assert wakeup.woken()
    assert wakeup.arm(["a"])
    resque.link.execute("RPUSH", "a", 1)
    assert readable([wakeup], 60) == [wakeup]


def test_a_link_that_does_not_tell_where_its_server_is_wakes_nobody():
    wakeup = Wakeup(object())
    assert (wakeup.arm(["a"]), wakeup.fileno(), wakeup.woken(), wakeup.is_sure()) == (False, -1, False, False)
