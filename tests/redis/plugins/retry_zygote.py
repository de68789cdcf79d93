"""`tests.chaos.zygote` with jobs that are retried: `python -m tests.redis.plugins.retry_zygote FOLDER`."""

from __future__ import annotations

import os
import signal
import time

from pyresque import Retry, job
from tests.chaos import zygote


@job(queue="jobs", name="Raises", retry=Retry(limit=2), registry=zygote.REGISTRY)
def raises(number: int) -> None:
    """Fails each time."""
    zygote.note_job("begin", number)
    raise ValueError(f"attempt at {number}")


@job(queue="jobs", name="Dies", retry=Retry(limit=1, quiet=True), registry=zygote.REGISTRY)
def dies(number: int) -> None:
    """Its process dies each time."""
    zygote.note_job("begin", number)
    os.kill(os.getpid(), signal.SIGKILL)


@job(queue="jobs", name="Quiet", retry=Retry(limit=2, quiet=True), registry=zygote.REGISTRY)
def quiet(number: int) -> None:
    """Fails each time, after a moment."""
    zygote.note_job("begin", number)
    time.sleep(0.004)
    raise ValueError(f"attempt at {number}")


@job(queue="jobs", name="Later", retry=Retry(limit=2, backoff=600), registry=zygote.REGISTRY)
def later(number: int) -> None:
    """Fails, and is to be run again in ten minutes."""
    zygote.note_job("begin", number)
    raise ValueError(f"attempt at {number}")


if __name__ == "__main__":
    zygote.main()
