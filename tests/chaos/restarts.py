"""Killing a Redis and starting it again, with everything that it has answered."""

from __future__ import annotations

import time
from collections.abc import Callable

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis

CUT = "short read while loading the AOF"
"""What Redis says when the last thing in its append-only file is not whole."""


def restart(server: DevRedis, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Kill a server that keeps an append-only file, and start it again.

    A kill can fall into the writing of the file: then its end is half a command. Redis cuts that off, but
    8.0 and older leave the other commands of that script in the file, without the end of their transaction
    (Valkey 9.1 does not: its pull request 4342). They are not done then; but at the next start they are,
    together with what was written behind them. So the file is rewritten at once, as docs/deploy.md says.

    Args:
        meanwhile: called while it is down.
    """
    log = server.folder / "log"
    server.kill()
    meanwhile()
    before = log.read_text(errors="replace").count(CUT)
    server.start()
    if log.read_text(errors="replace").count(CUT) > before:
        _rewrite(server)


def _rewrite(server: DevRedis) -> None:
    resque, until = Resque(server.url), time.monotonic() + 30
    resque.link.execute("BGREWRITEAOF")
    while True:
        facts = resque.link.execute("INFO", "persistence").decode()
        if "aof_rewrite_in_progress:0" in facts and "aof_rewrite_scheduled:0" in facts:
            break
        assert time.monotonic() < until, facts
        time.sleep(0.01)
    assert "aof_last_bgrewrite_status:ok" in facts
    resque.close()
