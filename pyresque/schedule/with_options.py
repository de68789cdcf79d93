"""A value of a schedule entry that may come with options: `every: ["1h", {first_in: 5m}]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def split_options(value: object) -> tuple[object, Mapping[str, Any] | None]:
    """(value, options) of what stands under `cron` or `every` (docs/protocol/scheduler.md#options).

    A list of exactly two, the second a mapping, is a value and its options. Every other list counts as its
    first element, an empty one as None; all else as itself, without options.
    """
    if not isinstance(value, list | tuple):
        return value, None
    if len(value) == 2 and isinstance(value[1], Mapping):
        return value[0], value[1]
    return (value[0] if value else None), None
