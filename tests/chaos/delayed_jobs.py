"""A job with hooks, for the schedulers of test_scheduler: Python looks at such jobs one by one."""

from pyresque import job


@job(queue="jobs", name="Hooked")
class Hooked:
    """Does nothing."""

    @staticmethod
    def perform(*args: object) -> None:
        """Do nothing."""

    @staticmethod
    def before_enqueue(*args: object) -> None:
        """Ask for being looked at."""
