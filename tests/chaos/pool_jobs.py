"""The job that the pool of test_supervisor runs."""

import os
import time

from pyresque import job


@job(queue="jobs", name="Pooled")
def pooled(number: int, pause: float) -> None:
    """Write down that it begins and that it has ended."""
    with open(os.environ["POOL_LOG"], "ab", buffering=0) as log:
        log.write(f"begin {number}\n".encode())
        time.sleep(pause)
        log.write(f"end {number}\n".encode())
