"""Between a worker and the process of a job: tasks one way, reports the other, over a socket.

The job's code may close any descriptor, and may then open files of its own under the same number. So each
side asks whether the socket is still its own before it uses it. A report that has no socket any more goes
into memory that both processes share, which no closing of descriptors takes away; the process then ends, and
the worker finds the report when it buries it. The job's code may also write to the socket: a report begins
with a mark that nobody else knows, and whatever comes before the mark is ignored.
"""

from __future__ import annotations

import mmap
import os
import socket

from pyresque.system.descriptors import Own
from pyresque.system.waiting import readable
from pyresque.usercode.guards import getpid
from pyresque.worker.report import Report, SentReport, Task, framed, report_in, size_in, task_in

ROOM = 4 << 20
"""Bytes of shared memory. A page of it that nobody has written takes no memory."""
MARK = 8
"""Bytes of the mark before a report."""


class Memory:
    """Room for one report, shared with every process that is forked after it was made."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._map = mmap.mmap(-1, room)

    def write(self, told: SentReport) -> None:
        """Leave a report, or as much of it as there is room for."""
        frame = framed(told)
        if len(frame) > self._room:
            frame = framed(SentReport(told.number, told.pid, told.report.short()))
        self._map[4 : len(frame)] = frame[4:]
        self._map[:4] = frame[:4]  # last: a process that is killed in between has said nothing

    def take(self) -> SentReport | None:
        """What has been left, once."""
        size = size_in(self._map[:4])
        if not 0 < size <= self._room - 4:
            return None
        told = report_in(self._map[4 : 4 + size])
        self._map[:4] = bytes(4)
        return told


class WorkerEnd:
    """The worker's end; `theirs` is the other one, for the process that is about to be forked."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._socket, self.theirs = socket.socketpair()
        for end in (self._socket, self.theirs):
            end.setblocking(True)  # the application may have set another default for all sockets
        self._own = Own(self._socket.fileno())
        self.mark = os.urandom(MARK)
        """The bytes with which each report begins."""
        self._heard = bytearray()
        self._ended = False

    def fileno(self) -> int:
        """What becomes readable when the other side speaks or is gone; -1 when it will say no more."""
        if not self._ended and not self._own.is_ours:
            self._ended = True
        return -1 if self._ended else self._own.number

    def give(self, task: Task) -> bool:
        """Send a task; False if that cannot be done."""
        if self.fileno() < 0:
            return False
        try:
            self._socket.sendall(framed(task))
        except OSError:
            return False
        return True

    def hear(self, number: int, pid: int) -> Report | None:
        """What this process has said of this task; None as long as it has not said everything."""
        # Asked first whether there is something: gevent's sockets wait whatever the flag says.
        while self.fileno() >= 0 and readable([self], 0):
            try:
                part = self._socket.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                part = b""
            self._heard += part
            self._drop_noise()
            self._ended = not part
        while (frame := self._next_frame()) is not None:
            told = report_in(frame)
            if told is not None and (told.number, told.pid) == (number, pid):
                return told.report
        return None

    def _drop_noise(self) -> None:
        """Drop the bytes before the next mark, but for those with which a mark may begin."""
        at = self._heard.find(self.mark)
        del self._heard[: at if at >= 0 else max(0, len(self._heard) - MARK + 1)]

    def _next_frame(self) -> bytearray | None:
        """The message after the next mark, once it is complete."""
        self._drop_noise()
        start = MARK + 4
        if len(self._heard) < start or len(self._heard) < start + size_in(self._heard[MARK:start]):
            return None
        end = start + size_in(self._heard[MARK:start])
        frame = self._heard[start:end]
        del self._heard[:end]
        return frame

    def find(self, number: int, pid: int) -> Report | None:
        """What this process, which has ended, has left of this task where it could not say it."""
        told = self._memory.take()
        return told.report if told is not None and (told.number, told.pid) == (number, pid) else None

    def close(self) -> None:
        """Give the socket back: whoever waits for a task at the other end learns that there is none."""
        _close(self._socket, self._own)
        self._ended = True


class JobEnd:
    """The end of the process of a job."""

    def __init__(self, end: WorkerEnd) -> None:
        _close(end._socket, end._own)
        self._memory = end._memory
        self._mark = end.mark
        self._socket = end.theirs
        self._own = Own(self._socket.fileno())
        self._pid = getpid()

    def tell(self, number: int, report: Report) -> bool:
        """Say what became of a task; False if the worker will hear of it only when this process has ended."""
        told = SentReport(number, self._pid, report)
        try:
            if self._own.is_ours:
                self._socket.sendall(self._mark + framed(told))
                return True
        except OSError:
            pass
        self._memory.write(told)
        return False

    def leave(self, number: int, report: Report) -> None:
        """Leave what became of a task for the worker to find when this process ends: that it must, then."""
        self._memory.write(SentReport(number, self._pid, report))

    def next_task(self) -> Task | None:
        """Wait for a task; None: there will be none."""
        head = self._received(4)
        data = self._received(size_in(head)) if head is not None else None
        return None if data is None else task_in(data)

    def _received(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data)) if self._own.is_ours else b""
            except OSError:
                part = b""
            if not part:
                return None
            data += part
        return data


def _close(end: socket.socket, own: Own) -> None:
    if own.is_ours:
        end.close()
    else:
        end.detach()  # its number is nobody's, or somebody else's
