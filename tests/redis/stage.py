"""What tests of delayed and recurring jobs share: a job, delayed items of any writer, and schedulers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from pyresque import Scheduler, job
from pyresque.config import SchedulerOptions

FAR = 4000000000


class Stage:
    """A Resque with the job `Mail` (queue `mail`), and what lies in its Redis."""

    def __init__(self, resque, url):
        self.resque, self.url = resque, url
        self.redis = resque.link.execute

        @job(queue="mail", name="Mail", registry=resque.registry)
        def mail(*args):
            """A job that takes anything."""

        self.mail = mail

    def delay(self, epoch, *items):
        """Write delayed items as Ruby does, whatever they are."""
        for item in items:
            self.redis("RPUSH", f"resque:delayed:{epoch}", item)
            self.redis("SADD", b"resque:timestamps:" + item, f"delayed:{epoch}")
            self.redis("ZADD", "resque:delayed_queue_schedule", epoch, epoch)

    def queue(self, name):
        """The elements of a queue, as they are."""
        return self.redis("LRANGE", f"resque:queue:{name}", 0, -1)

    def aside(self, key):
        """What was put aside for a key."""
        return self.redis("LRANGE", f"resque:pyresque:aside:{key}", 0, -1)

    def keys(self):
        """The names of all keys, without the prefix, sorted."""
        return sorted(key.removeprefix(b"resque:").decode() for key in self.redis("KEYS", "*"))

    @contextmanager
    def scheduler(self, resque=None, **options):
        """A scheduler that runs in a thread for the length of a block."""
        more = {name: options.pop(name) for name in ("schedule", "schedule_file") if name in options}
        one = Scheduler(resque or self.resque, SchedulerOptions(**options), **more)
        thread = threading.Thread(target=one.run)
        thread.start()
        try:
            yield one
        finally:
            one.stop()
            thread.join(60)
            assert not thread.is_alive()


def until(true, what, seconds=60.0):
    """Wait until something is true; returns it."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.01)
    return answer
