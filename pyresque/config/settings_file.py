"""The settings file: which one counts, and what stands in it.

It is the nearest `pyresque.toml`, or `pyproject.toml` with a table `[tool.pyresque]`, from the current
directory upwards; PYRESQUE_SETTINGS names another one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyresque.config.setting_kinds import Wrong
from pyresque.config.setting_table import COMMON, TABLES, Setting, settings_of
from pyresque.errors import ConfigError

OWN, PROJECT = "pyresque.toml", "pyproject.toml"
NAMED_BY = "PYRESQUE_SETTINGS"
"""The variable that names a settings file."""


@dataclass(frozen=True)
class SettingsFile:
    """What one file says.

    `tables` has for each command ("" for what stands at the top) its settings by name, as (value, key as it
    is written).
    """

    path: Path
    tables: dict[str, dict[str, tuple[Any, str]]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The path as messages show it."""
        return shown_path(self.path)


def find(folder: Path | None, env: Mapping[str, str]) -> SettingsFile | None:
    """The settings file that counts in a folder; None where there is none, or no folder any more.

    Raises:
        ConfigError: it cannot be read, or holds something that is not a setting.
    """
    if env.get(NAMED_BY):
        path = Path(env[NAMED_BY])
        content = _content(path, named=True)
        return _read(path, content or {})
    for parent in (folder, *folder.parents) if folder else ():
        for name in (OWN, PROJECT):
            path = parent / name
            # What lies where we may not look, or is a project's that we may not read, is not ours.
            is_ours = os.path.isfile(path) and (name == OWN or os.access(path, os.R_OK))
            content = _content(path) if is_ours and not _may_be_foreign(path) else None
            if content is not None:
                return _read(path, content)
    return None


def _may_be_foreign(path: Path) -> bool:
    """Whether it lies where everybody may write, as /tmp, and another user has put it there."""
    try:
        open_to_all = path.parent.stat().st_mode & stat.S_IWOTH
        return bool(open_to_all) and path.stat().st_uid not in (0, os.getuid())
    except OSError:
        return True


def _content(path: Path, named: bool = False) -> dict[str, Any] | None:
    """The settings in a file; None for a pyproject.toml that has none."""
    of_project = path.name == PROJECT
    try:
        data = path.read_bytes()
    except OSError as error:
        advice = f"; {NAMED_BY} names it" if named else ""
        raise ConfigError(f"cannot read {shown_path(path)}: {error.strerror}{advice}") from None
    if of_project and b"pyresque" not in data:
        return None
    import tomllib  # only where there is a file

    try:
        whole = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {shown_path(path)}: it is not TOML: {_why(error)}") from None
    if not of_project:
        return whole
    tool = whole.get("tool", {})
    content = tool.get("pyresque") if isinstance(tool, dict) else None
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{shown_path(path)}: tool.pyresque must be a table: write [tool.pyresque]")
    return content


def _why(error: Exception) -> str:
    """What is wrong and where, without the text itself, in which a password may stand."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _read(path: Path, content: Mapping[str, Any]) -> SettingsFile:
    file = SettingsFile(path.absolute())
    top = {key: value for key, value in content.items() if key not in TABLES}
    file.tables[""] = _table(file, "", top)
    for command in TABLES:
        if command in content:
            values = content[command]
            if not isinstance(values, dict):
                raise ConfigError(f"{file.shown}: {command} must be a table: write {_heading(file, command)}")
            file.tables[command] = _table(file, command, values)
    return file


def _heading(file: SettingsFile, command: str) -> str:
    """The heading of a table, as it is written in this file; empty for the top of a pyresque.toml."""
    parts = ["tool.pyresque", command] if file.path.name == PROJECT else [command]
    return f"[{'.'.join(filter(None, parts))}]" if any(parts) else ""


def _table(file: SettingsFile, command: str, values: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    where = ", ".join(filter(None, (file.shown, _heading(file, command))))
    read: dict[str, tuple[Any, str]] = {}
    for key, value in values.items():
        name = key.replace("_", "-")  # forgiven: other tools write settings so
        known = settings_of(command) if command else at_top()
        setting = next((setting for setting in known if name in setting.names), None)
        if setting is None:
            raise ConfigError(f"{where}: {_unknown(file, command, key)}")
        if setting.name in read:
            raise ConfigError(
                f"{where}: {read[setting.name][1]} and {key} are one setting: write one of them"
            )
        try:
            held = setting.kind.at(setting.kind.read(value), file.path.parent)
        except Wrong as error:
            raise ConfigError(f"{where}: {key} must be {error}, not {_kind_of(value, setting)}") from None
        read[setting.name] = (held, key)
    return read


def at_top() -> Iterator[Setting]:
    """The settings that may stand at the top: those of all commands, and those that can mean one only."""
    yield from COMMON
    for settings in TABLES.values():
        yield from (setting for setting in settings if not setting.apart)


def _unknown(file: SettingsFile, command: str, key: str) -> str:
    """What to say about a key that is not a setting there."""
    name = key.replace("_", "-")
    owners = [owner for owner in TABLES if any(name in setting.names for setting in TABLES[owner])]
    if owners and not command:
        tables = listed([_heading(file, owner) for owner in owners], "or")
        return f"{key} is a setting of {listed(owners, 'and')}: write it in {tables}"
    if owners:
        return f"{key} is not a setting of {command}, but of {listed(owners, 'and')}"
    known = [name for setting in (settings_of(command) if command else at_top()) for name in setting.names]
    near = near_miss(name, [*known, *([] if command else TABLES)])
    return f"{key} is not a setting{f' of {command}' if command else ''}: {near}"


def listed(names: Sequence[str], word: str) -> str:
    """`a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def near_miss(name: str, known: list[str]) -> str:
    """What to say about a name that is not among those that are known."""
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else "`pyresque config` lists all"


def _kind_of(value: object, setting: Setting) -> str:
    """A value as a message may show it."""
    kinds = ((bool, ""), ((int, float), ""), (str, ""), (list, "a list"), (dict, "a table"))
    shown = next((name for kind, name in kinds if isinstance(value, kind)), "a date or time")
    if shown:
        return shown
    if setting.kind.secret:
        return "a text that is empty" if value == "" else f"a {type(value).__name__}"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def shown_path(path: Path) -> str:
    """A path from the current directory on, where it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
