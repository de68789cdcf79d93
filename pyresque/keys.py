"""Every Redis key, and the map of the keyspace.

Ruby Resque's keys (core.md section 2); Q is a queue name, ID a worker id (`host:pid:queues`):

    queues                                set     queue names
    queue:Q                               list    job payloads, head = next job
    workers                               set     ids of registered workers
    worker:ID                             string  what the worker works on; its existence means "working"
    worker:ID:started                     string  local time of registration
    workers:heartbeat                     hash    id -> time of the last beat
    pruning_dead_workers_in_progress      string  lock of the pruner, expires
    pause-all-workers                     string  "true" pauses every worker
    stat:NAME, stat:NAME:ID               string  counters: processed, failed
    failed                                list    failure records
    failed_queues                         set     names of the lists below
    Q_failed                              list    failure records of one queue (multi-queue backend)

Keys of Ruby plugins that we share:

    pause:queue:Q, pause:all              string  while it is there, the queue (or all) is paused

Ours, which no Ruby process reads:

    pyresque:aside:KEY                    list    bytes that could not stay in KEY, or could not be put there
    pyresque:workers                      hash    id of a worker of ours -> where its pid is valid
    pyresque:recovered:DIGEST             string  how often this job was taken from a dead worker and put back
    pyresque:once:TOKEN                   string  answer of a script, kept a moment: it never runs twice
"""

from __future__ import annotations


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
        self.our_workers = prefix + "pyresque:workers"

    def queue(self, queue: str) -> str:
        """The list that holds the jobs of a queue."""
        return f"{self.prefix}queue:{queue}"

    def queue_pause(self, queue: str | None = None) -> str:
        """What pauses a queue while it exists (resque-pause); without a queue: what pauses all of them."""
        return self.prefix + ("pause:all" if queue is None else f"pause:queue:{queue}")

    def worker(self, worker_id: str) -> str:
        """What a worker is working on."""
        return f"{self.prefix}worker:{worker_id}"

    def worker_started(self, worker_id: str) -> str:
        """When a worker registered."""
        return f"{self.prefix}worker:{worker_id}:started"

    def stat(self, name: str) -> str:
        """A counter: `processed`, `failed`, or the same with `:ID` of a worker behind it."""
        return f"{self.prefix}stat:{name}"

    def failed_list(self, list_name: str) -> str:
        """A list of failure records by its bare name: `failed` or `Q_failed`."""
        return self.prefix + list_name

    def aside(self, key: str) -> str:
        """Where bytes go that cannot stay in, or be put into, the (full) key."""
        return f"{self.prefix}pyresque:aside:{key.removeprefix(self.prefix)}"

    def recovered(self, digest: str) -> str:
        """How often a job (the digest of its queue and bytes) was taken from a dead worker and put back."""
        return f"{self.prefix}pyresque:recovered:{digest}"

    def once(self, token: str) -> str:
        """Where a script that must not run twice leaves its answer for a moment."""
        return f"{self.prefix}pyresque:once:{token}"
