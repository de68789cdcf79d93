"""The jobs and workers that are measured: `python benchmarks/peers.py WHAT`."""

from __future__ import annotations

import os
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
JOBS = int(os.environ.get("BENCH_JOBS", "0"))
WHAT = sys.argv[1] if __name__ == "__main__" else ""


def note(_number: int = 0) -> None:
    """What every system's job does: write down when it ran."""
    file = os.open(os.environ["BENCH_OUT"], os.O_WRONLY | os.O_APPEND)
    os.write(file, struct.pack("<d", time.time()))
    os.close(file)


def pyresque(mode: str) -> None:
    """Our own worker."""
    from pyresque import Resque, Worker, job
    from pyresque.config import WorkerOptions

    convert = job(queue="jobs", name="BenchJob")(note)
    resque = Resque(URL)
    if mode == "fill":
        resque.enqueue_many([(convert, number) for number in range(JOBS)])
        return
    options = WorkerOptions(fork_per_job=mode != "nofork", jobs_per_fork=10 if mode == "fork10" else 1)
    Worker(resque, ["jobs"], options).work(interval=0)


def rq(mode: str) -> None:
    """RQ."""
    import redis
    from peers import note as job
    from rq import Queue, SimpleWorker, Worker

    connection = redis.Redis.from_url(URL)
    queue = Queue(connection=connection)
    if mode == "rq-fill":
        for number in range(JOBS):
            queue.enqueue(job, number)
        return
    kind = SimpleWorker if mode == "rq-simple" else Worker
    kind([queue], connection=connection).work(burst=True, logging_level="ERROR")


def huey(mode: str) -> None:
    """Huey."""
    from huey import RedisHuey

    app = RedisHuey("bench", url=URL, results=False)
    task = app.task(name="note")(note)
    if mode == "huey-fill":
        for number in range(JOBS):
            task(number)
        return
    app.create_consumer(workers=1, worker_type="process", periodic=False).run()


def celery(mode: str) -> None:
    """Celery."""
    from celery import Celery

    app = Celery("bench", broker=URL)
    app.conf.task_ignore_result = True
    task = app.task(name="note")(note)
    if mode == "celery-fill":
        for number in range(JOBS):
            task.delay(number)
        return
    app.worker_main(["worker", "--pool=solo", "--loglevel=ERROR", "--without-gossip", "--without-mingle"])


if __name__ == "__main__":
    for prefix, run in (("rq", rq), ("huey", huey), ("celery", celery), ("", pyresque)):
        if WHAT.startswith(prefix):
            run(WHAT)
            break
