"""`AsyncResque`: the verbs of `Resque`, awaited (docs/async-client.md).

There is one implementation of the rules, and it waits for Redis. So each call runs in a thread of a small
pool that belongs to this object, and the event loop goes on meanwhile. The connections are those of the
`Resque` inside, which threads may share.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, cast

from pyresque.client.info import WorkerInfo
from pyresque.client.job_handle import JobHandle, Progress, pauses, result_of
from pyresque.client.resque import Resque
from pyresque.config.server_setting import DEFAULT_SERVER
from pyresque.failure import Backend
from pyresque.model.job_types import (
    Answer,
    JobCall,
    dequeues,
    enqueues,
    enqueues_at,
    enqueues_to,
    enqueues_to_at,
    finds,
)
from pyresque.model.moments import Moment
from pyresque.model.registry import Registry, default_registry
from pyresque.usercode.safely import tried
from pyresque.wire.encoding import Style
from pyresque.wire.records import FailureRecord

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
Awaited: TypeAlias = Coroutine[Any, Any, T]
Enqueued: TypeAlias = "Answer[Awaited[Literal[True] | None], Awaited[AsyncJobHandle | None]]"
Delayed: TypeAlias = "Answer[Awaited[bool | None], Awaited[AsyncJobHandle | None]]"

THREADS = 4
"""Calls that wait for Redis at the same time; more wait for one of these."""


class AsyncResque:
    """A Resque for programs with an event loop, such as FastAPI: `await resque.enqueue(convert, 42)`.

    The verbs and their arguments are those of `Resque`. A call that is cancelled may have been carried out,
    or may be yet, as one whose connection broke.

    Hooks of jobs (before_enqueue ...) run in a thread, with the context variables of the caller; one that is
    `async def` has an event loop of its own there.

    Args:
        server, namespace, json_style, failure, failure_ids, registry: as for `Resque`.
        threads: how many calls may wait for Redis at the same time.
    """

    def __init__(
        self,
        server: str | redis.Redis = DEFAULT_SERVER,
        namespace: str | None = None,
        *,
        json_style: Style = "ruby",
        failure: Backend | None = None,
        failure_ids: bool = True,
        registry: Registry = default_registry,
        threads: int = THREADS,
    ) -> None:
        self._begin(
            Resque(
                server,
                namespace,
                json_style=json_style,
                failure=failure,
                failure_ids=failure_ids,
                registry=registry,
            ),
            threads,
        )

    @classmethod
    def of(cls, resque: Resque, threads: int = THREADS) -> Self:
        """One that does its work with this Resque; `close` closes that, too."""
        made = cls.__new__(cls)
        made._begin(resque, threads)
        return made

    def _begin(self, resque: Resque, threads: int) -> None:
        self.resque = resque
        """The Resque that does the work; what is called on it directly waits for Redis."""
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0
        self.failures = AsyncFailures(self)

    def __repr__(self) -> str:
        return f"<AsyncResque {self.resque.link.address} {self.resque.space.keys.namespace}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in one of the threads, for whatever has no verb here.

        `await resque.run(lambda: resque.resque.failures.requeue_all())`
        """
        pool = self._pool
        if pool is None or self._pid != os.getpid():  # the threads of another process are not here
            self._pid = os.getpid()
            pool = self._pool = ThreadPoolExecutor(self._threads, "pyresque")
        context = copy_context()
        # As a value, for a future cannot carry every exception: not StopIteration.
        call = asyncio.get_running_loop().run_in_executor(pool, context.run, tried, function, *args)
        result, error = await call
        if error is not None:
            raise error
        return cast("T", result)

    async def close(self) -> None:
        """Wait for the calls that are under way, and close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            await asyncio.get_running_loop().run_in_executor(None, pool.shutdown)
        self.resque.close()

    # --- enqueueing and delaying -----------------------------------------------------------------------

    @enqueues
    def enqueue(self, job: Any, *args: Any, **kwargs: Any) -> Enqueued:
        """Put a job on its queue; see `Resque.enqueue`."""
        return cast("Enqueued", self._enqueued(self.resque.enqueue, job, *args, **kwargs))

    @enqueues_to
    def enqueue_to(self, queue: str, job: Any, *args: Any, **kwargs: Any) -> Enqueued:
        """Like `enqueue`, on a queue of your choice."""
        return cast("Enqueued", self._enqueued(self.resque.enqueue_to, queue, job, *args, **kwargs))

    @enqueues_at
    def enqueue_at(self, moment: Moment, job: Any, /, *args: Any, **kwargs: Any) -> Delayed:
        """Put a job on its queue at this moment; see `Resque.enqueue_at`."""
        return cast("Delayed", self._enqueued(self.resque.enqueue_at, moment, job, *args, **kwargs))

    @enqueues_at
    def enqueue_in(self, delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any) -> Delayed:
        """Put a job on its queue after so many seconds, or a timedelta."""
        return cast("Delayed", self._enqueued(self.resque.enqueue_in, delay, job, *args, **kwargs))

    @enqueues_to_at
    def enqueue_at_with_queue(
        self, queue: str, moment: Moment, job: Any, /, *args: Any, **kwargs: Any
    ) -> Delayed:
        """Like `enqueue_at`, on a queue of your choice."""
        verb = self.resque.enqueue_at_with_queue
        return cast("Delayed", self._enqueued(verb, queue, moment, job, *args, **kwargs))

    @enqueues_to_at
    def enqueue_in_with_queue(
        self, queue: str, delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any
    ) -> Delayed:
        """Like `enqueue_in`, on a queue of your choice."""
        verb = self.resque.enqueue_in_with_queue
        return cast("Delayed", self._enqueued(verb, queue, delay, job, *args, **kwargs))

    async def enqueue_many(self, jobs: Iterable[JobCall], queue: str | None = None) -> int:
        """Enqueue many jobs in one round trip; see `Resque.enqueue_many`."""
        return await self.run(self.resque.enqueue_many, list(jobs), queue)

    @dequeues
    def dequeue(self, job: Any, *args: Any, queue: str | None = None, **kwargs: Any) -> Awaited[int | None]:
        """Remove a job from its queue; see `Resque.dequeue`."""
        return self._called(self.resque.dequeue, job, *args, queue=queue, **kwargs)

    @finds
    def remove_delayed(self, job: Any, /, *args: Any, **kwargs: Any) -> Awaited[int]:
        """Remove a delayed job; returns how many were removed."""
        return self._called(self.resque.remove_delayed, job, *args, **kwargs)

    @finds
    def is_delayed(self, job: Any, /, *args: Any, **kwargs: Any) -> Awaited[bool]:
        """Whether this job is delayed."""
        return self._called(self.resque.is_delayed, job, *args, **kwargs)

    @finds
    def scheduled_at(self, job: Any, /, *args: Any, **kwargs: Any) -> Awaited[list[int]]:
        """The seconds at which this job is due, in order."""
        return self._called(self.resque.scheduled_at, job, *args, **kwargs)

    def handle(self, job_id: str) -> AsyncJobHandle:
        """The handle of a job that was enqueued with `track=True`, by its id, whether it exists or not."""
        return AsyncJobHandle(self, self.resque.handle(job_id))

    # --- looking ---------------------------------------------------------------------------------------

    async def size(self, queue: str) -> int:
        """How many jobs wait in a queue."""
        return await self.run(self.resque.size, queue)

    async def queues(self) -> list[str]:
        """The names of all queues, sorted."""
        return await self.run(self.resque.queues)

    async def queue_sizes(self) -> dict[str, int]:
        """How many jobs wait in each queue."""
        return await self.run(self.resque.queue_sizes)

    async def peek(self, queue: str, start: int = 0, count: int = 1) -> list[Any]:
        """Look at jobs of a queue; see `Resque.peek`."""
        return await self.run(self.resque.peek, queue, start, count)

    async def info(self) -> dict[str, Any]:
        """The numbers that Ruby's `Resque.info` gives."""
        return await self.run(self.resque.info)

    async def workers(self) -> list[WorkerInfo]:
        """Every registered worker, of either language, sorted by id."""
        return await self.run(self.resque.workers)

    async def stat(self, name: str) -> int:
        """A counter: `processed` or `failed`."""
        return await self.run(self.resque.stat, name)

    async def _called(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.run(lambda: verb(*args, **kwargs))

    async def _enqueued(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = await self._called(verb, *args, **kwargs)
        return AsyncJobHandle(self, answer) if isinstance(answer, JobHandle) else answer


class AsyncFailures:
    """What there is to see and do about failures; for more use `AsyncResque.run`."""

    def __init__(self, resque: AsyncResque) -> None:
        self._resque = resque

    async def count(self) -> int:
        """How many failures there are, in all lists."""
        return await self._resque.run(self._resque.resque.failures.count)

    async def list(self, offset: int = 0, limit: int | None = 20) -> Sequence[FailureRecord]:
        """Failures from `offset` on, oldest first."""
        return await self._resque.run(self._resque.resque.failures.list, offset, limit)

    async def find(self, record_id: str) -> FailureRecord | None:
        """The failure with this failure_id, or with an id that alone begins so."""
        return await self._resque.run(self._resque.resque.failures.find, record_id)

    async def requeue(self, failure: str | FailureRecord) -> bool:
        """Put the job of a failure back on its queue; False if there is no such failure."""
        return await self._resque.run(self._resque.resque.failures.requeue, failure)

    async def remove(self, failure: str | FailureRecord) -> bool:
        """Remove a failure; False if there is no such failure."""
        return await self._resque.run(self._resque.resque.failures.remove, failure)


class AsyncJobHandle:
    """One tracked job; as `JobHandle`, but that what asks Redis is awaited: `await handle.status()`."""

    def __init__(self, resque: AsyncResque, handle: JobHandle) -> None:
        self._resque, self._handle = resque, handle
        self.id = handle.id

    def __repr__(self) -> str:
        return f"<AsyncJobHandle {self.id}>"

    async def status(self) -> str:
        """See `JobHandle.status`."""
        return await self._resque.run(lambda: self._handle.status)

    async def progress(self) -> Progress:
        """How far the job is, as it says itself."""
        return await self._resque.run(lambda: self._handle.progress)

    async def cancel(self) -> bool:
        """Let the job end; False if it is over already, or unknown."""
        return await self._resque.run(self._handle.cancel)

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; whether it is. No thread is held meanwhile."""
        return await self._outcome(timeout) is not None

    async def result(self, timeout: float | None = None) -> Any:
        """Wait until the job is over; returns what its function returned; see `JobHandle.result`."""
        return result_of(self.id, await self._outcome(timeout), timeout)

    async def _outcome(self, timeout: float | None) -> dict[str, Any] | None:
        value = await self._resque.run(self._handle.outcome)
        for pause in pauses(timeout) if value is None else ():
            await asyncio.sleep(pause)
            value = await self._resque.run(self._handle.outcome)
            if value is not None:
                break
        return value
