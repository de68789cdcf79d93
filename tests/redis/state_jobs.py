"""Jobs that look at what their process has of its own, for test_process_state.py: they write to `log`."""

import asyncio
import atexit
import os
import sys
import tempfile
import threading
import time

from pyresque import hooks, job


def note(*words):
    with open("log", "ab", buffering=0) as log:
        log.write((" ".join(map(str, words)) + "\n").encode())


FOLDER = tempfile.TemporaryDirectory(dir=".")
atexit.register(note, "at exit")
hooks.before_first_fork(lambda: atexit.register(note, "own at exit", os.getpid()))

if os.environ.get("THREAD"):
    threading.Thread(target=time.sleep, args=[3600], name=os.environ["THREAD"], daemon=True).start()


@job(queue="q", name="Looks")
def looks():
    random = sys.modules.get("numpy.random")
    note("folder", os.path.isdir(FOLDER.name))
    if random is not None:
        note("random", random.rand())


@job(queue="q", name="Uses")
async def uses():
    note("loop", os.getpid(), id(asyncio.get_running_loop()))
    await asyncio.sleep(0)


@job(queue="q", name="HookedLoop")
class HookedLoop:
    @staticmethod
    async def before_perform():
        note("loop", os.getpid(), id(asyncio.get_running_loop()))

    @staticmethod
    async def perform():
        note("loop", os.getpid(), id(asyncio.get_running_loop()))
        await asyncio.to_thread(lambda: None)


@job(queue="q", name="Current")
def current():
    asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))


@job(queue="q", name="Runs")
def runs():
    asyncio.run(asyncio.sleep(0))


@job(queue="q", name="Stops")
async def stops():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(3600)


@job(queue="q", name="Closes")
async def closes():
    os.closerange(3, 4096)


async def endless():
    try:
        await asyncio.sleep(3600)
    finally:
        note("left cancelled")


KEPT = []


async def numbers():
    try:
        for number in range(10):
            yield number
    finally:
        await asyncio.sleep(0.01)
        note("left closed")


@job(queue="q", name="Leaves")
async def leaves():
    KEPT.append(asyncio.create_task(endless()))
    KEPT.append(numbers())
    await anext(KEPT[-1])
    asyncio.get_running_loop().run_in_executor(None, lambda: (time.sleep(0.05), note("left thread")))
    await asyncio.sleep(0)
