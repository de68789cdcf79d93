"""The event loop that the jobs of a process share, where they need one."""

import asyncio
import subprocess
import sys

from pyresque.worker.lazy_job_loop import LazyJobLoop


async def loop_of_job():
    return asyncio.get_running_loop()


def test_all_jobs_run_on_one_loop():
    loop = LazyJobLoop(None)
    try:
        first, second = loop.run(loop_of_job()), loop.run(loop_of_job())
    finally:
        loop.close()
    assert first is second
    assert first.is_closed()


def test_one_that_nobody_has_asked_for_is_closed_at_no_cost():
    loop = LazyJobLoop(None)
    loop.offer()
    loop.close()


def test_asyncio_is_not_imported_for_jobs_that_do_not_use_it():
    code = (
        "import sys; from pyresque.worker.lazy_job_loop import LazyJobLoop as L; loop = L(None); "
        "loop.offer(); L.preload(); loop.close(); sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
