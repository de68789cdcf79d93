"""The event loop of an async worker: what jobs do to descriptors and processes does not end it."""

import asyncio
import os
import selectors
import socket
import sys
import threading

import pytest

from pyresque.worker.aio.event_loop import EventLoop


@pytest.fixture
def run():
    """Runs a coroutine on such a loop."""
    loop = EventLoop()
    yield loop.run_until_complete
    loop.close()


def sockets_of(loop):
    """The numbers of the two sockets by which it is woken."""
    return [own.number for own in loop._own]


async def works():
    """What a job expects of a loop."""
    assert await asyncio.to_thread(lambda: 5) == 5
    await asyncio.sleep(0.001)
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    threading.Timer(0.01, lambda: loop.call_soon_threadsafe(event.set)).start()
    await asyncio.wait_for(event.wait(), 5)


async def talks():
    """A server, a client, a program."""

    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"text\n" + b"x" * 100_000)
    assert await reader.readline() == b"text\n"
    writer.close()
    server.close()
    await server.wait_closed()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(3)", stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0] == b"3\n"


def test_it_does_what_a_loop_does(run):
    """Sleeps, threads, connections, programs."""
    run(works())
    run(talks())


class OtherLoops(asyncio.DefaultEventLoopPolicy):
    """The policy of another kind of event loop, such as uvloop's."""

    def get_child_watcher(self):
        """Those wait for their programs themselves."""
        raise NotImplementedError


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from Python 3.14 on policies have no say in this")
def test_programs_whatever_the_policy(run):
    """A job may set the policy of another loop: programs are waited for all the same."""

    async def fails():
        process = await asyncio.create_subprocess_shell("exit 3")
        return await process.wait()

    async def is_not_there():
        await asyncio.create_subprocess_exec("/no/such/program")

    asyncio.set_event_loop_policy(OtherLoops())
    try:
        run(talks())
        assert run(fails()) == 3
        with pytest.raises(FileNotFoundError):
            run(is_not_there())
    finally:
        asyncio.set_event_loop_policy(None)


@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("reused", [False, True])
def test_a_job_closes_its_sockets(run, which, reused):
    """It goes on, is woken by threads, and writes and reads nothing of what stands under the numbers now."""

    async def job():
        loop, theirs = asyncio.get_running_loop(), []
        for one in which:
            os.close(sockets_of(loop)[one])
        if reused:
            theirs = [socket.socketpair() for _ in which]
            for _, far in theirs:
                far.send(b"for the job")
        await works()
        for near, far in theirs:
            near.setblocking(False)
            far.setblocking(False)
            assert near.recv(100) == b"for the job"
            with pytest.raises(BlockingIOError):
                far.recv(1)
            near.close()
            far.close()
        await works()

    run(job())
    run(works())


def test_a_job_listens_under_a_number_of_the_loop(run):
    """It hears what comes there."""

    async def job():
        loop = asyncio.get_running_loop()
        number = sockets_of(loop)[0]
        os.close(number)
        near, far = socket.socketpair()
        assert number in (near.fileno(), far.fileno())
        near, far = (near, far) if near.fileno() == number else (far, near)
        near.setblocking(False)
        reading = asyncio.ensure_future(loop.sock_recv(near, 100))
        await asyncio.sleep(0.01)
        far.send(b"text")
        assert await asyncio.wait_for(reading, 5) == b"text"
        near.close()
        far.close()

    run(job())
    run(works())


def test_a_job_shuts_its_sockets_down(run):
    """They are of no use any more, and would wake it without end."""

    async def job():
        loop = asyncio.get_running_loop()
        for number in sockets_of(loop):
            with socket.socket(fileno=os.dup(number)) as one:
                one.shutdown(socket.SHUT_RDWR)
        await works()
        before = sockets_of(loop)
        await works()
        assert sockets_of(loop) == before

    run(job())


def test_what_is_closed_without_a_word_does_not_keep_it_busy(run):
    """A library has closed a socket that the loop listens to: told once, and no more."""

    async def job():
        loop, told = asyncio.get_running_loop(), []
        near, far = socket.socketpair()
        loop.add_reader(near.fileno(), told.append, 1)
        os.close(near.detach())
        await asyncio.sleep(0.05)
        assert told == [1]
        far.close()

    run(job())


def test_a_copy_of_the_process_runs_nobody_s_code(run):
    """What forks, and then lets the loop go on, ends there in the copy; the others run in one process."""
    read, write = os.pipe()

    async def other():
        for _ in range(5):
            os.write(write, f"{os.getpid()}\n".encode())
            await asyncio.sleep(0)

    async def forks():
        others = [asyncio.create_task(other()) for _ in range(5)]
        pids = []
        for _ in range(3):
            await asyncio.sleep(0)
            pids.append(os.fork())
        await asyncio.gather(*others)
        return pids

    pids = run(forks())
    for pid in pids:
        os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        written = pipe.read().split()
    assert set(written) == {str(os.getpid())}
    assert len(written) == 25


def test_a_fork_in_a_thread_of_the_loop(run):
    """The copy of the thread takes up no more work."""
    read, write = os.pipe()

    async def job():
        pid = await asyncio.to_thread(os.fork)
        more = [asyncio.to_thread(os.write, write, f"{os.getpid()}\n".encode()) for _ in range(20)]
        await asyncio.gather(*more)
        return pid

    status = os.waitpid(run(job()), 0)[1]
    assert os.waitstatus_to_exitcode(status) == 0
    os.close(write)
    with os.fdopen(read) as pipe:
        assert len(pipe.read().split()) == 20


def test_the_selector_keeps_to_the_rules_of_selectors():
    """Registering twice, what is not registered, odd events; waits of any length."""
    loop = EventLoop()
    poll = loop._poll
    near, far = socket.socketpair()
    key = poll.register(near, selectors.EVENT_READ, "data")
    assert (key.fd, key.data, poll.get_key(near), poll.get_key(near.fileno())) == (
        near.fileno(),
        "data",
        key,
        key,
    )
    with pytest.raises(KeyError):
        poll.register(near, selectors.EVENT_READ)
    for events in (0, 8):
        with pytest.raises(ValueError, match="Invalid events"):
            poll.register(far, events)
    with pytest.raises(KeyError):
        poll.unregister(far)
    assert poll.select(0) == []
    far.send(b"x")
    assert poll.select(None) == [(key, selectors.EVENT_READ)]
    key = poll.modify(near, selectors.EVENT_READ | selectors.EVENT_WRITE, "more")
    assert poll.select(1e12) == [(key, selectors.EVENT_READ | selectors.EVENT_WRITE)]
    poll.unregister(near)
    assert poll.select(0.001) == []
    near.close()
    far.close()
    loop.close()
    loop.close()
