"""`Resque`: all that a user calls, put together; here is what looks at queues, workers and counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from pyresque.client.delaying import Delaying
from pyresque.client.failures import Failures
from pyresque.client.info import WorkerInfo, resque_info, worker_infos
from pyresque.client.scheduling import Scheduling
from pyresque.config.server_setting import DEFAULT_SERVER, parse_server
from pyresque.errors import ConfigError, MalformedPayload
from pyresque.failure import Backend, Redis
from pyresque.failure.multiple import keeps_lists_per_queue
from pyresque.keys import Keys
from pyresque.model.job_class import queue_for
from pyresque.model.registry import Registry, default_registry
from pyresque.store import queues, stats
from pyresque.store.connection.link import DirectLink, PatientLink
from pyresque.store.connection.socket_link import SocketLink
from pyresque.store.space import Space
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import Style
from pyresque.wire.records import Payload

if TYPE_CHECKING:
    import redis

    from pyresque.client.classes import Classes
    from pyresque.client.delayed_selection import DelayedJobs
    from pyresque.client.found_jobs import FoundJobs
    from pyresque.client.health import Health
    from pyresque.client.history import Bucket, Ledger
    from pyresque.client.keyspace import KeysPage, KeyValue
    from pyresque.client.pausing import PausedQueues
    from pyresque.client.queued_jobs import QueuedJobs
    from pyresque.client.selection import NameFilter
    from pyresque.config.options import SchedulerOptions
    from pyresque.store.counts import Resolution


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
        ConfigError: the server setting cannot be read, or `failure` is not a backend.
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
                    f"{server!r} is not a Redis server: give a URL such as redis://localhost:6379/0"
                )
            self.link = RedisPyLink(server)
        if failure is not None and not isinstance(failure, Backend):
            raise ConfigError(
                f"failure={failure!r} is not a failure backend: give an object, as in failure=Redis()"
            )
        keys = Keys("resque" if namespace is None else namespace)
        super().__init__(Space(PatientLink(self.link), keys, json_style), registry)
        self.failure_backend = failure or Redis()
        self.failure_ids = failure_ids
        self.failures = Failures(self.space, keeps_lists_per_queue(self.failure_backend), registry)

    @classmethod
    def from_env(
        cls,
        server: str | redis.Redis | None = None,
        namespace: str | None = None,
        *,
        json_style: Style | None = None,
        failure: Backend | None = None,
        failure_ids: bool = True,
        registry: Registry = default_registry,
    ) -> Self:
        """A Resque as the environment and the settings file describe it (docs/settings.md).

        It is read as by the command `pyresque`: PYRESQUE_REDIS and so on, else REDIS_URL, RESQUE_REDIS_URL,
        RESQUE_NAMESPACE and FAILURE_BACKEND, else the settings file. What is given here wins.

        Raises:
            ConfigError: a setting cannot be used.
        """
        from pyresque.config.settings import load
        from pyresque.failure import backend_named

        stored = load()
        text = server if server is None or isinstance(server, str) else DEFAULT_SERVER
        redis_setting = stored.redis_setting(text, namespace)
        return cls(
            redis_setting.server if server is None else server,
            redis_setting.namespace,
            json_style=json_style or stored.find("", "json-style").value,
            failure=failure or backend_named(stored.find("", "failure-backend").value),
            failure_ids=failure_ids,
            registry=registry,
        )

    def __repr__(self) -> str:
        return f"<Resque {self.link.address} {self.space.keys.namespace}>"

    def peek(self, queue: str, start: int = 0, count: int = 1) -> list[Any]:
        """Look at jobs of a queue; always a list. Elements that are not JSON are shown as text."""
        return [_shown(raw) for raw in queues.elements(self.space, queue, start, count)]

    def jobs(self, queue: str) -> QueuedJobs:
        """The jobs that wait in a queue, to look at and to act on: `jobs("mail").select("A*").remove()`."""
        from pyresque.client.queued_jobs import QueuedJobs  # only who looks waits for it

        return QueuedJobs(self.space, queue_for(None, "", queue), self._keys_held, self.link)

    @property
    def delayed(self) -> DelayedJobs:
        """The delayed jobs, to look at and to act on: `delayed.select("Report*").run_now()`."""
        from pyresque.client.delayed_selection import DelayedJobs

        return DelayedJobs(self)

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

    def pause(self, queue: str) -> bool:
        """Let nobody take jobs from a queue until `resume` (docs/plugins.md); whether the queue exists."""
        from pyresque.client import pausing  # few pause

        return pausing.pause(self.space, queue_for(None, "", queue))

    def resume(self, queue: str) -> bool:
        """End the pause of a queue; whether it was paused. `pause_all` has one of its own."""
        from pyresque.client import pausing

        return pausing.resume(self.space, queue_for(None, "", queue))

    def pause_all(self) -> None:
        """Let nobody take jobs from any queue until `resume_all`."""
        from pyresque.store import pauses

        pauses.pause(self.space, None)

    def resume_all(self) -> None:
        """End the pause of all queues, and Ruby's `pause-all-workers`. Queues paused one by one stay so."""
        from pyresque.client import pausing

        pausing.resume_all(self.space)

    def paused(self) -> PausedQueues:
        """What is paused now."""
        from pyresque.client import pausing

        return pausing.paused_queues(self.space)

    def info(self) -> dict[str, Any]:
        """The numbers that Ruby's `Resque.info` gives, under the same names and in the same order."""
        return resque_info(self.space, self.link.address)

    def workers(self) -> list[WorkerInfo]:
        """Every registered worker, of either language, sorted by id."""
        return worker_infos(self.space)

    def working(self) -> list[WorkerInfo]:
        """The workers that are working on a job now."""
        return [worker for worker in self.workers() if worker.working]

    def health(
        self,
        registry: Registry | None = None,
        *,
        options: SchedulerOptions | None = None,
        file: Mapping[str, Any] | None = None,
        max_age: float | None = None,
        max_run: float | None = 3600.0,
        grace: float = 300.0,
        quick: bool = False,
    ) -> Health:
        """How everything is, in one look, and what needs a person (docs/looking-and-acting.md).

        Args:
            registry: the jobs that are known here; classes that wait and are not among them are named.
            options: those of the schedulers: the name of their lock, and their environment.
            file: the entries of their schedule file, where they have one.
            max_age: seconds that a job may wait; None: as long as it takes.
            max_run: seconds that a job may run; None: as long as it takes.
            grace: seconds by which a run of the schedule may be late.
            quick: read little, however much there is, as a page needs it (docs/looking-and-acting.md).
        """
        from pyresque.client.look_at_health import health

        return health(
            self,
            registry,
            options=options,
            file=file,
            max_age=max_age,
            max_run=max_run,
            grace=grace,
            quick=quick,
        )

    def find_jobs(
        self, text: str | None = None, class_name: NameFilter = None, *, budget: int = 5000
    ) -> FoundJobs:
        """Look for jobs with workers, among the delayed ones and on all queues; it tells how far it went.

        Args:
            text: a text in the class or the arguments, in upper or lower case; None: any.
            class_name: one name or several, with `*` for any text; an Active Job has its own class.
            budget: so many delayed jobs, and jobs on queues, are looked at: those that are next.

        Raises:
            InvalidSelection: one of them cannot be understood.
        """
        from pyresque.client.found_jobs import find_jobs

        return find_jobs(self, text, class_name, budget)

    def keys(self, match: str | None = None, cursor: int = 0, count: int = 100) -> KeysPage:
        """Some of the keys below the namespace, in no order, with their types and sizes.

        Args:
            match: a text in the name, or a pattern with `*` and `?` for all of it.
            cursor: that of the page before, which this one goes on from.
            count: about how many.
        """
        from pyresque.client import keyspace

        return keyspace.keys(self.space, match, cursor, count)

    def key(self, name: str, start: str | int = "", count: int = 20) -> KeyValue | None:
        """A key below the namespace and some of what it holds, of whatever type; None: there is none.

        Args:
            name: its name without the namespace.
            start: `next` of what was read before.
            count: about how many elements.
        """
        from pyresque.client import keyspace

        return keyspace.key(self.space, name, str(start), count)

    def history(self, resolution: Resolution = "minute") -> list[Bucket]:
        """How many jobs all workers have processed, and how many of these failed, oldest first.

        Args:
            resolution: `minute` for the last 180 minutes, `hour` for 14 days, `day` for 400 days (of UTC).

        Raises:
            InvalidSelection: it is none of these.
        """
        from pyresque.client import history  # only who looks waits for it

        history.look(self._hasty)
        return history.history(self.space, resolution)

    def ledger(self, days: int = 14) -> Ledger:
        """What each language has done of each class, today and on the days before, 14 at most."""
        from pyresque.client import history

        history.look(self._hasty)
        return history.ledger(self.space, days)

    def classes(self, registry: Registry | None = None) -> Classes:
        """Every class that waits, works, is delayed, has failed, was counted, or is registered.

        Args:
            registry: the jobs that are known here; those of this Resque unless another one is given.
        """
        from pyresque.client import classes, history

        history.look(self._hasty)
        return classes.classes(self, registry)

    @property
    def _hasty(self) -> Space:
        """For notes, which are not worth waiting for."""
        return replace(self.space, link=self.link)

    def stat(self, name: str) -> int:
        """A counter: `processed` or `failed`, or `processed:ID` of a worker."""
        return stats.read(self.space, [name])[0]

    def close(self) -> None:
        """Close every connection."""
        self.link.close()


def _shown(raw: bytes) -> Any:
    try:
        return Payload.parse(raw).value
    except MalformedPayload:
        return raw.decode("utf-8", "backslashreplace")
