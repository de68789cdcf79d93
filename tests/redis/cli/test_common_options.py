"""Options that may stand before and after the name of a command."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.faultproxy import FaultProxy
from tests.unit.cli.program import Program


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_namespace_and_redis_may_stand_anywhere(program: Program, proxy: FaultProxy) -> None:
    """The common options are taken before and after the command; the later wins, then the environment."""
    place = f"127.0.0.1:{proxy.port}"
    program.run("enqueue", "-q", "x", "SomeJob", "--namespace", "app")
    for words, env in (
        (["--namespace", "app", "queues"], {}),
        (["--redis", "localhost:1", "queues", "--redis", f"{place}/app"], {"RESQUE_NAMESPACE": "other"}),
        (["queues"], {"REDIS_URL": f"{place}/app"}),
        (["queues"], {"REDIS_URL": place, "RESQUE_NAMESPACE": "app"}),
        (["queues"], {"REDIS_URL": "", "RESQUE_REDIS_URL": f"{place}/app"}),
    ):
        found = lines(program.run(*words, "--json", **env))
        assert [(one["queue"], one["size"]) for one in found] == [("x", 1)]
    assert lines(program.run("queues", "--json")) == []
