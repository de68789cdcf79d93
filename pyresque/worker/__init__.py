"""A worker: one process that takes jobs and runs each in a child."""

from pyresque.model.job_tags import JobFilter
from pyresque.worker.loop import Worker

__all__ = ["JobFilter", "Worker"]
