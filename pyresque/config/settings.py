"""The settings: what PYRESQUE_* variables, Ruby's variables and a settings file say together.

Who stands nearer to the command line wins: an option, PYRESQUE_*, Ruby's variables, the file, the default.
Within PYRESQUE_* and the file, what is said for one command wins over what is said for all.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyresque.config import env as rubys
from pyresque.config.env import Config
from pyresque.config.options import STYLES
from pyresque.config.server_setting import DEFAULT_SERVER, parse_server
from pyresque.config.setting_kinds import Wrong
from pyresque.config.setting_table import RIVALS, TABLES, Setting, settings_of
from pyresque.config.settings_file import NAMED_BY, SettingsFile, at_top, find, listed, near_miss
from pyresque.errors import ConfigError

PREFIX = "PYRESQUE_"


class Rank(enum.IntEnum):
    """Who says a setting, the nearest to the command line last."""

    DEFAULT = 0
    FILE = 1
    RUBY = 2
    PYRESQUE = 3
    OPTION = 4


@dataclass(frozen=True)
class SettingValue:
    """A setting's value, and where it comes from: a variable, a file with the key, an option, `default`."""

    value: Any
    rank: Rank
    source: str


class Settings:
    """What is set where a program runs.

    Args:
        file: the settings file, if there is one.
        env: the environment.

    Raises:
        ConfigError: a PYRESQUE_* variable cannot be used.
    """

    def __init__(self, file: SettingsFile | None, env: Mapping[str, str]) -> None:
        self.file = file
        self._env = env
        self._variables = _variables(env)

    @cached_property
    def config(self) -> Config:
        """What Ruby's variables say.

        Raises:
            ConfigError: one of them holds something that it cannot mean.
        """
        overruling = [
            name for (_, name), (value, _) in self._variables.items() if value is False or name == "verbose"
        ]
        # PYRESQUE_QUIET=0 wins over QUIET=1, which could not be taken back otherwise.
        over = {
            variable
            for _, setting in every_setting()
            if setting.name in overruling
            for variable in setting.ruby
        }
        return Config.from_env({name: text for name, text in self._env.items() if name not in over})

    def find(self, command: str, name: str) -> SettingValue:
        """The value of a setting for a command ("" for any), and who says it.

        Raises:
            ConfigError: nobody says it but Ruby's variables, and one of them cannot be used.
        """
        setting = next(setting for setting in settings_of(command) if name in setting.names)
        return self._said(command, setting) or self._rest(setting)

    def given(self, command: str, options: Collection[str] = ()) -> dict[str, SettingValue]:
        """What PYRESQUE_* and the file say for a command, without what something nearer excludes.

        Args:
            command: its name.
            options: the names of the settings that its command line gives.
        """
        values = {setting.name: self._said(command, setting) for setting in settings_of(command)}
        given = {name: value for name, value in values.items() if value is not None and name not in options}
        return {
            name: value for name, value in given.items() if not self._excluded(command, name, given, options)
        }

    @property
    def sources(self) -> dict[str, str]:
        """Where each setting comes from, by its name; `work.drain` for one of a command."""
        return {
            f"{command}.{setting.name}" if command else setting.name: self.find(command, setting.name).source
            for command, setting in every_setting()
        }

    def redis_setting(self, server: str | None = None, namespace: str | None = None) -> RedisSetting:
        """Where Redis is, and the namespace, unless they are given here.

        Raises:
            ConfigError: a server setting cannot be read.
        """
        return self.redis_setting_for("", server, namespace)

    def redis_setting_for(self, command: str, server: str | None, namespace: str | None) -> RedisSetting:
        """The same for a command.

        Raises:
            ConfigError: a server setting cannot be read.
        """
        address = SettingValue(server, Rank.OPTION, "--redis") if server else self.find(command, "redis")
        named = parse_server(address.value).namespace
        spoken = self.find(command, "namespace")
        if namespace is not None:
            spoken = SettingValue(namespace, Rank.OPTION, "--namespace")
        elif named is not None and address.rank > spoken.rank:
            spoken = SettingValue(named, address.rank, address.source)
        return RedisSetting(address, spoken)

    def _said(self, command: str, setting: Setting) -> SettingValue | None:
        """What PYRESQUE_* or the file says, unless a variable of Ruby's does."""
        for scope in dict.fromkeys((command, "")):
            if (scope, setting.name) in self._variables and not (setting.apart and not scope):
                value, variable = self._variables[scope, setting.name]
                return SettingValue(value, Rank.PYRESQUE, variable)
        if setting.said_by_ruby(self._env) or self.file is None:
            return None
        for scope in dict.fromkeys((command, "")):
            held = self.file.tables.get(scope, {}).get(setting.name)
            if held is not None and not (setting.apart and not scope):
                value, key = held
                table = f" [{scope}]" if scope else ""
                return SettingValue(value, Rank.FILE, f"{self.file.path.name}{table} {key}")
        return None

    def _rest(self, setting: Setting) -> SettingValue:
        """What Ruby's variables say, else the default."""
        variable = setting.said_by_ruby(self._env)
        value = _DIRECT[setting.name](self._env) if setting.name in _DIRECT else setting.result(self.config)
        return (
            SettingValue(value, Rank.RUBY, variable)
            if variable
            else SettingValue(value, Rank.DEFAULT, "default")
        )

    def _excluded(
        self, command: str, name: str, given: Mapping[str, SettingValue], options: Collection[str]
    ) -> bool:
        """Whether something nearer to the command line excludes a setting."""
        known = {setting.name: setting for setting in settings_of(command)}
        for rival in [pair[1 - pair.index(name)] for pair in RIVALS if name in pair]:
            if rival not in known:
                continue
            if rival in options:
                return True
            other = given.get(rival)
            rank = other.rank if other and other.value else Rank.DEFAULT
            if known[rival].said_by_ruby(self._env):
                rank = max(rank, Rank.RUBY if known[rival].result(self.config) else Rank.DEFAULT)
            if rank > given[name].rank:
                return True
        return False


_DIRECT: dict[str, Callable[[Mapping[str, str]], str]] = {
    "redis": rubys.server,
    "namespace": lambda env: env.get("RESQUE_NAMESPACE") or "resque",
    "failure-backend": rubys.failure_backend,
    "json-style": lambda _: STYLES[0],
}
"""What is wanted where the other variables do not matter: in a web process, COUNT may hold anything."""


@dataclass(frozen=True)
class RedisSetting:
    """Where Redis is, and what every key begins with."""

    redis: SettingValue
    named: SettingValue

    @property
    def server(self) -> str:
        """Where Redis is, as it was written."""
        return str(self.redis.value or DEFAULT_SERVER)

    @property
    def namespace(self) -> str | None:
        """The namespace; None where nobody asked for one."""
        return None if self.named.rank == Rank.DEFAULT else str(self.named.value)


def load(folder: Path | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings that hold in a folder (the current one) and an environment.

    Raises:
        ConfigError: the settings file or a PYRESQUE_* variable cannot be used.
    """
    return Settings(find(folder or current_folder(), env), env)


def current_folder() -> Path | None:
    """The current directory; None if somebody has removed it."""
    try:
        return Path.cwd()
    except OSError:
        return None


def every_setting() -> list[tuple[str, Setting]]:
    """Every setting with its command, as they are listed: first what all commands have."""
    return [("", setting) for setting in settings_of("")] + [
        (command, setting) for command, settings in TABLES.items() for setting in settings
    ]


def _variables(env: Mapping[str, str]) -> dict[tuple[str, str], tuple[Any, str]]:
    """What the PYRESQUE_* variables say: (command, setting) -> (value, variable)."""
    values: dict[tuple[str, str], tuple[Any, str]] = {}
    for variable in sorted(env):
        if not variable.startswith(PREFIX) or not env[variable] or variable in _OTHERS:
            continue
        if _is_of_kubernetes(variable, env[variable]):
            continue
        owner = _owner(variable)
        if owner is None:
            continue
        command, setting = owner
        if (command, setting.name) in values:
            raise ConfigError(
                f"{values[command, setting.name][1]} and {variable} are one setting: set one of them"
            )
        try:
            values[command, setting.name] = (setting.kind.parse(env[variable]), variable)
        except Wrong as error:
            shown = "what it holds" if setting.kind.secret else repr(env[variable])
            raise ConfigError(f"{variable} must be {error}, not {shown}") from None
    return values


_OTHERS = (NAMED_BY, "PYRESQUE_POOL", "PYRESQUE_REDIS_SERVER")
"""Variables of ours that are not settings."""

_OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)|_PORT(_\d+_|$)")
"""What a service makes in every container: PYRESQUE_PORT, PYRESQUE_WORKER_SERVICE_HOST."""


def _is_of_kubernetes(variable: str, value: str) -> bool:
    """Whether a service has made it; a service `pyresque-web` makes PYRESQUE_WEB_PORT, with a URL in it."""
    is_setting = variable in _variable_names() and "://" not in value
    return not is_setting and _OF_KUBERNETES.search(variable) is not None


def _owner(variable: str) -> tuple[str, Setting] | None:
    """The command and the setting of a variable; None for one of other programs.

    Raises:
        ConfigError: there is no such setting, but one with nearly that name.
    """
    known = _variable_names()
    if variable in known:
        command, setting = known[variable]
        if setting.apart and not command:
            owners = [
                owner_name
                for owner_name in TABLES
                if setting.name in [each.name for each in TABLES[owner_name]]
            ]
            names = listed([_variable(owner_name, setting.name) for owner_name in owners], "or")
            raise ConfigError(f"{variable} does not say which command it is for: set {names}")
        return known[variable]
    import difflib

    near = difflib.get_close_matches(
        variable.removeprefix(PREFIX), [name[len(PREFIX) :] for name in known], 1, 0.8
    )
    if near:
        raise ConfigError(f"{variable} is not a setting: {near_miss(variable, [PREFIX + near[0]])}")
    return None


def _variable_names() -> dict[str, tuple[str, Setting]]:
    known: dict[str, tuple[str, Setting]] = {}
    for command in ("", *TABLES):
        settings = settings_of(command) if command else [*at_top(), *_apart()]
        for setting in settings:
            known.update({_variable(command, name): (command, setting) for name in setting.names})
    return known


def _apart() -> list[Setting]:
    return [setting for settings in TABLES.values() for setting in settings if setting.apart]


def _variable(command: str, name: str) -> str:
    return PREFIX + "_".join(filter(None, (command, name))).upper().replace("-", "_")
