"""A worker process for the traces: `python -m tests.interop.traces.worker`.

It reads Ruby's environment variables through `Config.from_env`; what Ruby sets by code comes as TRACE_*:
TRACE_REDIS (the server), TRACE_BEGUN (a file that a job makes), TRACE_BACKENDS (names for Multiple),
TRACE_HEARTBEAT (seconds), TRACE_FAILURE_IDS=off, TRACE_UNKNOWN (leave, fail, park=QUEUE).
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace

from pyresque import Resque, Worker, failure
from pyresque.config import Config, Unknown
from pyresque.failure import Backend, Multiple, backend_named
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from tests.interop.traces import jobs


def main() -> None:
    """Work as the environment says."""
    logging.basicConfig(format="%(message)s")
    env = os.environ
    config = Config.from_env(env)
    registry = Registry(WorkerHooks())
    jobs.register(registry)
    resque = Resque(
        env["TRACE_REDIS"],
        failure=_backend(env.get("TRACE_BACKENDS", ""), config.failure_backend),
        failure_ids=env.get("TRACE_FAILURE_IDS") != "off",
        registry=registry,
    )
    options = replace(
        config.worker,
        heartbeat_interval=float(env.get("TRACE_HEARTBEAT", "60")),
        unknown=Unknown.parse(env.get("TRACE_UNKNOWN", "leave")),
    )
    Worker(resque, config.queues or (), options).work()


def _backend(several: str, one: str) -> Backend:
    if not several:
        return backend_named(one)
    return Multiple(*((getattr(failure, name, None) or getattr(jobs, name))() for name in several.split(",")))


if __name__ == "__main__":
    main()
