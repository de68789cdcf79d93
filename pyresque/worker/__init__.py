"""A worker: one process that takes jobs and runs each in a child."""

from pyresque.worker.loop import Worker

__all__ = ["Worker"]
