"""The options of `pyresque work`: their headings, and what wrong ones say."""

from __future__ import annotations

import pytest

from tests.unit.cli.in_process import run


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["work"], "which queues? name them with -q"),
        (["work", "-q", ""], "for example -q critical,default"),
        (["work", "-q", ",,"], "for example -q critical,default"),
        (["work", "-q", "!slow"], "names no queue to work on"),
        (["work", "-q", "Gemfile", "README.md", "app"], "did the shell expand *? write -q '*'"),
        (["work", "-q", "x", "--interval", "soon"], "--interval soon is not a number of seconds: write"),
        (["work", "-q", "x", "--interval", "-1"], "write for example --interval 5"),
        (["work", "-q", "x", "--interval", "nan"], "write for example --interval 5"),
        (["work", "-q", "x", "--unknown", "drop"], "write leave, fail or park=QUEUE"),
        (["work", "-q", "x", "--unknown", "park="], "write leave, fail or park=QUEUE"),
        (["work", "-q", "x", "--recover", "often"], "write fail, requeue or requeue=TIMES"),
        (["work", "-q", "x", "--timeout", "soon"], "--timeout soon is not a number of seconds: write"),
        (["work", "-q", "x", "--drain", "-1"], "write for example --drain 5"),
        (["work", "-q", "x", "--max-idle", "inf"], "write for example --max-idle 5"),
        (["work", "-q", "x", "--max-jobs", "0"], "--max-jobs 0 is not a number above 0: write"),
        (["work", "-q", "x", "--max-rss", "1GB"], "write for example --max-rss 5"),
        (["work", "-q", "x", "--jobs-per-fork", "2.5"], "write for example --jobs-per-fork 5"),
        (["work", "-q", "x", "--concurrency", "many"], "write for example --concurrency 5"),
        (["work", "-q", "x", "--async-concurrency", "0"], "write for example --async-concurrency 5"),
        (
            ["work", "-q", "x", "--no-fork", "--jobs-per-fork", "2"],
            "--jobs-per-fork needs processes for jobs",
        ),
        (["work", "-q", "x", "--async-concurrency", "2", "--no-fork"], "it has none"),
        (["work", "-q", "x", "--async-concurrency", "2", "--unknown", "fail"], "leaves all other jobs"),
        (["work", "-c", "pool.yml", "-q", "x"], "leave -q and --concurrency away"),
        (
            ["work", "-c", "3"],
            "cannot read the pool file 3: No such file or directory; for 3 workers write -n 3",
        ),
        (["work", "-q", "x", "--redis", "http://localhost"], "write redis://"),
        (["info", "--redis", "redis://localhost:port"], "write redis://"),
        (["info", "--redis", "redis://localhost/app"], "set a namespace with --namespace"),
        (["--redis", "localhost:6379:x", "queues"], "write redis://"),
        (["info", "--redis", "redis://user:secret@localhost:port"], "'redis://localhost:port'"),
        (["info", "--redis", "redis://:secret@localhost/app"], "'redis://localhost/app'"),
    ],
)
def test_wrong_settings(words: list[str], advice: str) -> None:
    """A mistyped setting ends with exit code 2 and one line that says what to do."""
    result = run(*words)
    assert result.exit_code == 2
    assert advice in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("INTERVAL", "soon"), ("COUNT", "many"), ("REDIS_URL", "redis:/localhost"), ("QUEUES", "!a")],
)
def test_wrong_environment(name: str, value: str) -> None:
    """A mistyped variable ends with exit code 2 and one line that shows it."""
    result = run("work", *([] if name == "QUEUES" else ["-q", "x"]), **{name: value})
    assert result.exit_code == 2
    assert value in result.stderr
    assert result.stderr.count("\n") == 1
