"""The job that the pool of test_supervisor runs."""

import asyncio
import os
import time

from pyresque import job


@job(queue="jobs", name="Pooled")
def pooled(number: int, pause: float) -> None:
    """Write down that it begins and that it has ended."""
    with open(os.environ["POOL_LOG"], "ab", buffering=0) as log:
        who = f"{os.getpid()}/{os.getppid()}"
        log.write(f"begin {number} {who} {time.time():.6f}\n".encode())
        time.sleep(pause)
        log.write(f"end {number} {who} {time.time():.6f}\n".encode())


@job(queue="jobs", name="PooledAsync")
async def pooled_async(number: int, pause: float) -> None:
    """The same on an event loop."""
    with open(os.environ["POOL_LOG"], "ab", buffering=0) as log:
        who = f"{os.getpid()}/{os.getppid()}"
        log.write(f"begin {number} {who} {time.time():.6f}\n".encode())
        await asyncio.sleep(pause)
        log.write(f"end {number} {who} {time.time():.6f}\n".encode())
