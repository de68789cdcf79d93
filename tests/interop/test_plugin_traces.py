"""The recorded traces of Ruby's plugins, played with ours (docs/protocol/conformance/README.md#traces).

For each: the same jobs, a worker of ours instead of Ruby's, and then the whole keyspace and every value that
was written in between, compared as in `test_traces.py`. Two of our commands differ from Ruby's, not in what
they leave: SET of a retry's counter stands for SETNX and INCR, SET with EX for SET and EXPIRE.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from pyresque import Retry, Worker, job
from pyresque.plugins import Statuses, current_status
from pyresque.testing.redis_server import DevRedis
from tests.interop.traces.play import BERLIN, Play
from tests.interop.traces.trace import FOLDER, Normal, Trace, with_bounds, written
from tests.interop.traces.trace import dump as plain_dump

NAMES = sorted(path.stem for path in (FOLDER / "plugins").glob("*.json"))
SUPPRESSED = re.compile(r'(\{"failed_at":"<SLASH_TIME(?:_ZONE)?>",.*"backtrace":)\[".*"\](,"worker":)')


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the traces were recorded."""
    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class PluginPlay(Play):
    """A stage for the plugins: their traces have sorted sets, seconds since 1970 and other ids."""

    def job(self, **settings: Any) -> Callable[..., Any]:
        """Register a job."""
        return job(registry=self.registry, **settings)

    def run(self, queue: str = "jobs") -> None:
        """Run a worker in a process of its own until nothing is left to do."""
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                Worker(self.resque, [queue]).work(0)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        self._ids[f"{socket.gethostname()}:{pid}"] = "<HOST>:<PID>"
        self.exit_statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    def finish(self) -> None:
        """Take down what Redis holds, and what was written."""
        self.resque.link.execute("PING")
        found = dump(self.admin)
        commands = self._monitor.stop()
        normal = Normal(self.trace, self.since, self._ids)
        self.after = json.loads(self.normal(normal.text(json.dumps(found)), escaped=True))
        lines = written(
            [[self.normal(normal.text(word)) for word in words] for words in commands], self.before
        )
        ours = [line for line in lines if not line.startswith("SET resque:resque-retry:")]
        self.written = sorted(re.sub(r"(?<=}) EX 60$", "", line) for line in ours)

    def normal(self, text: str, escaped: bool = False) -> str:
        """A text with the placeholders that only these traces have."""
        span = range(int(self.since), int(time.time()) + 61)
        text = re.sub(r"\b\d{10}\b", lambda m: "<EPOCH>" if int(m[0]) in span else m[0], text)
        return without_backtrace(re.sub(r"\b[0-9a-f]{32}\b", "<UUID32>", text), escaped)


def without_backtrace(text: str, escaped: bool = False) -> str:
    """Backtraces are Python's: that there are lines is all that can be compared."""
    if escaped:
        return json.dumps(_each(json.loads(text), without_backtrace))
    return SUPPRESSED.sub(r"\1[<LINES>]\2", text)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(key): _each(item, change) for key, item in value.items()}
    return [_each(item, change) for item in value] if isinstance(value, list) else _text(value, change)


def _text(value: Any, change: Callable[[str], str]) -> Any:
    return change(value) if isinstance(value, str) else value


def dump(client: redis.Redis) -> dict[str, Any]:
    """Everything that a database holds, sorted sets too."""
    sets = [key for key in client.scan_iter() if client.type(key) == b"zset"]
    found: dict[str, Any] = {}
    for key in sets:
        pairs = client.zrange(key, 0, -1, withscores=True)
        found[key.decode()] = {
            "type": "zset",
            "value": [[member.decode(), str(int(score))] for member, score in pairs],
        }
        client.delete(key)
    return {**plain_dump(client), **found}


# --- what is played --------------------------------------------------------------------------------


def fails(*args: Any) -> None:
    raise RuntimeError("nope")


def is_killed(*args: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def plugin_retry_success(play: PluginPlay) -> None:
    """A job with `retry=` that is done."""
    play.job(queue="jobs", name="RetryOk", retry=Retry())(lambda *args: None)
    play.run()


def plugin_retry_immediate(play: PluginPlay) -> None:
    """`Retry(limit=1, quiet=True)`: one record, of the second failure."""
    play.job(queue="jobs", name="RetryNow", retry=Retry(limit=1, quiet=True))(fails)
    play.run()


def plugin_retry_delayed(play: PluginPlay) -> None:
    """`Retry(limit=3, backoff=60, quiet=True)`: no record, the job is delayed."""
    play.job(queue="jobs", name="RetryLater", retry=Retry(limit=3, backoff=60, quiet=True))(fails)
    play.run()


def plugin_retry_delayed_plain_backend(play: PluginPlay) -> None:
    """The same with a record for each failure."""
    play.job(queue="jobs", name="RetryLater", retry=Retry(limit=3, backoff=60))(fails)
    play.run()


def plugin_retry_dirty_exit(play: PluginPlay) -> None:
    """The job's process is killed."""
    play.job(queue="jobs", name="RetryKill", retry=Retry(limit=3, backoff=60, quiet=True))(is_killed)
    play.run()


def statused(play: PluginPlay, **settings: Any) -> tuple[Statuses, Any]:
    """A job that says that it is at 1 of 1."""
    statuses = Statuses(play.resque, **settings)

    @play.job(name="StatJob", plugins=[statuses])
    def stat_job(uuid: str, options: dict[str, Any]) -> None:
        current_status().at(1, 1, "At 1 of 1")

    return statuses, stat_job


def plugin_status_lifecycle(play: PluginPlay) -> None:
    """`Statuses.create`, then a worker."""
    statuses, stat_job = statused(play)
    assert statuses.create(stat_job, num=1)
    play.run("statused")


def plugin_status_kill_expire(play: PluginPlay) -> None:
    """The same with `expire_in`, and killed before it begins."""
    statuses, stat_job = statused(play, expire_in=60)
    uuid = statuses.create(stat_job, num=3)
    assert uuid
    statuses.kill(uuid)
    play.run("statused")


PLAYED: dict[str, Callable[[PluginPlay], None]] = {
    name: function for name, function in list(globals().items()) if name.startswith("plugin_")
}


def recorded(value: Any) -> Any:
    """A part of a trace, with backtraces cut."""
    return _each(value, without_backtrace)


@pytest.mark.parametrize("name", NAMES)
def test_our_plugin_leaves_what_rubys_leaves(name: str, server: DevRedis) -> None:
    """The whole keyspace, key by key and byte by byte, and every value that was gone at the end."""
    trace = Trace(name, "plugins")
    play = PluginPlay(trace, server)
    try:
        PLAYED[name](play)
        play.finish()
    finally:
        play.close()
    after = recorded(trace.content["keyspace"])
    assert with_bounds(play.after, after) == after
    assert play.written == sorted(map(without_backtrace, trace.written))
    assert play.exit_statuses == [0]


def test_every_trace_of_a_plugin_is_played() -> None:
    """None of the recordings is left out."""
    assert sorted(PLAYED) == NAMES
