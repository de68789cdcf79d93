"""Reading the YAML files that a team shares with its Ruby side: a schedule, a pool.

The syntax is that of PyYAML's parser: libyaml where PyYAML has it, as in Ruby. What the values mean is
Psych's rule (nodes.py). What is handed out is what JSON makes of them, for resque-scheduler
sends every entry through JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyresque.errors import ConfigError
from pyresque.log import Log
from pyresque.yaml.nodes import Hash, Reader, Unwritable, as_json, key_text

logger = Log("pyresque.yaml")

_MOST = 100_000
"""So many values a file may hold, those that its aliases repeat counted each time."""

_ERB = re.compile(r"^(?:[^#\n]|(?<=[^\s])#)*<%", re.MULTILINE)
"""A tag outside a comment."""


@dataclass(frozen=True)
class Item:
    """One name of the mapping that a file holds: its value, and the line in which the name stands."""

    name: str
    value: Any
    line: int
    is_text: bool
    """Whether the name is a text (or symbol) in the file; else it is what Ruby's `to_s` makes of it."""
    refused: str = ""
    """Why JSON cannot hold the value, which then is None."""

    @property
    def has_odd_name(self) -> bool:
        """Whether the name is `on`, `~` or the like, without quotes: Ruby sees true, false or nil there."""
        return not self.is_text and self.name in ("", "true", "false")


def read_mapping(path: str, title: str, meant: str, hint: str = "") -> list[Item]:
    """What a YAML file says; nothing for an empty one. Of several documents it is the first, as in Ruby.

    Args:
        path: where it is.
        what: what it is called in errors ("the schedule").
        meant: what is to be in it, as the end of an error's sentence.
        hint: more to say where it cannot be read.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or YAML, holds no mapping, or needs Ruby (ERB tags).
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
        raise ConfigError(f"cannot read {title} {path}: {reason}{hint}") from None
    name = f"{title} {path}"
    try:
        content = _parsed(text, name)
        if content is None or content is False:
            return []
        if not isinstance(content, Hash):
            raise ConfigError(f"{name} {meant}")
        left = [_MOST]
        return [_item(key, value, line, left) for key, value, line in content.items()]
    except RecursionError:
        raise ConfigError(f"{name} refers to itself, or is nested too deep: write its lists out") from None


def _item(key: Any, value: Any, line: int, left: list[int]) -> Item:
    is_text = isinstance(key, str)
    try:
        return Item(key_text(key), as_json(value, left), line, is_text)
    except Unwritable as error:
        return Item(key_text(key), None, line, is_text, str(error))


def _parsed(text: str, name: str) -> Any:
    import yaml  # only for those who have a file

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        reader = Reader(yaml.parse(text, Loader=loader))
        document = reader.document()
    except RecursionError:
        raise
    except Exception as error:  # whatever class a parser has for what it cannot read
        _refuse_erb(text, name)
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} of " if mark else ""
        problem = getattr(error, "problem", None) or "a character that it must not hold"
        quotes = "; a name that begins with * or ! needs quotes" if re.search(r"^\s*[*!]", text, re.M) else ""
        raise ConfigError(f"{where}{name} is not YAML: {problem}{quotes}") from None
    if reader.erb_line:
        _refuse_erb(text, name, reader.erb_line)
    for line, note in reader.notes:
        logger.warning("line %d of %s: %s", line, name, note)
    return document


def _refuse_erb(text: str, name: str, number: int = 0) -> None:
    erb = _ERB.search(text)
    number = number or (text.count("\n", 0, erb.end()) + 1 if erb else 0)
    if number:
        line = text.splitlines()[number - 1].strip()
        raise ConfigError(
            f"line {number} of {name} holds an ERB tag ({line[:60]}), which only Ruby can fill in: write "
            "what it gives instead"
        )
