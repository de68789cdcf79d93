"""What a setting may hold: how it is read from a settings file, and from a PYRESQUE_* variable.

Each kind says what it takes in words (`meant`), so that a wrong value can be told what to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyresque.errors import ConfigError

_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off")


class Wrong(Exception):
    """A value that a setting cannot hold; the text says what it can."""


@dataclass(frozen=True)
class Text:
    """A text that is not empty; `secret` if no message may show it."""

    meant: str = "a text"
    secret: bool = False

    def read(self, value: object) -> Any:
        """A value of a settings file.

        Raises:
            Wrong: it cannot be one of this setting.
        """
        if not isinstance(value, str) or not value or "\0" in value:  # which no path can have
            raise Wrong(self.meant)
        return value

    def parse(self, text: str) -> Any:
        """The text of a variable.

        Raises:
            Wrong: it cannot be one of this setting.
        """
        return self.read(text)

    def at(self, value: Any, _folder: Path) -> Any:
        """The value as it is meant in a file that lies in this folder."""
        return value


@dataclass(frozen=True)
class File(Text):
    """The path of a file; a relative one begins where the settings file lies."""

    meant: str = "the path of a file"

    def at(self, value: Any, folder: Path) -> Any:
        """The path, from that folder on."""
        return str(folder / value)


@dataclass(frozen=True)
class Names(Text):
    """Several names: a list, or one text with commas."""

    meant: str = "a list of texts"
    files: bool = False

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise Wrong(self.meant)
        return [part.strip() for name in names for part in name.split(",") if part.strip()]

    def at(self, value: Any, folder: Path) -> Any:
        """The names; of modules those that are written as files, from that folder on."""
        if not self.files:
            return value
        return [str(folder / name) if name.endswith(".py") or "/" in name else name for name in value]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


@dataclass(frozen=True)
class Switch(Text):
    """True or false."""

    meant: str = "true or false"

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if not isinstance(value, bool):
            raise Wrong(self.meant)
        return value

    def parse(self, text: str) -> Any:
        """See `Text.parse`."""
        if text.lower() not in (*_YES, *_NO):
            raise Wrong("1 or 0, true or false")
        return text.lower() in _YES


@dataclass(frozen=True)
class Number(Text):
    """A whole number, at least `least`."""

    meant: str = "a whole number above 0"
    least: float = 1

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value < 1e9:
            raise Wrong(self.meant)
        return value

    def parse(self, text: str) -> Any:
        """See `Text.parse`."""
        try:
            return self.read(int(text))
        except ValueError:
            raise Wrong(self.meant) from None


@dataclass(frozen=True)
class Seconds(Text):
    """A number of seconds; with `above` it must be more than 0."""

    meant: str = "a number of seconds"
    above: bool = False

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
            raise Wrong(self.meant)
        if self.above and not value:
            raise Wrong(f"{self.meant} above 0")
        return value

    def parse(self, text: str) -> Any:
        """See `Text.parse`."""
        try:
            return self.read(float(text))
        except ValueError:
            raise Wrong(self.meant) from None


@dataclass(frozen=True)
class Choice(Text):
    """One of some words."""

    words: tuple[str, ...] = ()

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if value not in self.words:
            raise Wrong(f"one of {', '.join(self.words)}")
        return value


@dataclass(frozen=True)
class Policy(Text):
    """A text that an option has a grammar for."""

    grammar: Callable[[str], object] = str

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if not isinstance(value, str):
            raise Wrong(self.meant)
        try:
            self.grammar(value)
        except ConfigError:
            raise Wrong(self.meant) from None
        return value
