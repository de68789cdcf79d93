"""Resque: the verbs that a user calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, overload

from pyresque.client.delaying import Delaying
from pyresque.client.failures import Failures
from pyresque.client.info import WorkerInfo, resque_info, worker_infos
from pyresque.client.scheduling import Scheduling
from pyresque.config.server import DEFAULT_SERVER, parse_server
from pyresque.errors import ConfigError, MalformedPayload, NotAJob
from pyresque.failure import Backend, Redis
from pyresque.failure.multiple import keeps_lists_per_queue
from pyresque.keys import Keys
from pyresque.model.enqueueing import Call, push_calls, queue_for, registered_job
from pyresque.model.registry import Registry, default_registry
from pyresque.store import queues, stats
from pyresque.store.connection.link import DirectLink, PatientLink
from pyresque.store.connection.socket_link import SocketLink
from pyresque.store.space import Space
from pyresque.usercode.safely import is_by_signal, plain_name
from pyresque.wire.encoding import Style, encode, same
from pyresque.wire.records import Payload, job_bytes

if TYPE_CHECKING:
    import redis

P = ParamSpec("P")


class Performs(Protocol[P]):
    """What a job class makes: `perform` takes these arguments, be it static, a class method or neither."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> object:
        """Run the job."""


class JobFunction(Protocol[P]):
    """A function that takes these arguments; the code tells it from a class, which can be called too."""

    __code__: CodeType

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> object:
        """Run the job."""


class Resque(Delaying, Scheduling):
    """One Resque: the jobs, workers and failures of one Redis and namespace.

    Args:
        server: a URL (`redis://`, `rediss://`, `unix://`), `host:port[:db][/namespace]` as in Ruby, or a
            redis-py client whose server is to be used (through connections of our own).
        namespace: prefix of every key; `resque` unless the server setting names one.
        json_style: how the Ruby side writes JSON, for those who compare bytes there (docs/json-styles.md).
        failure: where failures go; `Redis()` unless another backend is given.
        failure_ids: whether failures get a failure_id, as Resque since 3.1 writes it.
        registry: the jobs; what `@job` registered unless another one is given.

    Raises:
        ConfigError: the server setting cannot be read, or `failure` is no backend.
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
    ) -> None:
        if isinstance(server, str):
            setting = parse_server(server)
            self.link: DirectLink = SocketLink(setting.url)
            namespace = setting.namespace if namespace is None else namespace
        else:
            from pyresque.store.connection.redispy_link import (
                RedisPyLink,  # only for those who have imported redis-py
            )

            if not hasattr(server, "connection_pool"):  # None, where os.environ.get() found no variable
                raise ConfigError(
                    f"{server!r} is no Redis server: give a URL such as redis://localhost:6379/0"
                )
            self.link = RedisPyLink(server)
        if failure is not None and not isinstance(failure, Backend):
            raise ConfigError(
                f"failure={failure!r} is no failure backend: give an object, as in failure=Redis()"
            )
        keys = Keys("resque" if namespace is None else namespace)
        self.space = Space(PatientLink(self.link), keys, json_style)
        self.failure_backend = failure or Redis()
        self.failure_ids = failure_ids
        self.registry = registry
        self.local_schedule: dict[str, Any] = {}
        self._receiver: Callable[[str, bytes], None] | None = None
        self.failures = Failures(self.space, keeps_lists_per_queue(self.failure_backend), registry)

    def __repr__(self) -> str:
        return f"<Resque {self.link.address} {self.space.keys.namespace}>"

    @overload
    def enqueue(self, job: str, *args: Any, queue: str) -> Literal[True] | None: ...
    @overload
    def enqueue(self, job: type[Performs[P]], *args: P.args, **kwargs: P.kwargs) -> Literal[True] | None: ...
    @overload
    def enqueue(self, job: JobFunction[P], *args: P.args, **kwargs: P.kwargs) -> Literal[True] | None: ...
    @overload
    def enqueue(self, job: partial[Any], *args: Any, **kwargs: Any) -> Literal[True] | None: ...
    def enqueue(self, job: Any, *args: Any, **kwargs: Any) -> Literal[True] | None:
        """Put a job on its queue, with its enqueue hooks (docs/protocol/core.md#client-operations).

        `job` is a registered function or class, or the class name of a job that only Ruby knows; a name
        needs `queue=`. Keyword arguments of a registered job become positions, those that cannot be any a
        hash behind them. Arguments may be whatever the annotations say, such as a UUID or a dataclass.

        Returns:
            True; None if a before_enqueue hook returned False.

        Raises:
            NotAJob: it cannot be enqueued (no queue, an argument that Ruby could not read, ...).
            WrongArguments: the function could not be called so, or an argument does not fit its annotation.
            RedisUnavailable: Redis could not be reached; `maybe_done` tells if the job may be there.
        """
        return self._enqueue(self._call(job, args, kwargs, None))

    def enqueue_to(self, queue: str, job: Any, *args: Any, **kwargs: Any) -> Literal[True] | None:
        """Like `enqueue`, on a queue of your choice."""
        return self._enqueue(self._call(job, args, kwargs, queue))

    def enqueue_many(self, jobs: Iterable[Sequence[Any]], queue: str | None = None) -> int:
        """Enqueue many jobs in one round trip.

        Args:
            jobs: for each job a sequence of the job (as for `enqueue`) and its arguments.
            queue: the queue for all of them, instead of their own; needed for class names.

        Returns:
            How many were put on their queues (a before_enqueue hook may refuse some).

        Raises:
            NotAJob: one of them cannot be enqueued; none is then.
        """
        calls = [self._call(job, args, {}, queue) for job, *args in map(_listed, jobs)]
        pushed = self._pushed([one for one in calls if one.allowed("before_enqueue")])
        for one in pushed:
            one.after("after_enqueue")
        return len(pushed)

    def _enqueue(self, one: Call) -> Literal[True] | None:
        if not one.allowed("before_enqueue") or not self._pushed([one]):
            return None
        one.after("after_enqueue")
        return True

    def _pushed(self, calls: Sequence[Call]) -> Sequence[Call]:
        """Push jobs, in one step with the locks that guard them; returns those that no lock kept away."""
        return push_calls(self.space, calls, self._receiver)

    @contextmanager
    def pushing_to(self, receiver: Callable[[str, bytes], None]) -> Iterator[None]:
        """Within the block every job goes to `receiver(queue, element)` instead of Redis (see testing)."""
        before, self._receiver = self._receiver, receiver
        try:
            yield
        finally:
            self._receiver = before

    def _push(self, jobs: dict[str, list[bytes]]) -> int:
        if self._receiver is None:
            return queues.push(self.space, jobs)
        for queue, items in jobs.items():
            for item in items:
                self._receiver(queue, item)
        return sum(map(len, jobs.values()))

    def _call(self, target: Any, args: Sequence[Any], kwargs: dict[str, Any], queue: str | None) -> Call:
        return Call.of(self.registry, self.space.style, target, args, kwargs, queue)

    def push(self, queue: str, item: dict[str, Any]) -> None:
        """Put an object on a queue as it is, without hooks.

        Raises:
            NotAJob: it is no object with a class, or Ruby could not read it.
        """
        if not isinstance(item, dict) or not isinstance(item.get("class"), str):
            raise NotAJob('an element of a queue must be {"class": name, "args": [...]}')
        self._push({plain_name(queue): [encode(item, self.space.style, max_depth=99)]})

    def dequeue(self, job: Any, *args: Any, queue: str | None = None, **kwargs: Any) -> int | None:
        """Remove a job from its queue: every element with this class, and these arguments if any are given.

        Compares decoded values, so elements written by Rails, Oj or another language are found too.

        Returns:
            How many were removed; None if a before_dequeue hook returned False.
        """
        job = plain_name(job)
        registered = None if isinstance(job, str) else registered_job(self.registry, job)
        name = registered.name if registered else str(job)
        if registered and queue is not None and "queue" in registered.parameters.names:
            kwargs, queue = {**kwargs, "queue": queue}, None
        queue = queue_for(registered, name, queue)
        given = bool(args or kwargs)
        positions = registered.positions(args, kwargs, False) if registered and given else list(args)
        one = Call(registered, queue, b"", positions)
        if not one.allowed("before_dequeue"):
            return None
        removed = self.destroy(queue, name, *positions) if given else self.destroy(queue, name)
        one.after("after_dequeue")
        return removed

    def destroy(self, queue: str, class_name: str, *args: Any) -> int:
        """Like `dequeue`, by names and without hooks; returns how many were removed."""
        class_name = plain_name(class_name)
        wanted = Payload.parse(job_bytes(class_name, args, self.space.style)).args if args else None

        def locks_of(raw: bytes) -> list[str] | None:
            try:
                payload = Payload.parse(raw)
            except MalformedPayload:
                return None
            if payload.class_name == class_name and (wanted is None or same(payload.args, wanted)):
                return self._locks_of(class_name, payload.args)
            return None

        return queues.remove_if(self.space, queue, locks_of)

    def _locks_of(self, class_name: str, args: list[Any]) -> list[str]:
        """The locks that a job holds while it waits."""
        job = self.registry.find(class_name)
        try:
            return [one.lock for one in job.guards(args)] if job else []
        except Exception as error:  # arguments that its plugin cannot read: then it took no lock for them
            if is_by_signal(error):
                raise
            return []

    def pop(self, queue: str) -> dict[str, Any] | None:
        """Remove and return the first job of a queue; None if the queue is empty.

        Raises:
            MalformedPayload: the first element is no job; it stays where it is.
        """
        while (raw := queues.first(self.space, queue)) is not None:
            payload = Payload.parse(raw)
            if queues.remove_first(self.space, queue, raw):
                return payload.value
        return None

    def peek(self, queue: str, start: int = 0, count: int = 1) -> list[Any]:
        """Look at jobs of a queue; always a list. Elements that are no JSON are shown as text."""
        return [_shown(raw) for raw in queues.elements(self.space, queue, start, count)]

    def size(self, queue: str) -> int:
        """How many jobs wait in a queue."""
        return queues.size(self.space, queue)

    def queues(self) -> list[str]:
        """The names of all queues, sorted."""
        return queues.names(self.space)

    def queue_sizes(self) -> dict[str, int]:
        """How many jobs wait in each queue."""
        return queues.sizes(self.space, self.queues())

    def sample_queues(self, count: int = 1000) -> dict[str, dict[str, Any]]:
        """For each queue its `size` and its first jobs, `samples`."""
        names = self.queues()
        sizes, samples = queues.sizes(self.space, names), queues.samples(self.space, names, count)
        return {
            name: {"size": sizes[name], "samples": [_shown(raw) for raw in samples[name]]} for name in names
        }

    def remove_queue(self, queue: str) -> bool:
        """Forget a queue and every job in it; whether the queue was known."""
        return queues.remove_queue(self.space, plain_name(queue))

    def info(self) -> dict[str, Any]:
        """The numbers that Ruby's `Resque.info` gives, under the same names and in the same order."""
        return resque_info(self.space, self.link.address)

    def workers(self) -> list[WorkerInfo]:
        """Every registered worker, of either language, sorted by id."""
        return worker_infos(self.space)

    def working(self) -> list[WorkerInfo]:
        """The workers that are working on a job now."""
        return [worker for worker in self.workers() if worker.working]

    def stat(self, name: str) -> int:
        """A counter: `processed` or `failed`, or `processed:ID` of a worker."""
        return stats.read(self.space, [name])[0]

    def close(self) -> None:
        """Close every connection."""
        self.link.close()


def _listed(one: Any) -> Sequence[Any]:
    if not isinstance(one, Sequence) or isinstance(one, str) or not one:
        raise NotAJob(f"enqueue_many takes a sequence for each job, (job, argument, ...), not {one!r}")
    return one


def _shown(raw: bytes) -> Any:
    try:
        return Payload.parse(raw).value
    except MalformedPayload:
        return raw.decode("utf-8", "backslashreplace")
