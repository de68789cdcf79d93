"""The table of settings: each has a name of its own, and a value of its own kind."""

import pytest

from pyresque.config.env import Config
from pyresque.config.setting_kinds import Text, Wrong
from pyresque.config.setting_table import COMMON, RIVALS, TABLES, settings_of

COMMANDS = sorted(TABLES)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_has_two_settings_of_one_name(command):
    names = [name for setting in settings_of(command) for name in setting.names]
    assert len(names) == len(set(names))
    assert {setting.name for setting in COMMON} <= set(names)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_holds_where_nothing_is_set_could_be_set(command):
    for setting in settings_of(command):
        value = setting.result(Config())
        if value is not None and value != [] and not isinstance(value, tuple):
            try:
                assert setting.kind.read(value) == (
                    str(value) if setting.kind.meant.startswith("a length") else value
                )
            except Wrong:
                assert value in ("", 0, 0.0), (setting.name, value)  # switched off


def test_rivals_are_settings_of_one_command():
    for pair in RIVALS:
        assert any(set(pair) <= {setting.name for setting in settings_of(command)} for command in COMMANDS), (
            pair
        )


def test_a_variable_of_rubys_counts_where_ruby_takes_it_for_set():
    by_name = {setting.name: setting for command in COMMANDS for setting in settings_of(command)}
    assert by_name["redis"].said_by_ruby({"REDIS_URL": ""}) == ""
    assert by_name["redis"].said_by_ruby({"RESQUE_REDIS_URL": "x"}) == "RESQUE_REDIS_URL"
    assert by_name["redis"].said_by_ruby({"REDIS_URL": "y", "RESQUE_REDIS_URL": "x"}) == "REDIS_URL"
    assert by_name["drain"].said_by_ruby({"TERM_CHILD": ""}) == "TERM_CHILD"
    assert all(isinstance(setting.kind, Text) for setting in by_name.values())
