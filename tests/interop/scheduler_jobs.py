"""The job of test_live_scheduler.py, as our scheduler process imports it."""

from pyresque import job


@job(queue="mail", name="RubyMail")
def mail(*args: object) -> None:
    """A job that takes anything."""
