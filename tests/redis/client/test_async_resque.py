"""AsyncResque: the verbs of Resque, awaited, while the event loop goes on."""

import asyncio
import os
import time
from contextvars import ContextVar

import pytest

from pyresque import AsyncResque, Resque, Retry, job
from pyresque.client.resque import Resque as Home
from pyresque.errors import JobCancelled, JobFailed, JobNotDone, NotAJob, RedisUnavailable
from pyresque.store.connection.link import PatientLink
from pyresque.testing import drain, inline
from tests.redis.bench import eventually


@pytest.fixture
def work(resque):
    @job(queue="q", name="Work", retry=Retry(limit=0), registry=resque.registry)
    def work(number: int, bad: bool = False):
        if bad:
            raise ValueError("bad")
        return number * 2

    return work


def run(resque, body, **settings):
    """What a coroutine function gives, that is called with an AsyncResque on the Redis of the test."""

    async def main():
        async with AsyncResque.of(resque, **settings) as own:
            return await body(own)

    return asyncio.run(main())


def test_the_verbs_are_those_of_resque(resque, work):
    """Each does what it does in Resque, and answers the same."""

    async def body(own):
        assert await own.enqueue(work, 1) is True
        assert await own.enqueue(work, number=2, at_front=True) is True
        assert await own.enqueue_to("other", "Ruby", 3) is True
        assert await own.enqueue_many([(work, n) for n in (4, 5)]) == 2
        assert await own.enqueue_in(60, work, 6) is True
        assert await own.enqueue_at(time.time() + 90, work, 7, queue="late") is True
        assert await own.enqueue_at_with_queue("late", time.time() + 90, work, 8) is True
        assert await own.enqueue_in_with_queue("late", 90, work, 9) is True
        assert await own.is_delayed(work, 6) is True
        assert len(await own.scheduled_at(work, 6)) == 1
        assert await own.remove_delayed(work, 6) == 1
        assert await own.dequeue(work, 5) == 1
        assert await own.queues() == ["other", "q"]
        assert await own.size("q") == 3
        assert await own.queue_sizes() == {"other": 1, "q": 3}
        assert (await own.info())["pending"] == 4
        assert await own.workers() == []
        assert await own.stat("processed") == 0
        with pytest.raises(NotAJob):
            await own.enqueue("Ruby", 1)
        return [one["args"][0] for one in await own.peek("q", 0, 9)]

    assert run(resque, body) == [2, 1, 4]
    assert resque.count_all_scheduled_jobs() == 3


def test_handles_are_awaited(resque, work):
    """Status, result, wait and cancel; what is raised is what JobHandle raises."""

    async def body(own):
        good, bad, gone = [
            await own.enqueue(work, 4, track=True),
            await own.enqueue(work, 5, bad=True, track=True),
            await own.enqueue_in(60, work, 6, track=True),
        ]
        assert await own.handle(good.id).status() == "queued"
        assert await good.wait(timeout=0) is False
        with pytest.raises(JobNotDone):
            await good.result(timeout=0)
        waiting = asyncio.create_task(good.result(timeout=60))
        with pytest.raises(ValueError, match="bad"):
            await own.run(drain, resque)
        assert await waiting == 8
        with pytest.raises(JobFailed, match="bad"):
            await bad.result()
        assert await gone.cancel() is True
        with pytest.raises(JobCancelled):
            await gone.result()
        assert (await good.progress()).fraction is None

    run(resque, body)


def test_failures_are_seen(resque, work, bench):
    """List, count, find, requeue and remove."""
    resque.enqueue(work, 1, bad=True)
    bench.burst("q")

    async def body(own):
        assert await own.failures.count() == 1
        [failure] = await own.failures.list()
        assert (await own.failures.find(failure.id)).id == failure.id
        assert await own.failures.requeue(failure.id) is True
        assert await own.failures.remove(failure.id) is True
        assert await own.failures.remove(failure.id) is False
        assert await own.failures.count() == 0
        assert await own.size("q") == 1

    run(resque, body)


def test_the_loop_goes_on_while_redis_does_not_answer(resque, work):
    """Only what runs on the loop meanwhile lets Redis answer again."""
    other = Resque(f"redis://:{resque.link.target.password}@{resque.link.address}/0").link

    async def body(own):
        await own.size("q")
        other.execute("CLIENT", "PAUSE", 600_000, "WRITE")
        calls = [asyncio.create_task(own.enqueue(work, n)) for n in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(call.done() for call in calls)
        other.execute("CLIENT", "UNPAUSE")
        return await asyncio.gather(*calls)

    try:
        assert run(resque, body) == [True] * 3
    finally:
        other.execute("CLIENT", "UNPAUSE")
        other.close()


def test_a_cancelled_call_may_be_carried_out_once(resque, work):
    """It was sent, and nobody waits for the answer any more: the job comes once, and others go on."""
    other = Resque(f"redis://:{resque.link.target.password}@{resque.link.address}/0").link

    async def body(own):
        await own.size("q")
        other.execute("CLIENT", "PAUSE", 600_000, "WRITE")
        call = asyncio.create_task(own.enqueue(work, 1))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        other.execute("CLIENT", "UNPAUSE")
        assert await own.enqueue(work, 2) is True

    try:
        run(resque, body)
    finally:
        other.execute("CLIENT", "UNPAUSE")
        other.close()
    eventually(lambda: sorted(one["args"][0] for one in resque.peek("q", 0, 9)) == [1, 2])


def test_hooks_run_in_a_thread_with_the_callers_context(resque):
    """So they may block, know the request, and raise anything: StopIteration, too."""
    request = ContextVar("request")
    seen = []

    @job(queue="q", name="Hooked", registry=resque.registry)
    class Hooked:
        def perform(self, word): ...

        def before_enqueue(self, word):
            seen.append(request.get())
            time.sleep(0.01)
            if word == "stop":
                raise StopIteration
            if word == "cancel":
                raise asyncio.CancelledError

        async def after_enqueue(self, word):
            await asyncio.sleep(0)
            seen.append(word)

    async def body(own):
        request.set("r1")
        assert await own.enqueue(Hooked, "a") is True
        with pytest.raises(RuntimeError, match="StopIteration"):
            await own.enqueue(Hooked, "stop")
        with pytest.raises(asyncio.CancelledError):
            await own.enqueue(Hooked, "cancel")
        assert await own.enqueue(Hooked, "b") is True

    run(resque, body, threads=1)
    assert seen == ["r1", "a", "r1", "r1", "r1", "b"]


def test_a_forked_process_has_threads_of_its_own(resque, work):
    """A server that forks its workers after a first call."""
    own = AsyncResque.of(resque)
    assert asyncio.run(own.enqueue(work, 1)) is True
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = int(asyncio.run(asyncio.wait_for(own.enqueue(work, 2), 30)) is not True)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert resque.size("q") == 2
    asyncio.run(own.close())


def test_a_url_and_settings_are_those_of_resque(resque, server, work):
    """The same constructor; jobs may run inline in a test."""

    async def main():
        async with AsyncResque(server.url, "other", registry=resque.registry) as own:
            assert isinstance(own.resque, Home)
            assert repr(own).endswith(" other>")
            with inline(own.resque):
                handle = await own.enqueue(work, 21, track=True)
            return await handle.result()

    assert asyncio.run(main()) == 42


def test_redis_that_is_away_is_an_error(work):
    """The same as with Resque."""

    async def main():
        async with AsyncResque("redis://127.0.0.1:1") as own:
            assert isinstance(own.resque.space.link, PatientLink)
            own.resque.space.link.pauses = ()
            await own.size("q")

    with pytest.raises(RedisUnavailable):
        asyncio.run(main())
