"""`pyresque config`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from pyresque.cli.common_options import Settings, common, json_option, pass_settings
from pyresque.cli.json_output import json_line
from pyresque.cli.output import echo, table
from pyresque.config.server_setting import without_login
from pyresque.config.setting_table import TABLES, settings_of
from pyresque.config.settings import Rank, SettingValue


@click.command()
@json_option
@common
@pass_settings
def config(settings: Settings, as_json: bool) -> None:
    """Show every setting, and where its value comes from. No password is shown.

    The first of these that says something wins: an option, a variable PYRESQUE_*, one of Ruby's variables,
    the settings file, the default. The settings file is the nearest pyresque.toml, or pyproject.toml with
    [tool.pyresque], from the current directory upwards.
    """
    every = list(_all(settings))
    file = settings.stored.file
    if as_json:
        for command, name, setting in every:
            json_line(
                {
                    "setting": name,
                    "command": command or None,
                    "value": _value(name, setting),
                    "from": setting.rank.name.lower(),
                    "source": setting.source,
                    "file": str(file.path) if file else None,
                }
            )
        return
    echo(f"settings file: {file.path if file else 'none'}")
    rows = [
        (f"{command}.{name}" if command else name, _told(_value(name, setting)), setting.source)
        for command, name, setting in every
    ]
    table(("SETTING", "VALUE", "FROM"), rows, whole=("SETTING", "FROM"))


def _all(settings: Settings) -> Iterator[tuple[str, str, SettingValue]]:
    """Command ("" for all), name, and what holds; what all commands have once more where one differs."""
    stored = settings.stored
    for command in ("", *TABLES):
        own_names = {setting.name for setting in TABLES.get(command, ())}
        for setting in settings_of(command):
            value = _given(settings, setting.name) or stored.find(command, setting.name)
            if (
                not command
                or setting.name in own_names
                or value.source != stored.find("", setting.name).source
            ):
                yield command, setting.name, value


def _given(settings: Settings, name: str) -> SettingValue | None:
    """What the command line says."""
    if name in ("redis", "namespace"):
        redis_setting = settings.stored.redis_setting(settings.redis, settings.namespace)
        value = redis_setting.redis if name == "redis" else redis_setting.named
        return value if value.rank == Rank.OPTION else None
    if name == "require" and settings.modules:
        return SettingValue(settings.modules, Rank.OPTION, "--require")
    return None


def _value(name: str, setting: SettingValue) -> Any:
    return without_login(str(setting.value)) if name == "redis" else setting.value


def _told(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(value) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
