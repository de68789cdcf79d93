"""The Python counterparts of interop/ruby/jobs.rb, for the demo and the interop tests.

They leave the same evidence: one JSON object per performed job in the list `interop:done` (and, for one that
takes its time, in `interop:started`) under Resque's namespace, with "lang": "python".
"""

import json
import os
import time
from typing import Any

from redis import Redis

from pyresque import job


def _leave(class_name: str, args: tuple[Any, ...], where: str = "done") -> None:
    note = {"class": class_name, "args": args, "lang": "python", "pid": os.getpid()}
    redis_url = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
    namespace = os.environ.get("RESQUE_NAMESPACE", "resque")
    with Redis.from_url(redis_url) as redis:
        redis.rpush(
            f"{namespace}:interop:{where}", json.dumps(note, ensure_ascii=False, separators=(",", ":"))
        )


@job(queue="python", name="PyEcho")
def py_echo(*args: Any) -> None:
    """No Ruby process knows it; Ruby's worker of the demo does not look at its queue."""
    _leave("PyEcho", args)


@job(queue="shared", name="SharedJob")
def shared(*args: Any) -> None:
    """Both languages have it: whoever is first performs it."""
    _leave("SharedJob", args)


@job(queue="python", name="PyFail")
def py_fail(*args: Any) -> None:
    """Leave a failure record that Ruby's dashboard shows."""
    raise ValueError(f"boom {list(args)!r}")


@job(queue="python", name="PySleep")
def py_sleep(seconds: float) -> None:
    """Long enough to be at work when its worker is told to leave."""
    _leave("PySleep", (seconds,), "started")
    time.sleep(seconds)
    _leave("PySleep", (seconds,))
