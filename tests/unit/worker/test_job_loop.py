"""The event loop that the jobs of a process share, one after the other."""

import asyncio

import pytest

from pyresque.worker.job_loop import JobLoop, offer_loop
from pyresque.worker.lazy_job_loop import LazyJobLoop


@pytest.fixture(params=[JobLoop, lambda: LazyJobLoop(None)], ids=["itself", "when it is needed"])
def loop(request):
    """The loop of this process."""
    made = request.param()
    yield made
    made.close()


async def running():
    return asyncio.get_running_loop()


def test_each_coroutine_runs_on_the_same_loop(loop):
    """So what one has opened works in the next."""
    assert loop.run(running()) is loop.run(running())


def test_what_a_coroutine_raises_comes_out(loop):
    """And the next one runs."""

    async def fail():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        loop.run(fail())
    assert loop.run(running()).is_closed() is False


def test_what_a_coroutine_leaves_running_ends_with_it(loop):
    """It is cancelled, as with asyncio.run."""
    seen = []

    async def late():
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def leave():
        seen.append(asyncio.ensure_future(late()))
        await asyncio.sleep(0)

    loop.run(leave())
    assert seen[1:] == ["cancelled"]


def test_a_loop_that_a_job_has_closed_is_replaced(loop):
    """The next job gets another one."""
    first = loop.run(running())
    first.close()
    assert loop.run(running()) is not first


def test_a_loop_is_offered_again_after_asyncio_run():
    """Which leaves none to whoever asks for one."""
    asyncio.run(running())
    offer_loop()
    asyncio.get_event_loop_policy().get_event_loop().close()
    asyncio.set_event_loop(None)
