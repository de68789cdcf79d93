"""All commands: their help, their options, and what wrong usage says; without any Redis."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from pyresque import __version__
from pyresque.cli.root import CODES, program
from pyresque.errors import ConfigError, ImportFailed, NoQueueError, RedisTooOld, ResqueError
from tests.unit.cli.in_process import run


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(program))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_each_command_has_help(path: tuple[str, ...], flag: str) -> None:
    """-h and --help work for every command, and exit with 0."""
    result = run(*path, flag)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: pyresque")


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_option_is_explained(path: tuple[str, ...]) -> None:
    """Every option of every command has a help text."""
    options = [one for one in ALL[path].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_command_takes_the_common_options(path: tuple[str, ...]) -> None:
    """--redis, --namespace and -r are understood before and after the name of every command."""
    names = {option for one in ALL[path].params for option in one.opts}
    assert {"--redis", "--namespace", "-r", "--require"} <= names


def test_the_options_of_work_stand_under_headings() -> None:
    """Each option of `work` is told once, under the heading where one would look for it."""
    parts = re.split(r"^(\S.*):$", run("work", "--help").stdout, flags=re.M)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(found) == [
        "Which jobs", "How many at once", "One job", "When the worker leaves", "What it tells",
        "Other options",
    ]  # fmt: skip
    for heading, names in {
        "Which jobs": ["--queue", "--unknown", "--interval"],
        "How many at once": ["--concurrency", "--config", "--async-concurrency"],
        "One job": ["--no-fork", "--jobs-per-fork", "--timeout", "--failure-backend"],
        "When the worker leaves": [
            "--burst", "--max-jobs", "--max-idle", "--max-rss", "--start-timeout", "--drain",
            "--requeue-on-shutdown", "--recover",
        ],
        "What it tells": ["--history"],
        "Other options": ["--json-style", "--verbose", "--pidfile", "--redis", "--require", "--help"],
    }.items():  # fmt: skip
        told = [line for line in found[heading].splitlines() if line.startswith("  -")]
        assert [name for name in names if any(name in line for line in told)] == names


def test_version() -> None:
    """--version says which one this is."""
    assert run("--version").stdout == f"pyresque {__version__}\n"


def test_nothing_given() -> None:
    """Without a command the help is shown where errors are, and the exit code is that of wrong usage."""
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Commands:" in result.stderr


def test_help_does_not_load_redis() -> None:
    """The help answers at once because neither redis-py nor the worker is imported for it."""
    code = (
        "import sys; from pyresque.cli.root import program\n"
        "try: program(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'redis', 'hiredis', 'msgspec', 'pyresque.client.resque', 'pyresque.worker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ["wrok"],
        ["work", "-q", "x", "--brust"],
        ["work", "-q", "x", "-n", "0"],
        ["peek"],
        ["peek", "jobs", "first"],
        ["enqueue"],
        ["enqueue", "-q", "x", "SomeJob", "--quueue"],
        ["failed", "show"],
        ["failed", "retry"],
        ["failed", "retry", "abc", "--all"],
        ["failed", "remove"],
        ["workers", "remove"],
        ["scheduler", "-i", "nan"],
        ["scheduler", "--lock-timeout", "inf"],
    ],
    ids=" ".join,
)
def test_wrong_usage(words: list[str]) -> None:
    """What cannot be meant ends with exit code 2, on stderr, before Redis is asked anything."""
    result = run(*words, REDIS_URL="localhost:1")
    assert result.exit_code == 2
    assert "Error:" in result.stderr
    assert result.stdout == ""


def test_every_error_has_an_exit_code() -> None:
    """The exit codes are 2 for settings, 3 for imports, 4 for Redis and 1 for all else."""

    def code(error: type[ResqueError]) -> int:
        return next(number for kind, number in CODES if issubclass(error, kind))

    assert [code(one) for one in (ConfigError, NoQueueError, ImportFailed, RedisTooOld, ResqueError)] == [
        2,
        2,
        3,
        4,
        1,
    ]


@pytest.mark.parametrize(
    "path", [path for path, one in ALL.items() if isinstance(one, click.Group)], ids=" ".join
)
def test_no_text_in_a_list_of_commands_is_cut(path: tuple[str, ...]) -> None:
    """The first sentence of each command says what it does in a line of 80 columns."""
    listed = run(*path, "--help", COLUMNS="80").stdout.split("Commands:\n")[1].splitlines()
    assert [line for line in listed if line.endswith("...")] == []
    assert all(len(line.split()) > 1 for line in listed)
