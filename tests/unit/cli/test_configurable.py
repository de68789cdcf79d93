"""Options that may be settings: every one of `work` and `scheduler`, over what is set elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest

from pyresque.cli.common_options import HELP, Settings
from pyresque.cli.root import program
from pyresque.config.setting_table import COMMON, TABLES, settings_of
from tests.unit.cli.in_process import run

OWN = "pyresque.toml"
NO_SETTINGS = {"help", "dynamic", "trial", "as_json", "hash_password"}
"""Options that are not settings: --dynamic does nothing, --trial is between two of our processes."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the current one; nothing of the user's own is set."""
    monkeypatch.chdir(tmp_path)
    for name in ("QUEUE", "QUEUES", "COUNT", "INTERVAL", "VERBOSE", "REDIS_URL", "RESQUE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def parsed(command: str, *words: str) -> dict[str, Any]:
    """The values that a command line gives to the options of a command."""
    parent = click.Context(program, obj=Settings(), **HELP)
    with program.commands[command].make_context(command, [*words], parent) as ctx:
        return ctx.params


@pytest.mark.parametrize("command", TABLES)
def test_every_option_is_a_setting_and_every_setting_an_option(command: str) -> None:
    """By its long names; a new option needs a line in config/setting_table.py and one in docs/settings.md."""
    options = [one for one in program.commands[command].params if isinstance(one, click.Option)]
    own = [one for one in options if one.name not in NO_SETTINGS]
    names = {opt.removeprefix("--") for one in own for opt in one.opts if opt.startswith("--")}
    settings = {name for setting in settings_of(command) for name in setting.names}
    assert settings - names <= {"failure-backend", "json-style", "redis-url"}
    assert names - settings == set()
    documented = (Path(__file__).parents[3] / "docs/settings.md").read_text("utf-8")
    assert [one.name for one in settings_of(command) if f"| `{one.name}` |" not in documented] == []


def test_the_common_options_are_settings_of_all() -> None:
    """Those that every command has."""
    names = {opt for one in program.params for opt in one.opts}
    assert {"--redis", "--namespace", "--require"} <= names
    assert {"redis", "namespace", "require"} <= {setting.name for setting in COMMON}


def test_what_is_not_given_is_taken_from_the_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind; an option wins over all, PYRESQUE_* over the file."""
    (folder / OWN).write_text(
        'queues = ["a,b", "c"]\nunknown = "park=x"\nrecover = "requeue=2"\ndrain = 3\nverbose = 2\n'
        'json-style = "rails"\nschedule = "s.yml"\ncatch-up = "all"\n[work]\nburst = true\nconcurrency = 4\n'
        'pidfile = "w.pid"\n[scheduler]\ninterval = 0.5\nquiet = true'
    )
    monkeypatch.setenv("PYRESQUE_MAX_RSS", "500")
    monkeypatch.setenv("PYRESQUE_CONCURRENCY", "5")
    work = parsed("work", "--drain", "9")
    assert work["queue"] == ("a", "b", "c")
    assert (work["unknown"].queue, work["recover"].limit) == ("x", 2)
    assert (work["drain"], work["verbose"], work["json_style"], work["burst"]) == (9, 2, "rails", True)
    assert (work["concurrency"], work["max_rss"], work["pidfile"]) == (5, 500, str(folder / "w.pid"))
    scheduler = parsed("scheduler", "-i", "2")
    assert (scheduler["schedule"], scheduler["catch_up"]) == (str(folder / "s.yml"), "all")
    assert (scheduler["interval"], scheduler["quiet"], scheduler["pidfile"]) == (2, True, None)
    assert parsed("enqueue", "X")["json_style"] == "rails"


def test_an_option_excludes_a_setting(folder: Path) -> None:
    """`work -q x` is meant, though the file names a pool file, and the reverse."""
    (folder / OWN).write_text('pool-file = "pool.yml"')
    assert parsed("work")["pool_file"] == str(folder / "pool.yml")
    assert parsed("work", "-q", "x")["pool_file"] is None
    (folder / OWN).write_text('queues = "a"\nconcurrency = 2')
    given = parsed("work", "-c", "other.yml")
    assert (given["queue"], given["concurrency"], given["pool_file"]) == ((), None, "other.yml")


def test_what_only_the_option_can_judge(folder: Path) -> None:
    """A length of time: a wrong one is told with the place where it stands."""
    (folder / OWN).write_text('max-age = 90\n[top]\nmax-age = "1 day"\ninterval = "2s"')
    assert parsed("health")["max_age"].total_seconds() == 90
    assert parsed("top")["max_age"].days == 1
    (folder / OWN).write_text('[health]\nmax-age = "soon"')
    result = run("health")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("Error: pyresque.toml [health] max-age: 'soon' is not a length of time")
    result = run("health", PYRESQUE_SETTINGS=os.devnull, PYRESQUE_MAX_AGE="soon")
    assert result.stderr.startswith("Error: PYRESQUE_MAX_AGE: 'soon' is not")
    assert "Invalid value for '--max-age'" in run("health", "--max-age", "soon").stderr


def test_help_needs_no_settings(folder: Path) -> None:
    """Nor do the commands that use none."""
    (folder / OWN).write_text("no = toml = at all")
    for words in (["--help"], ["work", "--help"], ["scheduler", "-h"], ["config", "-h"], ["--version"]):
        assert run(*words).exit_code == 0
    for words in (["work"], ["scheduler"], ["info"], ["enqueue", "-q", "x", "X"], ["config"]):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: cannot read pyresque.toml: it is not TOML: ")
        assert result.stderr.count("\n") == 1


def test_config_shows_values_and_where_they_come_from(folder: Path) -> None:
    """Each setting once, more often only where a command has another value; no password."""
    (folder / OWN).write_text(
        'redis = "redis://me:geheim@db:1/2?password=geheim"\nrequire = ["a"]\ndrain = 3\n'
        '[work]\nrequire = "b"'
    )
    shown = run("config", QUEUE="x,y", PYRESQUE_TIMEOUT="60", COLUMNS="200").stdout
    assert shown.startswith(f"settings file: {folder / OWN}\n")
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[2:]}
    assert rows["redis"] == ["redis://db:1/2", "pyresque.toml", "redis"]
    assert rows["namespace"] == ["resque", "default"]
    assert rows["require"] == ["a", "pyresque.toml", "require"]
    assert rows["work.require"] == ["b", "pyresque.toml", "[work]", "require"]
    assert "scheduler.require" not in rows
    assert rows["work.queues"] == ["x,y", "QUEUE"]
    assert rows["work.timeout"] == ["60", "PYRESQUE_TIMEOUT"]
    assert rows["work.drain"] == ["3", "pyresque.toml", "drain"]
    assert rows["scheduler.lock-timeout"] == ["180", "default"]
    assert "geheim" not in shown
    told = run(
        "--redis", "redis://:geheim@other:2", "--namespace", "n", "config", "-r", "m", COLUMNS="200"
    ).stdout
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines()[2:]}
    assert rows["redis"] == ["redis://other:2", "--redis"]
    assert (rows["namespace"], rows["require"]) == (["n", "--namespace"], ["m", "--require"])


def test_config_for_programs(folder: Path) -> None:
    """With --json each setting is a document, with its value as it is."""
    (folder / OWN).write_text('queues = ["a"]')
    lines = [json.loads(line) for line in run("config", "--json").stdout.splitlines()]
    [queues] = [one for one in lines if one["setting"] == "queues"]
    assert queues == {
        "setting": "queues", "command": "work", "value": ["a"], "from": "file",
        "source": "pyresque.toml queues", "file": str(folder / OWN),
    }  # fmt: skip
    assert {one["from"] for one in lines} == {"file", "default"}
