"""Jobs with code of their own, for the schedulers of test_scheduler: Python looks at such jobs one by one."""

import os
import sys
import time

from pyresque import Resque, job

BEGAN = "began"
"""The list of what the code below was called with, each with the process that it ran in."""


@job(queue="jobs", name="Hooked")
class Hooked:
    """Does nothing."""

    @staticmethod
    def perform(*args: object) -> None:
        """Do nothing."""

    @staticmethod
    def before_enqueue(*args: object) -> None:
        """Ask for being looked at."""


@job(queue="jobs", name="Custom")
class Custom:
    """Puts itself on its queue."""

    resque = Resque(os.environ.get("REDIS_URL", "redis://localhost"))

    @staticmethod
    def perform(*args: object) -> None:
        """Do nothing."""

    @classmethod
    def scheduled(cls, queue: str, name: str, number: int) -> None:
        """Take a moment for it, so that a kill finds it."""
        cls.resque.link.execute("RPUSH", BEGAN, f"{number} {os.getpid()}")
        time.sleep(0.002)
        cls.resque.push(queue, {"class": name, "args": [number]})


@job(queue="jobs", name="Exits")
class Exits:
    """Ends whatever process enqueues it, if that lets it."""

    @staticmethod
    def perform(*args: object) -> None:
        """Do nothing."""

    @staticmethod
    def before_enqueue(*args: object) -> None:
        """Exit, as a careless library does."""
        sys.exit(1)
