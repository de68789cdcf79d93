"""`pyresque config`: every setting, what it is, and who says it."""

import json

import pytest

from pyresque.config.setting_table import TABLES, settings_of
from tests.unit.cli.in_process import run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def documents(*words, **env):
    result = run("config", "--json", *words, **env)
    assert result.exit_code == 0
    return {(row["command"], row["setting"]): row for row in map(json.loads, result.stdout.splitlines())}


def test_all_settings_are_listed():
    listed = documents()
    assert {name for command, name in listed if command is None} == {
        setting.name for setting in settings_of("")
    }
    assert {command for command, _ in listed} == {None, *TABLES}


def test_each_tells_where_it_comes_from(folder):
    (folder / "pyresque.toml").write_text('namespace = "file"\n[work]\ntimeout = 7\n')
    rows = documents(FAILURE_BACKEND="redis_multi_queue", PYRESQUE_WORK_DRAIN="3")
    assert (rows[None, "namespace"]["value"], rows[None, "namespace"]["from"]) == ("file", "file")
    assert (rows["work", "timeout"]["value"], rows["work", "timeout"]["source"]) == (
        7,
        "pyresque.toml [work] timeout",
    )
    assert rows[None, "failure-backend"]["source"] == "FAILURE_BACKEND"
    assert rows["work", "drain"]["value"] == 3
    assert rows[None, "json-style"]["from"] == "default"


def test_a_password_is_not_shown(folder):
    for words in ([], ["--json"]):
        result = run("config", *words, REDIS_URL="redis://user:hunter2@localhost:6379/0")
        assert "hunter2" not in result.stdout + result.stderr
        assert "localhost:6379" in result.stdout
