"""The job of the tests of Lock and Loner, and the keys of its arguments 1 and a."""

from __future__ import annotations

from typing import Any

from pyresque import Resque, job
from tests.redis.plugins.failing import note, value

LOCK, LONER = "resque:lock:Exclusive:1-a", "resque:loner:lock:Exclusive:1-a"
PAST, FUTURE = "1000000000", "4000000000"  # 2001 and 2096


def exclusive(resque: Resque, *plugins: Any, body: Any = None) -> Any:
    """A job that notes what its keys hold while it runs."""

    @job(queue="q", name="Exclusive", plugins=plugins, registry=resque.registry)
    def run(*args: Any) -> None:
        note(resque, f"lock {value(resque, LOCK)}")
        if body is not None:
            body()

    return run


def left(resque: Resque) -> set[str]:
    """The keys of locks."""
    keys = {key.decode() for key in resque.link.execute("KEYS", "*")}
    return {key for key in keys if "lock" in key}
