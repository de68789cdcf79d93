"""Every Redis key, and the map of the keyspace.

Ruby Resque's keys (docs/protocol/core.md#keys); Q is a queue name, ID a worker id (`host:pid:queues`):

    queues                                set     queue names
    queue:Q                               list    job payloads, head = next job
    workers                               set     ids of registered workers
    worker:ID                             string  what the worker works on; its existence means "working"
    worker:ID:started                     string  local time of registration
    workers:heartbeat                     hash    id -> time of the last beat
    pruning_dead_workers_in_progress      string  lock of the pruner, expires
    pause-all-workers                     string  "true" pauses every worker
    stat:NAME, stat:NAME:ID               string  counters: processed, failed (and ours: stat:expired)
    failed                                list    failure records
    failed_queues                         set     names of the lists below
    Q_failed                              list    failure records of one queue (multi-queue backend)

Keys of Ruby plugins that we share (docs/protocol/core.md#resque-retry and what follows there; the delayed
ones are resque-scheduler's, docs/protocol/scheduler.md#keys):

    resque-retry:CLASS[:IDENT]            string  number of the attempt that runs or ran last, the first is 0
    failure-resque-retry:...              string  the last failure that was not recorded
    delayed:EPOCH                         list    jobs that are due at this second
    timestamps:JSON                       set     names of the delayed lists that hold this job
    delayed_queue_schedule                zset    the seconds of all delayed lists
    delayed:last_enqueued_at              hash    entry of the schedule -> local time of its last run
    persistent_schedules                  hash    entry of the schedule -> JSON
    schedules_changed                     set     names of entries that have changed
    NS:resque_scheduler_master_lock       string  who fires the schedule (NS: the namespace, once more)
    lock:CLASS:ARGS, loner:lock:CLASS:ARGS  string  second at which the lock expires (resque-lock-timeout)
    status:UUID, _statuses, _kill         string, zset, set   progress of jobs (resque-status), and of those
                                          that are tracked (docs/tracking.md)
    pause:queue:Q, pause:all              string  while it is there, the queue (or all) is paused

Ours, which no Ruby process reads (docs/protocol/pyresque.md):

    pyresque:aside:KEY                    list    bytes that could not stay in KEY, or could not be put there;
                                                  a failure record leads to each (wire/aside_links.py)
    pyresque:workers                      hash    id of a worker of ours -> where its pid is valid, # and the
                                                  word of its process (0.1.0 wrote no word)
    pyresque:owner:KEY                    string  who holds the lock KEY, and the worker of that job
    pyresque:recovered:DIGEST             string  how often this job was taken from a dead worker and put back
    pyresque:heads                        hash    queue -> which job was seen at its head, and since when
    pyresque:entries                      hash    entry of the schedule -> how it was seen, and since when
    pyresque:running:CLASS                set     workers that may work on a job of this class with a limit
    pyresque:starts:CLASS                 list    when the last jobs of this class began, which has a limit
    pyresque:audit                        list    what was done from the dashboard, newest first: JSON
    pyresque:counts:DAY                   hash    language and class -> what was counted on that day
    pyresque:history:minute, :hour, :day  hash    jobs of all workers in each of the last minutes and so on
    pyresque:history:seen                 hash    the counters as they were seen last, and when
    pyresque:history:ruby                 string  what was seen last of Ruby's jobs, so that none counts twice
    pyresque:once:TOKEN                   string  answer of a script, kept a moment: it never runs twice
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

from pyresque.usercode.safely import plain_name

_WHITE_SPACE = re.compile(r"[ \t\r\n\f\v]")

QUEUE, DELAYED = "queue:", "delayed:"
"""What the names of these lists begin with, behind the namespace."""


def delayed_list(second: int) -> bytes:
    """The name, without the namespace, of the list of jobs that are due at this second."""
    return b"delayed:%d" % second


def second_of_list(name: bytes) -> int:
    """The second in the name of a delayed list; 0 where that is not a number."""
    second = name.removeprefix(b"delayed:")
    return int(second) if second.isdigit() else 0


def _queue_key(prefix: str, queue: str) -> str:
    return f"{prefix}{QUEUE}{plain_name(queue)}"


class Keys:
    """The key names under one namespace: `Keys("resque").queue("jobs")` is `resque:queue:jobs`."""

    def __init__(self, namespace: str = "resque") -> None:
        self.namespace = namespace
        prefix = f"{namespace}:"
        self.prefix = prefix
        self.queues = prefix + "queues"
        self.workers = prefix + "workers"
        self.heartbeats = prefix + "workers:heartbeat"
        self.pruning_lock = prefix + "pruning_dead_workers_in_progress"
        self.pause_all = prefix + "pause-all-workers"
        self.failed = prefix + "failed"
        self.failed_queues = prefix + "failed_queues"
        self.delayed_schedule = prefix + "delayed_queue_schedule"
        self.last_enqueued_at = prefix + "delayed:last_enqueued_at"
        self.persistent_schedules = prefix + "persistent_schedules"
        self.schedules_changed = prefix + "schedules_changed"
        self.statuses = prefix + "_statuses"
        self.doomed_statuses = prefix + "_kill"
        self.our_workers = prefix + "pyresque:workers"
        self.seen_heads = prefix + "pyresque:heads"
        self.seen_entries = prefix + "pyresque:entries"
        self.audit = prefix + "pyresque:audit"
        self.queue: Callable[[str], str] = lru_cache(1024)(partial(_queue_key, prefix))
        """The list that holds the jobs of a queue, by the queue's name. Kept, for each push asks for it."""
        self.tokens = prefix + "pyresque:once:"
        """What the keys begin with at which scripts keep their answers."""

    def queue_pause(self, queue: str | None = None) -> str:
        """What pauses a queue while it exists (resque-pause); without a queue: what pauses all of them."""
        return self.prefix + ("pause:all" if queue is None else f"pause:queue:{plain_name(queue)}")

    def worker(self, worker_id: str) -> str:
        """What a worker is working on."""
        return f"{self.prefix}worker:{worker_id}"

    def worker_started(self, worker_id: str) -> str:
        """When a worker registered."""
        return f"{self.prefix}worker:{worker_id}:started"

    def stat(self, name: str, worker_id: str = "") -> str:
        """A counter, `processed` or `failed`: of all workers, or of one."""
        return f"{self.prefix}stat:{name}:{worker_id}" if worker_id else f"{self.prefix}stat:{name}"

    def failed_list(self, list_name: str) -> str:
        """A list of failure records by its bare name: `failed` or `Q_failed`."""
        return self.prefix + list_name

    def retry(self, class_name: str, identifier: str = "") -> str:
        """The attempts of a job, by its class and what tells it from others; without white space."""
        name = f"{class_name}:{identifier}" if identifier else class_name
        return f"{self.prefix}resque-retry:" + _WHITE_SPACE.sub("", name)

    def suppressed_failure(self, retry_key: str) -> str:
        """The last failure of a job that is going to be retried, by the (full) key of its attempts."""
        return f"{self.prefix}failure-{retry_key.removeprefix(self.prefix)}"

    def delayed(self, epoch: int) -> str:
        """The jobs that are due at this second."""
        return f"{self.prefix}delayed:{epoch}"

    def timestamps(self, item: bytes) -> bytes:
        """The names of the delayed lists that hold a job (its exact bytes)."""
        return f"{self.prefix}timestamps:".encode() + item

    def master_lock(self, lock_prefix: str = "") -> str:
        """Who fires the schedule. Ruby puts the namespace before it twice; so do we.

        See docs/protocol/scheduler.md#keys.
        """
        own = f"{lock_prefix}:" if lock_prefix else ""
        return f"{self.prefix}{self.namespace}:{own}resque_scheduler_master_lock"

    def lock(self, name: str) -> str:
        """A lock of resque-lock-timeout; `name` is its class and what identifies its arguments."""
        return f"{self.prefix}lock:{name}"

    def loner(self, lock_key: str) -> str:
        """What keeps a job the only one of its kind in the queue, by the (full) key of its lock."""
        return f"{self.prefix}loner:{lock_key.removeprefix(self.prefix)}"

    def owner(self, key: str) -> str:
        """Who holds a lock, by its (full) key."""
        return f"{self.prefix}pyresque:owner:{key.removeprefix(self.prefix)}"

    def status(self, uuid: str) -> str:
        """The progress of one job of resque-status."""
        return f"{self.prefix}status:{uuid}"

    def aside(self, key: str) -> str:
        """Where bytes go that cannot stay in, or be put into, the (full) key."""
        return f"{self.prefix}pyresque:aside:{key.removeprefix(self.prefix)}"

    def recovered(self, digest: str) -> str:
        """How often a job (the digest of its queue and bytes) was taken from a dead worker and put back."""
        return f"{self.prefix}pyresque:recovered:{digest}"

    def running(self, class_name: str) -> str:
        """The workers that may be working on a job of this class, which has a limit."""
        return f"{self.prefix}pyresque:running:{class_name}"

    def starts(self, class_name: str) -> str:
        """When the last jobs of this class began, which has a limit."""
        return f"{self.prefix}pyresque:starts:{class_name}"

    def counts(self, day: int) -> str:
        """What was counted of each class on a day (days since 1970, in UTC)."""
        return f"{self.prefix}pyresque:counts:{day}"

    def history(self, name: str) -> str:
        """A history of all workers (`minute`, `hour`, `day`), or what was `seen` when it was last written."""
        return f"{self.prefix}pyresque:history:{name}"

    def once(self, token: str) -> str:
        """Where a script that must not run twice leaves its answer for a moment."""
        return self.tokens + token
