"""Reading the YAML files that a team shares with its Ruby side: a schedule, a pool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pyresque.errors import ConfigError

_MOST = 100_000
"""So many values a file may hold, those that its aliases repeat counted each time."""


def read_mapping(path: str, what: str, meant: str, hint: str = "") -> dict[Any, Any]:
    """What a YAML file says; {} for an empty one.

    Args:
        path: where it is.
        what: what it is called in errors ("the schedule").
        meant: what is to be in it, as the end of an error's sentence.
        hint: more to say where it cannot be read.

    Raises:
        ConfigError: it cannot be read, is no UTF-8 or YAML, holds no mapping, or needs Ruby (ERB tags).
    """
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8 text"
        raise ConfigError(f"cannot read {what} {path}: {reason}{hint}") from None
    _refuse_erb(text, f"{what} {path}")
    found = _parsed(text, f"{what} {path}")
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{what} {path} {meant}")
    return found or {}


def _refuse_erb(text: str, name: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if "<%" in line and not line.lstrip().startswith("#"):
            raise ConfigError(
                f"line {number} of {name} holds an ERB tag ({line.strip()[:60]}), which only Ruby can fill "
                "in: write what it gives instead"
            )


def _weighed(value: Any, left: list[int]) -> None:
    # Anchors make a value that holds itself, or a few lines that stand for millions.
    left[0] -= 1
    if left[0] < 0:
        raise RecursionError
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        _weighed(one, left)


def _parsed(text: str, name: str) -> Any:
    import yaml  # only for those who have a file

    try:
        found = yaml.safe_load(text)
        _weighed(found, [_MOST])
        return found
    except RecursionError:
        raise ConfigError(f"{name} refers to itself, or is nested too deep: write its lists out") from None
    except Exception as error:
        # Not its YAMLError alone: what it cannot make of a date or a tagged value raises whatever comes.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} of " if mark else ""
        problem = getattr(error, "problem", None) or (
            "a character that it must not hold"
            if isinstance(error, yaml.YAMLError)
            else f"a date, a number or a tagged value that is none ({type(error).__name__}: {error})"
        )
        quotes = "; a name that begins with * or ! needs quotes" if re.search(r"^\s*[*!]", text, re.M) else ""
        raise ConfigError(f"{where}{name} is no YAML: {problem}{quotes}") from None
