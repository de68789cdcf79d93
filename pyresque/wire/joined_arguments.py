"""Arguments as one text, as the Ruby plugins make it for the names of their keys.

See docs/protocol/core.md#arguments-as-text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from pyresque.wire.ruby_inspect import inspect


def joined(args: Sequence[Any]) -> str:
    """Ruby's `args.join("-")`: nil is empty, lists are flattened, an object is shown as `inspect` does."""
    return "-".join(map(_text, args))


def digest(args: Sequence[Any]) -> str:
    """What tells jobs of one class apart for resque-retry; empty where `joined` is, as in Ruby."""
    text = joined(args)
    return hashlib.sha1(text.encode("utf-8", "replace")).hexdigest() if text else ""  # noqa: S324 (as Ruby)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return joined(value) if isinstance(value, list | tuple) else inspect(value)
