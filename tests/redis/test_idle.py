"""A worker that has nothing to do: what it sends, the commands in its scripts counted, and how it wakes."""

import os
import signal

import pytest

from pyresque.config import Polling, WorkerOptions
from pyresque.store import workers
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.workers import Registration
from pyresque.worker.aio.worker import AsyncWorker
from pyresque.worker.polling import SURE_TURNS
from tests.redis.bench import add_echo, eventually, put, seen

OWN = ("info", "config|resetstat", "echo")
"""Commands of the tests themselves; they end with an ECHO."""


def calls(resque):
    text = resque.link.execute("INFO", "commandstats").decode()
    lines = (line.removeprefix("cmdstat_").split(":calls=") for line in text.split() if ":calls=" in line)
    return {name: int(rest.partition(",")[0]) for name, rest in lines if name not in OWN}


def run_async(resque, queues):
    """An async worker in a process of its own; returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            options = WorkerOptions(polling=Polling(interval=0.02))
            AsyncWorker(resque, list(queues), 3, options).work()
        finally:
            os._exit(0)
    return pid


@pytest.mark.parametrize("kind", ["a process for each job", "no fork", "async"])
@pytest.mark.parametrize("content", [None, b'{"class":"Foreign","args":[]}'], ids=["empty", "others' jobs"])
def test_an_idle_worker_sends_next_to_nothing(resque, bench, kind, content):
    """In an idle turn (five seconds unless told otherwise) fewer than two commands, whatever is there."""
    add_echo(resque)
    for n in range(20):
        resque.link.execute("SADD", "resque:queues", f"q{n}")
        if content:
            put(resque, content, queue=f"q{n}")
    resque.link.execute("CONFIG", "RESETSTAT")
    if kind == "async":
        pid = run_async(resque, ["*"])
    else:
        pid = bench.start("*", interval=0.02, options=WorkerOptions(fork_per_job=kind != "no fork")).pid
    eventually(lambda: calls(resque).get("ping", 0) > 5)
    resque.link.execute("CONFIG", "RESETSTAT")
    counted = eventually(lambda: found if (found := calls(resque)).get("ping", 0) > 20 * SURE_TURNS else None)
    looks = counted.pop("evalsha")
    assert looks <= counted.pop("ping") / (SURE_TURNS - 1) + 2
    assert sum(counted.values()) <= looks * (2 if content is None else 65) + 20
    os.kill(pid, signal.SIGKILL)
    if kind == "async":
        os.waitpid(pid, 0)


def test_a_change_ends_what_is_sure(resque):
    """The server tells of a change before it answers; without an answer nothing is sure."""
    wakeup = Wakeup(resque.link)
    assert wakeup.is_sure() is False
    assert wakeup.arm([b"resque:queue:q"])
    assert wakeup.is_sure() is wakeup.is_sure() is True
    put(resque, b"{}")
    assert wakeup.is_sure() is False
    assert wakeup.fileno() == -1
    assert wakeup.arm([b"resque:queue:q"])
    assert wakeup.is_sure() is True
    resque.link.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert wakeup.is_sure() is False
    wakeup.close()


def test_a_job_wakes_a_worker_that_is_sure_of_nothing_to_do(resque, bench):
    """It need not wait for the next look: a plain push is enough, to a queue that is new, too."""
    add_echo(resque)
    bench.start("*", interval=0.02)
    eventually(lambda: calls(resque).get("ping", 0) > 3)
    put(resque, b'{"class":"Echo","args":[1]}', queue="new")
    eventually(lambda: seen(resque) == ["[1]"])


def test_beats_of_many_places_are_few_commands(resque, monkeypatch):
    """However many jobs a worker runs at a time; also where a server does not know SMISMEMBER."""
    some = [Registration("h", f"1:q{n}", "m") for n in range(50)]
    resque.link.execute("SADD", "resque:workers", *(one.id for one in some[1:]))
    resque.link.execute("HSET", "resque:pyresque:workers", some[7].id, "another", some[8].id, "m")
    before = sum(calls(resque).values())
    assert workers.beat(resque.space, some) == some[:1]
    assert sum(calls(resque).values()) - before < 12
    assert [one for one in some if one.contested] == [some[7]]
    many = type(resque.space.link).execute_many

    def of_old(link, commands):
        known = ("NOSUCH" if words[0] == "SMISMEMBER" else words[0] for words in commands)
        return many(link, [(name, *words[1:]) for name, words in zip(known, commands, strict=True)])

    monkeypatch.setattr(type(resque.space.link), "execute_many", of_old)
    assert workers.beat(resque.space, some) == some[:1]
