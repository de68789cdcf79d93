"""What each version of Rails can read and writes (docs/protocol/active-job.md#the-job-hash)."""

from __future__ import annotations

import re

Version = tuple[int, int]

NEWEST = "8.1"
OLDEST: Version = (5, 0)


def version_of(text: str) -> Version:
    """`8.1`, `6.1.7.10` or `8.2.alpha` as numbers.

    Raises:
        ValueError: it is not a version of Rails, or one older than 5.0.
    """
    match = re.match(r"(\d+)\.(\d+)(\.|$)", text)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < OLDEST:
        raise ValueError(f"rails={text!r} is not a version of Rails: write for example rails={NEWEST!r}")
    return version


SINCE: dict[str, Version] = {
    "Symbol": (6, 0),
    "Duration": (6, 0),
    "Date": (6, 0),
    "DateTime": (6, 0),
    "Time": (6, 0),
    "TimeWithZone": (6, 0),
    "Module": (6, 1),
    "Range": (7, 0),
    "BigDecimal": (7, 1),
}
"""The first version that has the serializer of a type."""

KEYWORDS_SINCE: Version = (6, 0)
FRACTION_SINCE: Version = (6, 1)
ZONE_SINCE: Version = (7, 0)

RESERVED = ("_aj_globalid", "_aj_symbol_keys", "_aj_hash_with_indifferent_access")
RESERVED_SINCE_6 = ("_aj_ruby2_keywords", "_aj_serialized")
