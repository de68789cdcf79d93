"""Between a worker and the process of a job: only the report of this task, by this process, is heard."""

import os
import socket
import threading

import pytest

from pyresque.system.waiting import readable
from pyresque.worker.channel import JobEnd, Memory, WorkerEnd
from pyresque.worker.report import Report, SentReport, Task, framed

FAILED = Report("ValueError", "boom", ["a.rb:1"], "id", saved=False)


@pytest.fixture
def ends():
    """A channel whose two ends are in this process."""
    memory = Memory()
    worker = WorkerEnd(memory)
    other = WorkerEnd(memory)
    other.theirs.close()
    other.theirs, other.mark = worker.theirs, worker.mark  # JobEnd closes what it has inherited of `other`
    yield worker, JobEnd(other)
    worker.close()
    worker.theirs.close()


class Cooperative(socket.socket):
    """A socket as gevent makes them: it waits for what it is to receive, whatever the flags say."""

    def recv(self, size, flags=0):
        """Receive something; nobody here would ever send what this had to wait for."""
        assert readable([self], 0), "it would wait for ever"
        return super().recv(size, flags & ~socket.MSG_DONTWAIT)


def test_hearing_never_waits(monkeypatch):
    """The worker has signals to hear, and an eye on the clock, while the job says nothing."""
    plain = socket.socketpair
    monkeypatch.setattr(socket, "socketpair", lambda: [Cooperative(fileno=one.detach()) for one in plain()])
    worker = WorkerEnd(Memory())
    assert worker.hear(7, os.getpid()) is None
    raw(worker, marked(worker, SentReport(7, os.getpid(), FAILED))[:-1])
    assert worker.hear(7, os.getpid()) is None
    raw(worker, marked(worker, SentReport(7, os.getpid(), FAILED))[-1:])
    assert worker.hear(7, os.getpid()) == FAILED
    worker.theirs.close()
    assert worker.hear(7, os.getpid()) is None
    assert worker.fileno() == -1
    worker.close()


def raw(worker, data):
    """Send bytes as the process of a job could."""
    worker.theirs.sendall(data)


def marked(worker, told):
    """A report as it goes over the wire."""
    return worker.mark + framed(told)


@pytest.mark.parametrize(
    "report", [Report(), FAILED, Report(again=[("q", b"{}", 1.5)], payload=b"x" * 300_000)]
)
def test_a_report_is_heard_once(ends, report):
    """Small or large."""
    worker, child = ends
    heard = None
    sending = threading.Thread(target=child.tell, args=[7, report])
    sending.start()
    while heard is None:
        heard = worker.hear(7, os.getpid())
    sending.join()
    assert heard == report
    assert worker.hear(7, os.getpid()) is None


@pytest.mark.parametrize(("number", "pid"), [(6, 0), (8, 0), (7, 1), (0, 0)])
def test_a_report_of_another_task_or_process_is_not_heard(ends, number, pid):
    """But the right one behind it is."""
    worker, child = ends
    raw(worker, marked(worker, SentReport(number, os.getpid() + pid, FAILED)))
    assert worker.hear(7, os.getpid()) is None
    child.tell(7, Report())
    assert worker.hear(7, os.getpid()) == Report()


@pytest.mark.parametrize(
    "noise",
    [
        b"\0\0\0\1x", b"\0\0\0\3\xc1\xc1\xc1", b"\0\0\0\0", b"\0\0\0\2\x91\x01", b"\xff" * 64, b"\0\0\0\x40",
        b"x", b"\xff" * 200_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_marked", [False, True])
def test_noise_is_not_heard(ends, noise, is_marked):
    """It comes to nothing, and ends nobody: the job may write whatever it likes to a descriptor of ours."""
    worker, child = ends
    if is_marked and int.from_bytes(noise[:4], "big") > len(noise) - 4:
        return  # a mark is nothing that a job knows: this would be a report that is yet to come
    sending = threading.Thread(target=raw, args=[worker, (worker.mark if is_marked else b"") + noise])
    sending.start()
    heard = None
    while sending.is_alive():
        assert worker.hear(7, os.getpid()) is None
    assert worker.hear(7, os.getpid()) is None
    child.tell(7, FAILED)
    while heard is None:
        heard = worker.hear(7, os.getpid())
    assert heard == FAILED


def test_noise_that_looks_like_the_beginning_of_a_mark(ends):
    """A part of it, and then the mark."""
    worker, child = ends
    for length in range(1, len(worker.mark)):
        raw(worker, worker.mark[:length])
        child.tell(length, Report())
        assert worker.hear(length, os.getpid()) == Report()


def test_a_task_arrives(ends):
    """And after the last one there is none."""
    worker, child = ends
    assert worker.give(Task(3, "q", b'{"class":"A"}' * 1000))
    assert child.next_task() == Task(3, "q", b'{"class":"A"}' * 1000)
    worker.close()
    assert child.next_task() is None
    assert not worker.give(Task(4, "q", b""))


@pytest.mark.parametrize("reused", [False, True])
def test_what_cannot_be_sent_is_found(ends, reused):
    """The socket is closed, and its number may be somebody else's, who gets nothing."""
    worker, child = ends
    os.close(worker.theirs.detach())
    pair = socket.socketpair() if reused else ()
    for one in pair:
        one.setblocking(False)
    assert child.tell(7, FAILED) is False
    assert child.next_task() is None
    for one in pair:
        with pytest.raises(BlockingIOError):
            one.recv(1)
    assert worker.hear(7, os.getpid()) is None
    assert worker.fileno() == -1
    assert worker.find(7, os.getpid()) == FAILED
    assert worker.find(7, os.getpid()) is None
    for one in pair:
        one.close()


@pytest.mark.parametrize(("number", "pid"), [(6, 0), (7, 1)])
def test_what_another_one_has_left_is_not_taken(number, pid):
    """And not found later either."""
    memory = Memory()
    memory.write(SentReport(number, os.getpid() + pid, FAILED))
    end = WorkerEnd(memory)
    assert end.find(7, os.getpid()) is None
    assert end.find(number, os.getpid() + pid) is None
    end.close()
    end.theirs.close()


def test_a_report_that_is_too_large_for_the_memory_is_shortened():
    """It says that something is left out; what follows from a job must not be left out unseen."""
    memory = Memory(65_536)
    memory.write(
        SentReport(1, 2, Report("ValueError", "b" * 60_000, ["line"] * 9_000, "id", payload=b"p" * 99_999))
    )
    told = memory.take()
    assert told is not None
    assert (told.report.exception, told.report.failure_id, told.report.backtrace) == ("ValueError", "id", [])
    assert told.report.error.startswith("b" * 10_000)
    assert "closed the descriptor" in told.report.error
    memory.write(SentReport(2, 2, Report(again=[("q", b"x" * 70_000, 0.0)])))
    told = memory.take()
    assert told is not None
    assert not told.report.done
    assert "what follows from it is not told" in told.report.error


def test_memory_that_nobody_has_written_holds_nothing():
    """Nor does memory that somebody has damaged."""
    memory = Memory(4096)
    assert memory.take() is None
    memory._map[:8] = b"\xff" * 8
    assert memory.take() is None
    memory._map[:8] = b"\0\0\0\4\xc1\xc1\xc1\xc1"
    assert memory.take() is None
