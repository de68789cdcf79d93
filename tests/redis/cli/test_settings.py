"""Settings at work: a command that says nothing, and a program's `Resque.from_env()`, on a real Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.errors import ConfigError
from pyresque.failure import RedisMultiQueue
from tests.unit.cli.in_process import run
from tests.unit.cli.program import JOBS, Program


def test_a_worker_that_is_told_nothing(resque: Resque, program: Program) -> None:
    """Where Redis is, the namespace, the modules and the queues are in the file, also from a folder below."""
    program.jobs(JOBS, "lib/shop/jobs.py")
    (program.folder / "deep/er").mkdir(parents=True)
    (program.folder / "lib/pyproject.toml").write_text('[project]\nname = "without settings"')
    (program.folder / "pyproject.toml").write_text(
        f'[tool.pyresque]\nredis = "{program.url}"\nnamespace = "shop"\nrequire = ["lib/shop/jobs.py"]\n'
        'queues = ["images"]\n[tool.pyresque.work]\nburst = true\nverbose = 1\n'
    )
    shop = Resque(program.url or "", "shop")
    for folder in (program.folder, program.folder / "deep/er", program.folder / "lib"):
        done = Program(folder).run("enqueue", "ConvertJob", "42")
        assert done.returncode == 0, done.stderr
        done = Program(folder).run("work")
        assert done.returncode == 0, done.stderr
        assert "converted 42 png" in done.stdout
        assert shop.size("images") == 0
    shop.close()
    assert resque.queues() == []


def test_a_wrong_file_ends_a_worker(program: Program) -> None:
    """One line, exit code 2."""
    (program.folder / "pyresque.toml").write_text("[work]\nqueus = 5")
    done = program.run("work")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "Error: pyresque.toml, [work]: queus is not a setting of work: did you mean queues?\n"
    )


@pytest.fixture
def _no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REDIS_URL", "RESQUE_REDIS_URL", "RESQUE_NAMESPACE", "FAILURE_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_no_variables")
def test_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program finds what the commands find, and may say otherwise."""
    Path("pyresque.toml").write_text(
        'redis = "localhost:1"\nnamespace = "file"\njson-style = "rails"\n'
        'failure-backend = "redis_multi_queue"'
    )
    monkeypatch.setenv("COUNT", "no number")  # of no interest to a program
    one = Resque.from_env()
    assert (one.link.address, one.space.keys.namespace, one.space.style) == ("localhost:1", "file", "rails")
    assert isinstance(one.failure_backend, RedisMultiQueue)
    monkeypatch.setenv("REDIS_URL", "localhost:2/ruby")
    assert repr(Resque.from_env()) == "<Resque localhost:2 ruby>"
    monkeypatch.setenv("PYRESQUE_NAMESPACE", "ours")
    assert repr(Resque.from_env()) == "<Resque localhost:2 ours>"
    assert repr(Resque.from_env("localhost:3/given", json_style="ruby")) == "<Resque localhost:3 given>"
    assert repr(Resque.from_env(namespace="n")) == "<Resque localhost:2 n>"


@pytest.mark.usefixtures("_no_variables")
def test_from_env_on_a_real_redis(resque: Resque, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it enqueues is where the commands look."""
    monkeypatch.setenv("PYRESQUE_REDIS", program.url or "")
    monkeypatch.setenv("REDIS_URL", "localhost:1")
    one = Resque.from_env()
    one.enqueue("SomeJob", 1, queue="x")
    one.close()
    assert resque.size("x") == 1
    Path("pyresque.toml").write_text("queue = 5")
    with pytest.raises(ConfigError, match=r"pyresque\.toml: queue must be a list of queues, not 5"):
        Resque.from_env()
    monkeypatch.setenv("PYRESQUE_REDIS", "redis:/x")
    Path("pyresque.toml").unlink()
    with pytest.raises(ConfigError, match="cannot read 'redis:/x' as a Redis server"):
        Resque.from_env()


LOOKING = (
    "info", "peek images", "queue", "queue list", "queue show images", "worker", "worker list", "failed",
    "failed list", "failed groups", "delayed list", "delayed groups", "scheduler status",
    "health",
)  # fmt: skip


def test_who_only_looks_needs_no_application(resque: Resque, program: Program) -> None:
    """What is wrong is seen although the application cannot be imported; with -r it is meant to be."""
    program.jobs("raise RuntimeError('no database')", "shop.py")
    resque.enqueue("ConvertJob", 42, queue="images")
    (program.folder / "pyresque.toml").write_text(f'redis = "{program.url}"\nrequire = ["shop"]')
    for words in LOOKING:
        done = run(*words.split(), PYRESQUE_SETTINGS=str(program.folder / "pyresque.toml"))
        assert done.exit_code in (0, 1), words
        assert done.stderr == "" or done.stderr.startswith(
            "Warning: cannot import shop: RuntimeError: no data"
        )
    for words in ("failed list -r shop", "enqueue ConvertJob 42", "failed retry --all"):
        assert program.run(*words.split()).returncode == 3, words
