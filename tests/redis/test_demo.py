"""`pyresque demo` as a newcomer runs it."""

from __future__ import annotations

from pathlib import Path

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.unit.cli.program import Program


def told(text: str, *, namespace: str) -> None:
    """The whole story is there."""
    for part in (
        f"RPUSH {namespace}:queue:images",
        "worker 1 |",
        "worker 2 |",
        "image 42 is now a webp",
        "a mail in ja to 田中さくら",
        "a report that took 0.8 s",
        "pending      1",
        "processed    7",
        "failed       1",
        "ValueError: cannot charge -5 €",
        'RubyOnlyJob  ["only Ruby has my code"]',
        "is removed again",
    ):
        assert part in text, text


def test_with_a_redis_of_its_own(tmp_path: Path) -> None:
    """Without any setting the demo starts a Redis, plays to its end, and leaves no file behind."""
    done = Program(tmp_path).run("demo", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    told(done.stdout, namespace="resque")
    assert list(tmp_path.iterdir()) == []


def test_with_the_users_redis(server: DevRedis, resque: Resque, tmp_path: Path) -> None:
    """With REDIS_URL the demo plays there under a namespace of its own, and leaves every other key alone."""
    resque.enqueue("SomeJob", queue="x")
    before = sorted(resque.link.execute("KEYS", "*"))
    done = Program(tmp_path, server.url).run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    namespace = done.stdout.split("every key of the demo begins with ")[1].split(":")[0]
    told(done.stdout, namespace=namespace)
    assert namespace.startswith("pyresque-demo-")
    assert sorted(resque.link.execute("KEYS", "*")) == before


def test_what_the_users_shell_says_about_his_workers_does_not_matter(tmp_path: Path) -> None:
    """Ruby's variables for workers do not reach the workers of the demo."""
    env = {
        "QUEUE": "none",
        "COUNT": "3",
        "BACKGROUND": "1",
        "INTERVAL": "9",
        "PIDFILE": "/no/where",
        "FORK_PER_JOB": "false",
    }
    done = Program(tmp_path).run("demo", RESQUE_NAMESPACE="other", FAILURE_BACKEND="redis_multi_queue", **env)
    assert done.returncode == 0
    told(done.stdout, namespace="resque")


def test_without_any_redis(tmp_path: Path) -> None:
    """Where no Redis can be found or started the exit code is 4, and the reason is told."""
    done = Program(tmp_path).run("demo", PYRESQUE_REDIS_SERVER="/bin/false", TMPDIR=str(tmp_path))
    assert done.returncode == 4
    assert "/bin/false does not start" in done.stderr
    assert "Traceback" not in done.stderr
