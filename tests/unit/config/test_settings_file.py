"""The settings file: which one counts, and what a wrong one says."""

import pytest

from pyresque.config.settings_file import NAMED_BY, SettingsFile, find, listed, near_miss, shown_path
from pyresque.errors import ConfigError


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def value(file: SettingsFile | None, name, command=""):
    assert file is not None
    return file.tables[command][name][0]


def test_the_nearest_file_counts(tmp_path):
    write(tmp_path / "pyresque.toml", 'namespace = "far"')
    below = tmp_path / "app" / "deep"
    below.mkdir(parents=True)
    assert value(find(below, {}), "namespace") == "far"
    write(tmp_path / "app" / "pyproject.toml", "[project]\nname = 'x'")
    assert value(find(below, {}), "namespace") == "far"
    write(tmp_path / "app" / "pyproject.toml", '[tool.pyresque]\nnamespace = "project"')
    assert value(find(below, {}), "namespace") == "project"
    write(tmp_path / "app" / "pyresque.toml", 'namespace = "own"')
    assert value(find(below, {}), "namespace") == "own"


def test_a_variable_names_another_file_which_must_be_there(tmp_path):
    write(tmp_path / "pyresque.toml", 'namespace = "near"')
    other = write(tmp_path / "other.toml", 'namespace = "other"')
    assert value(find(tmp_path, {NAMED_BY: str(other)}), "namespace") == "other"
    with pytest.raises(ConfigError, match=rf"cannot read .*: No such file.*; {NAMED_BY} names it"):
        find(tmp_path, {NAMED_BY: str(tmp_path / "gone.toml")})


def test_without_a_file_or_a_folder_there_is_none(tmp_path):
    assert find(None, {}) is None


def test_a_table_is_for_its_command_and_keys_may_have_underscores(tmp_path):
    write(tmp_path / "pyresque.toml", 'failure_backend = "redis"\n[work]\ntimeout = 5\nqueue = "a,b"')
    file = find(tmp_path, {})
    assert (value(file, "failure-backend"), value(file, "timeout", "work")) == ("redis", 5)
    assert value(file, "queues", "work") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("namespace = ", "it is not TOML"),
        ("namespace = 5", "namespace must be a text, not 5"),
        ("namespcae = 'x'", "namespcae is not a setting: did you mean namespace?"),
        ("redis = 7", "redis must be a Redis URL, not a int"),
        ("work = 5", r"work must be a table: write \[work\]"),
        ("interval = 5", r"interval is a setting of work, scheduler and top: write it in"),
        ("[work]\ncatch-up = 'all'", "catch-up is not a setting of work, but of scheduler"),
        ("redis = 'a'\nredis-url = 'b'", "redis and redis-url are one setting: write one of them"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(tmp_path, text, message):
    write(tmp_path / "pyresque.toml", text)
    with pytest.raises(ConfigError, match=message):
        find(tmp_path, {})


def test_a_value_that_may_be_secret_is_not_shown(tmp_path):
    write(tmp_path / "pyresque.toml", "redis = ['hunter2']")
    with pytest.raises(ConfigError) as raised:
        find(tmp_path, {})
    assert "hunter2" not in str(raised.value)


def test_words():
    assert [listed(names, "or") for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a or b",
        "a, b or c",
    ]
    assert near_miss("xyz", ["queue"]) == "`pyresque config` lists all"


def test_a_path_below_the_current_directory_is_shown_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / "b") == "a/b"
    assert shown_path(tmp_path.parent) == str(tmp_path.parent)
