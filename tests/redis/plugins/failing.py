"""The failing job of the tests of Retry, and what is looked at afterwards."""

from __future__ import annotations

import hashlib
from typing import Any

from pyresque import Resque, Retry, job

COUNTER = "resque:resque-retry:Fails:" + hashlib.sha1(b"1").hexdigest()


def note(resque: Resque, text: object) -> None:
    resque.link.execute("RPUSH", "seen", str(text))


def seen(resque: Resque) -> list[str]:
    return [text.decode() for text in resque.link.execute("LRANGE", "seen", 0, -1)]


def value(resque: Resque, key: str = COUNTER) -> str | None:
    raw = resque.link.execute("GET", key)
    return None if raw is None else raw.decode()


def failing(resque: Resque, retry: Retry, error: type[BaseException] = ValueError, **settings: Any) -> Any:
    """A job that notes what its counter says, and fails as often as the key `fails` says (else for ever)."""

    @job(queue="q", name="Fails", retry=retry, registry=resque.registry, **settings)
    def fails(*args: Any) -> None:
        note(resque, value(resque))
        left = value(resque, "fails")
        if left is None or resque.link.execute("DECR", "fails") >= 0:
            raise error("nope")

    return fails


def delayed(resque: Resque) -> dict[str, list[bytes]]:
    """The delayed jobs by their keys."""
    keys = resque.link.execute("KEYS", "resque:delayed:*")
    return {key.decode(): resque.link.execute("LRANGE", key, 0, -1) for key in keys}


def errors(resque: Resque) -> list[str | None]:
    return [one.text("exception") for one in resque.failures.list()]
