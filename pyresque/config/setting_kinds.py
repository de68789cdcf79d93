"""What a setting may hold: how it is read from a settings file, and from a PYRESQUE_* variable.

Each kind says what it takes in words (`meant`), so that a wrong value can be told what to be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyresque.errors import ConfigError

_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off")
_ENDLESS = 1e9
"""So long nobody waits, and so much nobody counts."""
_DIGITS = 12


class Wrong(Exception):
    """A value that a setting cannot hold; the text says what it can."""


class Text:
    """A text that is not empty; `secret` if no message may show it."""

    meant = "a text"

    def __init__(self, meant: str = "", *, secret: bool = False) -> None:
        self.meant = meant or self.meant
        self.secret = secret

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


class File(Text):
    """The path of a file; a relative one begins where the settings file lies."""

    meant = "the path of a file"

    def at(self, value: Any, folder: Path) -> Any:
        """The path, from that folder on."""
        return str(folder / value)


class Names(Text):
    """Several names: a list, or one text with commas."""

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise Wrong(self.meant)
        return [part.strip() for name in names for part in name.split(",") if part.strip()]


class Modules(Names):
    """Modules; those that are written as files begin where the settings file lies."""

    meant = "a list of modules"

    def at(self, value: Any, folder: Path) -> Any:
        """The modules, files from that folder on."""
        return [str(folder / name) if name.endswith(".py") or "/" in name else name for name in value]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


class Switch(Text):
    """True or false."""

    meant = "true or false"

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


class Number(Text):
    """A whole number, at least `least`."""

    meant = "a whole number above 0"

    def __init__(self, meant: str = "", *, least: int = 1) -> None:
        super().__init__(meant)
        self._least = least

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if isinstance(value, bool) or not isinstance(value, int) or not self._least <= value < _ENDLESS:
            raise Wrong(self.meant)
        return value

    def parse(self, text: str) -> Any:
        """See `Text.parse`."""
        if not text.isascii() or not text.isdecimal():
            raise Wrong(self.meant)
        return self.read(int(text[:_DIGITS]))


class Seconds(Text):
    """A number of seconds; with `above` it must be more than 0."""

    meant = "a number of seconds"

    def __init__(self, *, above: bool = False) -> None:
        super().__init__(f"{self.meant} above 0" if above else "")
        self._above = above

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _ENDLESS:
            raise Wrong(self.meant)
        if self._above and not value:
            raise Wrong(self.meant)
        return value

    def parse(self, text: str) -> Any:
        """See `Text.parse`."""
        try:
            return self.read(float(text))
        except ValueError:
            raise Wrong(self.meant) from None


class LengthOfTime(Text):
    """A length of time as an option takes it, such as "10 min"; a number is in seconds."""

    meant = 'a length of time such as "10min", or a number of seconds'

    def read(self, value: object) -> Any:
        """See `Text.read`. Whether a text is one is for the option to say."""
        if not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value < _ENDLESS:
            return str(value)
        return super().read(value)


class Choice(Text):
    """One of some words."""

    def __init__(self, *, words: tuple[str, ...]) -> None:
        super().__init__(f"one of {', '.join(words)}")
        self._words = words

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if value not in self._words:
            raise Wrong(self.meant)
        return value


class Policy(Text):
    """A text that an option has a grammar for."""

    def __init__(self, meant: str, *, grammar: Callable[[str], object]) -> None:
        super().__init__(meant)
        self._grammar = grammar

    def read(self, value: object) -> Any:
        """See `Text.read`."""
        if not isinstance(value, str):
            raise Wrong(self.meant)
        try:
            self._grammar(value)
        except ConfigError:
            raise Wrong(self.meant) from None
        return value
