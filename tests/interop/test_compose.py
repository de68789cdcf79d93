"""`docker compose up`, as the README says it: both languages at work in containers, and taken down again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.choice import ROOT, Found
from tests.interop.ruby import eventually


class Compose:
    """The services of docker-compose.yml under a name and on a port of their own."""

    def __init__(self) -> None:
        self.project = f"pyresque-test-{uuid.uuid4().hex[:8]}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.dashboard_port = probe.getsockname()[1]

    def __call__(self, *words: str, stdin: str = "") -> str:
        """Run `docker compose ...` to its end; returns what it printed."""
        done = subprocess.run(
            ["docker", "compose", "-p", self.project, *words],
            cwd=ROOT,
            env={
                **os.environ,
                "PYRESQUE_WEB_PORT": str(self.port),
                "PYRESQUE_DASHBOARD_PORT": str(self.dashboard_port),
            },
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def redis(self, *words: str) -> list[str]:
        """A command to its Redis; an empty list comes as an empty line."""
        return [line for line in self("exec", "-T", "redis", "redis-cli", *words).splitlines() if line]

    def evidence(self, name: str) -> list[tuple[str, str, Any]]:
        """What the jobs have left: class, language, last argument."""
        notes = map(json.loads, self.redis("lrange", f"resque:interop:{name}", "0", "-1"))
        return sorted((note["class"], note["lang"], note["args"][-1]) for note in notes)

    def page(self, path: str, port: int | None = None) -> str:
        """A page of resque-web, as a browser on this machine gets it; `OSError` when nothing answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def serves(self, path: str) -> bool:
        """Whether the page is there: until the server listens, Docker's own port refuses or resets."""
        try:
            return bool(self.page(path))
        except OSError:
            return False

    def id_of(self, service: str) -> str:
        """The id of its container, be it running or not."""
        return self("ps", "-aq", service).strip()

    def asked(self, service: str, template: str) -> str:
        """What `docker inspect` says of its container."""
        words = ["docker", "inspect", "--format", template, self.id_of(service)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def compose(found_ruby: Found) -> Iterator[Compose]:
    """All services, freshly built and started; nothing is left of them afterwards."""
    if not found_ruby.container:
        pytest.skip("Ruby is not in a container here: see the last line of the run")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("this docker has no compose")
    compose = Compose()
    try:
        compose("up", "--build", "--detach")
        yield compose
    finally:
        compose("down", "--volumes", "--timeout", "1")
    mine = f"label=com.docker.compose.project={compose.project}"
    left = subprocess.run(
        ["docker", "ps", "-aq", "--filter", mine], capture_output=True, text=True, check=True
    )
    assert left.stdout == ""


def leaves_in_time(compose: Compose, service: str, job: str) -> None:
    """A worker that is stopped while it has a job ends it, unregisters and is not killed."""
    eventually(lambda: any(note[0] == job for note in compose.evidence("started")), f"{job} at work", 60)
    host = compose.asked(service, "{{.Config.Hostname}}")
    assert any(one.startswith(f"{host}:") for one in compose.redis("smembers", "resque:workers"))
    compose("stop", service)
    assert any(note[0] == job for note in compose.evidence("done")), compose("logs", service)
    assert compose.asked(service, "{{.State.ExitCode}}") == "0", compose("logs", service)
    assert not any(one.startswith(f"{host}:") for one in compose.redis("smembers", "resque:workers"))


@pytest.mark.timeout(600)
def test_both_languages_in_containers(compose: Compose) -> None:
    """Each does its jobs and fails its failures, the dashboard shows both, and each leaves as it should."""
    eventually(lambda: len(compose.evidence("done")) == 7 and compose.redis("llen", "resque:failed") == ["2"],
               "seven jobs done and two failed", 120)  # fmt: skip
    done = compose.evidence("done")
    assert [note for note in done if note[0] != "SharedJob"] == [
        ("EchoJob", "ruby", 1), ("PyEcho", "python", 2), ("PyEcho", "python", 9), ("RubyOnlyJob", "ruby", 8),
    ]  # fmt: skip
    assert sorted(number for name, _, number in done if name == "SharedJob") == [3, 4, 10]  # by either
    failed = [json.loads(raw) for raw in compose.redis("lrange", "resque:failed", "0", "-1")]
    assert sorted((one["payload"]["class"], one["exception"], one["error"]) for one in failed) == [
        ("FailJob", "ArgumentError", 'boom ["Ruby fails", 5]'),
        ("PyFail", "ValueError", "boom ['Python fails', 6]"),
    ]

    eventually(lambda: compose.serves("/overview"), "resque-web answers", 120)
    overview = compose.page("/overview")
    hosts = [compose.asked(service, "{{.Config.Hostname}}") for service in ("ruby-worker", "python-worker")]
    assert all(host in compose.page("/workers") for host in hosts)
    assert "Queues" in overview
    for port in (compose.port, compose.dashboard_port):
        page = compose.page("/failed", port)
        assert "FailJob" in page
        assert "PyFail" in page

    # The worker of Python has no rights, and an init beside it.
    processes = compose("exec", "-T", "python-worker", "sh", "-c", "id -u; cat /proc/1/comm").split()
    assert processes[0] != "0"
    assert processes[1] == "tini"

    compose("exec", "-T", "python-worker", "pyresque", "enqueue", "-q", "python", "PySleep", "3")
    leaves_in_time(compose, "python-worker", "PySleep")
    order = '{"op":"enqueue","class":"SleepJob","args":[3]}\n'
    script = ("bundle", "exec", "ruby", "interop/ruby/enqueue.rb")
    assert json.loads(compose("exec", "-T", "ruby-worker", *script, stdin=order)) == {"ok": True}
    leaves_in_time(compose, "ruby-worker", "SleepJob")
    assert compose.redis("llen", "resque:failed") == ["2"]
