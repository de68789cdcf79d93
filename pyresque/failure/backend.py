"""What a failure is, and what every failure backend can do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pyresque.errors import BackendError
from pyresque.failure.shortening import cleaned, shortened, shortened_lines
from pyresque.keys import Keys
from pyresque.log import Log
from pyresque.store.connection.link import Command, as_bytes
from pyresque.usercode.safely import name_of, tried
from pyresque.wire import times
from pyresque.wire.aside_links import KEY
from pyresque.wire.encoding import Style, encode

logger = Log("pyresque.failure")


@dataclass(frozen=True)
class Failure:
    """One failed job.

    `exception` is the class name as recorded, `payload` the job as JSON bytes, `worker` the worker's id,
    `queue` None where it is not known, `failure_id` None where it has none, `failed_at` seconds since the
    epoch, `aside` a link to bytes that were put aside (wire/aside_links.py).
    """

    payload: bytes
    exception: str
    error: str
    backtrace: Sequence[str]
    worker: str
    queue: str | None
    failure_id: str | None = None
    failed_at: float = field(default_factory=time.time)
    aside: str | None = None

    def record(self, style: Style = "ruby") -> bytes:
        """The record as Ruby writes it: the payload is spliced in as it is.

        See docs/protocol/core.md#the-failure-record.
        """
        before = encode({"failed_at": times.failed_at(self.failed_at)}, style)
        after = {
            "exception": shortened(self.exception),
            "error": shortened(self.error),
            "backtrace": shortened_lines(self.backtrace),
            "worker": cleaned(self.worker),
            "queue": None if self.queue is None else cleaned(self.queue),
        }
        if self.failure_id is not None:
            after["failure_id"] = self.failure_id
        if self.aside is not None:
            after[KEY] = self.aside
        return before[:-1] + b',"payload":' + self.payload + b"," + encode(after, style)[1:]

    def short(self) -> Failure:
        """The least that tells of it, for a Redis that does not take more."""
        text = f"{shortened(self.error, 2_000)}\n(The rest is left out: Redis did not take the whole record)"
        return replace(self, exception=shortened(self.exception, 200), error=text, backtrace=[])


class Backend:
    """A failure backend. Write `save` in a subclass; the two of Redis write `effects` instead.

    A failure whose backends all fail (or know no place for it) is recorded in the list `failed`, so that
    no failed job is ever without a record.
    """

    def save(self, failure: Failure) -> None:
        """Record a failure somewhere. Called in the process of the job, or in the worker if that died."""

    def effects(self, failure: Failure, keys: Keys, style: Style) -> list[Command]:  # noqa: ARG002 (none here)
        """The Redis commands that record the failure; they run in one step with the end of the job."""
        return []


def effects_of(backend: Backend, failure: Failure, keys: Keys, style: Style) -> list[Command] | None:
    """What a backend wants done in Redis; None where it cannot tell, which is said in the log."""
    effects, error = tried(lambda: [_command(words) for words in backend.effects(failure, keys, style)])
    if effects is None:
        logger.error("a %s cannot tell how to record a failure", name_of(type(backend)), exc_info=error)
    return effects


def _command(words: Command) -> Command:
    """The command, if it can be sent.

    Raises:
        BackendError: it cannot.
    """
    command = () if isinstance(words, (str, bytes)) else tuple(words)
    for word in command:
        if not issubclass(type(word), (bytes, str, int, float)):
            raise BackendError(
                f"a word of a command of Redis is a {name_of(type(word))}, and no text or number"
            )
        as_bytes(word)
    if not command:
        raise BackendError("a command of Redis is a sequence of words, as in ('RPUSH', key, value)")
    return command
