"""How long the texts of a failure may be in its record: what is beyond that is cut, and told."""

from __future__ import annotations

from collections.abc import Sequence

TEXT = 65_536
"""Bytes of UTF-8 that an error text, or the name of an exception, may have in a record."""
LINES = 1_000
"""Lines that a backtrace may have in a record."""
LINE = 4_096
"""Bytes that one of them may have."""


def cleaned(text: str) -> str:
    """The text with `?` for whatever is not Unicode: Ruby readers refuse other records."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, most: int = TEXT) -> str:
    """The text, cleaned, with at most so many bytes; what is left out is told. The same if done again."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return data.decode("utf-8")
    note = f"\n... ({len(data):,} bytes in all: the rest is left out)"
    return data[: most - len(note)].decode("utf-8", "ignore") + note


def shortened_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a backtrace, cleaned: of too many those in the middle are left out, which is told."""
    kept = list(lines)
    if len(kept) > LINES:
        half = LINES // 2
        note = f"... {len(kept) - LINES + 1:,} lines are left out ..."
        kept = [*kept[: half - 1], note, *kept[-half:]]
    return [shortened(line, LINE) for line in kept]
