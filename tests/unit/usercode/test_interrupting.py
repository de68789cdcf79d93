"""What is raised in a coroutine from outside: a cancellation that says why."""

import asyncio

import pytest

from pyresque.errors import JobTimeout
from pyresque.usercode.interrupting import Interruptible


async def wait(seen):
    """A job that waits, and sees why it is ended."""
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError as error:
        seen.append(error)
        raise


async def interrupted(coroutine, reason):
    """Run a coroutine, and cancel it for this reason while it waits."""
    interruptible = Interruptible(coroutine)
    task = asyncio.ensure_future(interruptible)
    await asyncio.sleep(0)
    if reason is not None:
        interruptible.interrupt(reason)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        return task, error


def test_a_cancellation_says_why():
    """It is both, so that TaskGroup and the like end what they have begun."""
    seen = []
    _, error = asyncio.run(interrupted(wait(seen), JobTimeout("too long")))
    assert isinstance(seen[0], JobTimeout)
    assert str(seen[0]) == "too long"
    assert isinstance(error, asyncio.CancelledError)


def test_a_cancellation_without_a_reason_is_one():
    """Whoever has asked for it."""
    seen = []
    asyncio.run(interrupted(wait(seen), None))
    assert type(seen[0]) is asyncio.CancelledError


def test_what_is_raised_in_the_code_itself_stays_as_it_is():
    """It runs: the error comes up where a signal has raised it, and nothing is cancelled."""

    async def run():
        interruptible = Interruptible(wait([]))
        assert not interruptible.deliver(JobTimeout("before it has begun"))
        interruptible.close()

    asyncio.run(run())


def test_a_coroutine_that_is_dropped_never_runs_again():
    """Its task ends with its next step, and the code sees nothing of that."""
    seen = []

    async def run():
        interruptible = Interruptible(wait(seen))
        task = asyncio.ensure_future(interruptible)
        await asyncio.sleep(0)
        interruptible.drop()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert seen == []
