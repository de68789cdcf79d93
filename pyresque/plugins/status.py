"""Statuses: how far a job is, where anybody can see it, on the keys of resque-status.

See docs/protocol/core.md#resque-status.
"""

from __future__ import annotations

import time
import uuid as uuids
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyresque.errors import InvalidJob, JobCancelled, MalformedPayload, RedisError
from pyresque.failure.describe import whole_message
from pyresque.log import Log
from pyresque.plugins.job_of_plugin import class_of
from pyresque.store import statuses
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.encoding import decode, encode
from pyresque.wire.ruby_inspect import inspect

if TYPE_CHECKING:
    from pyresque.client.resque import Resque
    from pyresque.model.job_types import AnyJob

logger = Log("pyresque.plugins")

QUEUE = "statused"
"""Where jobs go whose class names no queue, as in Ruby."""


class Killed(JobCancelled):
    """Raised inside a job that somebody has killed, when it next says how far it is."""


_current: ContextVar[Status] = ContextVar("pyresque_status")


def current_status() -> Status:
    """The status of the job that is running.

    Raises:
        LookupError: the job has no status: it was not enqueued with `track=True`, and is not one with
            `plugins=[Statuses(...)]`.
    """
    return _current.get()


def entered(status: Status) -> Callable[[], None]:
    """Let this be the status of the job that runs from now on; returns what ends that."""
    before = _current.set(status)
    return lambda: _current.reset(before)


class StoredStatuses:
    """Statuses as they are stored, by their UUIDs.

    Args:
        space: where they are.
        expire_in: seconds after which a status that nobody writes any more is forgotten.
    """

    def __init__(self, space: Space, expire_in: int | None = None) -> None:
        self._space, self._expire_in = space, expire_in

    def get(self, uuid: str) -> dict[str, Any] | None:
        """A status as Ruby and we write it: time, status, uuid, options, name, num, total, message ..."""
        return _read(statuses.read(self._space, uuid))

    def kill(self, uuid: str) -> None:
        """Let a job end when it next says how far it is."""
        statuses.kill(self._space, uuid)

    def spare(self, uuid: str) -> None:
        """Take back a `kill`."""
        statuses.spare(self._space, uuid)

    def is_to_be_killed(self, uuid: str) -> bool:
        """Whether somebody wants the job to end."""
        return statuses.is_to_be_killed(self._space, uuid)

    def remove(self, uuid: str) -> None:
        """Forget a status."""
        statuses.remove(self._space, uuid)

    def update(self, uuid: str, values: dict[str, Any]) -> None:
        """Write values into a status, beside what it holds."""
        base = {"time": int(time.time()), "status": "queued", "uuid": uuid}
        self._write(uuid, {**(self.get(uuid) or base), **values})

    def _write(self, uuid: str, value: dict[str, Any]) -> None:
        statuses.write(self._space, uuid, encode(value, self._space.style), self._expire_in)


@dataclass(frozen=True)
class Status:
    """The status of one job, from inside it."""

    statuses: StoredStatuses
    uuid: str
    name: str
    said: dict[str, Any] = field(default_factory=dict, compare=False)
    """The state and message that were set last."""

    def at(self, num: float, total: float, message: str | None = None, **more: Any) -> None:
        """Say how far the job is: `at(3, 10, "third of ten")`.

        Raises:
            Killed: somebody has killed the job; let it pass.
        """
        if total <= 0:
            raise ValueError(f"a job cannot be at {num} of {total}: the total must be more than 0")
        self.tick(message, num=num, total=total, **more)

    def tick(self, message: str | None = None, **more: Any) -> None:
        """Say something about the job, and see whether it is to end (Killed).

        Where Redis cannot be asked the job goes on; the next time it is asked again.
        """
        with _only_told(self.uuid):
            if not self.statuses.is_to_be_killed(self.uuid):
                self.set("working", message, **more)
                return
            raise Killed(f"job {self.uuid} was killed")

    def completed(self, message: str | None = None, **more: Any) -> None:
        """Say that the job is done; it is said anyway when it returns."""
        self.set("completed", message or f"Completed at {times.started(time.time())}", **more)

    def failed(self, message: str) -> None:
        """Say that the job has failed, though it may return without an exception."""
        self.set("failed", message)

    def killed(self) -> None:
        """Say that the job has ended because it was killed."""
        self.set("killed", f"Killed at {times.started(time.time())}")
        self.statuses.spare(self.uuid)

    def set(self, state: str, message: str | None = None, **more: Any) -> None:
        """Write a state and whatever else there is to say."""
        text = {} if message is None else {"message": message}
        self.said.update({"status": state}, **text)
        self.statuses.update(self.uuid, {"status": state, "name": self.name, **more, **text})

    @property
    def value(self) -> dict[str, Any]:
        """The status as it is stored now."""
        return self.statuses.get(self.uuid) or {}


class Statuses(StoredStatuses):
    """The plugin for a job with a status, and the place where statuses are looked at.

    `statuses = Statuses(resque)`, then `@job(plugins=[statuses])`: one for each job; all look at the same.
    The job takes two arguments, its UUID and its options: `def crunch(uuid: str, options: dict)`.

    Args:
        resque: where they are.
        expire_in: seconds after which a status that nobody writes any more is forgotten.
    """

    def __init__(self, resque: Resque, expire_in: int | None = None) -> None:
        if expire_in is not None and (type(expire_in) is not int or expire_in < 1):
            raise InvalidJob(f"Statuses: expire_in={expire_in!r} must be whole seconds, 1 or more")
        super().__init__(resque.space, expire_in)
        self._resque = resque

    def create(self, job: AnyJob, **options: Any) -> str | None:
        """Enqueue a job with a status.

        Args:
            job: a registered function or class, or the class name of a job of Ruby's.
            options: the job's options.

        Returns:
            Its UUID; None if a before_enqueue hook refused it.
        """
        registered = None if isinstance(job, str) else self._resque.registry.of(job)
        return self._create((registered and registered.queue) or QUEUE, job, options)

    def is_scheduled(self, args: Sequence[Any]) -> bool:
        """Whether a scheduled job has no status yet; one with a UUID is a retry, and goes back as it is."""
        return not (args and isinstance(args[0], str))

    def scheduled(self, queue: str, class_name: str, *args: Any) -> str | None:
        """Enqueue a delayed or recurring job that is due, with a status; its arguments are its options.

        Raises:
            InvalidJob: there is more, or something else than an object.
        """
        options = args[0] if args else {}
        if len(args) > 1 or not isinstance(options, dict):
            raise InvalidJob(f"a scheduled {class_name} with a status takes its options, an object: {args!r}")
        # Of this job, whatever class an entry with custom_job_class names: in Ruby `scheduled` enqueues self.
        return self._create(queue, class_of(self, self._resque), options)

    def _create(self, queue: str, job: Any, options: dict[str, Any]) -> str | None:
        uuid, now = uuids.uuid4().hex, int(time.time())
        try:
            enqueued = self._enqueued(uuid, now, queue, job, options)
        except BaseException as error:
            if not getattr(error, "maybe_done", False):  # else the job may be there
                with _only_told(uuid):
                    self.remove(uuid)
            raise
        if not enqueued:
            self.remove(uuid)
            return None
        return uuid

    def _enqueued(self, uuid: str, now: int, queue: str, job: Any, options: dict[str, Any]) -> bool:
        self._write(uuid, {"time": now, "status": "queued", "uuid": uuid, "options": options})
        statuses.add(self._space, uuid, now)
        if self._expire_in is not None:
            statuses.remove_until(self._space, now - self._expire_in)
        return self._resque.enqueue_to(queue, job, uuid, options) is True

    def list(self, start: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        """Statuses, the newest first; those that have expired are left out."""
        values = map(_read, statuses.newest(self._space, start, count))
        return [value for value in values if value is not None]

    def around_perform_status(self, *args: Any) -> Iterator[None]:
        """Say that the job works, that it is done, or that it was killed.

        A status that cannot be written is not a failure of the job, least of all when it is done.
        """
        if not args or not isinstance(args[0], str):
            yield  # there is nobody to say it to, and the job says what is wrong with its arguments
            return
        uuid, options = args[0], args[1:]
        status = self._status(uuid, options)
        leave = entered(status)
        try:
            with _only_told(uuid):
                status.set("working")
            yield
        except Killed:
            with _only_told(uuid):
                status.killed()
            return
        finally:
            leave()
        with _only_told(uuid):
            if status.value.get("status") not in ("failed", "completed"):
                status.completed()

    def on_failure_status(self, error: BaseException, *args: Any) -> None:
        """Say that the job has failed; also for one whose process was killed."""
        if not args or not isinstance(args[0], str):
            return
        with _only_told(args[0]):
            message = f"The task failed because of an error: {whole_message(error)}"
            self._status(args[0], args[1:]).failed(message)

    def _status(self, uuid: str, options: tuple[Any, ...]) -> Status:
        given = inspect(options[0]) if options and options[0] else ""
        return Status(self, uuid, f"{class_of(self, self._resque)}({given})")


@contextmanager
def _only_told(uuid: str) -> Iterator[None]:
    """What keeps Redis from telling or noting a status stops nothing else."""
    try:
        yield
    except RedisError as trouble:
        logger.warning("the status of %s can neither be read nor written now: %s", uuid, trouble)


def _read(raw: bytes | None) -> dict[str, Any] | None:
    if raw is None:
        return None
    try:
        value = decode(raw)
    except MalformedPayload:
        return None
    return value if isinstance(value, dict) else None
