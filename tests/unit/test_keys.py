"""Key names: the keyspace of docs/protocol/core.md#keys."""

import pytest

from pyresque.keys import Keys

ID = "host:1:a,b:c"


@pytest.mark.parametrize(
    ("namespace", "prefix"), [("resque", "resque:"), ("outer:inner", "outer:inner:"), ("", ":")]
)
def test_every_key_of_ruby(namespace, prefix):
    """Each name with the namespace and a colon before it, also an empty one."""
    keys = Keys(namespace)
    names = [
        keys.queues, keys.workers, keys.heartbeats, keys.pruning_lock, keys.pause_all, keys.failed,
        keys.failed_queues,
        keys.queue("a:b"), keys.queue(""), keys.worker(ID), keys.worker_started(ID), keys.stat("processed"),
        keys.stat(f"failed:{ID}"), keys.failed_list("q_failed"),
    ]  # fmt: skip
    assert [name.removeprefix(prefix) for name in names] == [
        "queues", "workers", "workers:heartbeat", "pruning_dead_workers_in_progress", "pause-all-workers",
        "failed",
        "failed_queues", "queue:a:b", "queue:", f"worker:{ID}", f"worker:{ID}:started", "stat:processed",
        f"stat:failed:{ID}", "q_failed",
    ]  # fmt: skip
    assert all(name.startswith(prefix) for name in names)


def test_the_key_of_a_jobs_attempts():
    """Class and identifier, if there is one, without white space (docs/protocol/core.md#resque-retry)."""
    keys = Keys("app")
    assert keys.retry("Mail") == keys.retry("Mail", "") == "app:resque-retry:Mail"
    assert keys.retry("A::Mail", "to a\tb\nc") == "app:resque-retry:A::Mail:toabc"
    assert keys.suppressed_failure(keys.retry("Mail", "x")) == "app:failure-resque-retry:Mail:x"


def test_our_own_keys_are_apart():
    """What no Ruby reads has its own prefix; the aside list bears the name of the key that it belongs to."""
    keys = Keys("app")
    assert keys.aside(keys.queue("q")) == "app:pyresque:aside:queue:q"
    assert keys.once("x") == "app:pyresque:once:x"


def test_the_map_names_every_key():
    """The docstring of the module is the map of the keyspace."""
    from pyresque import keys

    for name in (
        "queue:Q",
        "worker:ID:started",
        "workers:heartbeat",
        "pause-all-workers",
        "stat:NAME:ID",
        "Q_failed",
    ):
        assert name in keys.__doc__
