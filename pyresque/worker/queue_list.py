"""Which queues a worker looks at, and in which order (docs/protocol/core.md#queue-lists)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pyresque.errors import NoQueueError
from pyresque.store.reservation import QueueOrder
from pyresque.usercode.safely import plain_name

_BLANKS = " \t\n\v\f\r"
"""What Ruby's `strip` takes away."""


class QueueList:
    """A queue list as the user wrote it: names, patterns, and exclusions that begin with `!`.

    Raises:
        NoQueueError: nothing but exclusions, or nothing at all, or no list.
    """

    def __init__(self, elements: Sequence[str]) -> None:
        if isinstance(elements, str):  # else each of its letters would be a queue
            raise NoQueueError(f"the queues of a worker are a list: write [{elements!r}]")
        names = [plain_name(element).strip(_BLANKS) for element in elements]
        self.listed = [name for name in names if not name.startswith("!")]
        self.excluded = [name[1:] for name in names if name.startswith("!")]
        if not any(self.listed):
            raise NoQueueError("Please give each worker at least one queue.")
        self.dynamic = bool(self.excluded) or any(set("*?{}[]") & set(element) for element in self.listed)

    def __str__(self) -> str:
        return ",".join(self.listed)

    def order(self, members: Iterable[str] = ()) -> QueueOrder:
        """The queues to look at; `members` are the names in the set `queues`, which patterns choose from."""
        if not self.dynamic:
            return QueueOrder(tuple(self.listed))
        names = sorted(members, key=lambda name: name.encode("utf-8", "surrogateescape"))
        barred = [_matcher(pattern) for pattern in self.excluded]
        allowed = [name for name in names if not any(match(name) for match in barred)]
        chosen: dict[str, None] = {}
        for element in self.listed:
            match = _matcher(element)
            chosen.update(dict.fromkeys(name for name in allowed if match(name)))
        return QueueOrder(tuple(chosen), tuple(names))


class _matcher:  # noqa: N801 (it is used as a function)
    """A pattern as Ruby's File.fnmatch reads it; a leading dot must be matched by a dot."""

    def __init__(self, pattern: str) -> None:
        self._opens_with_wildcard = pattern[:1] in ("*", "?", "[")
        self._regex = _translated(pattern)

    def __call__(self, name: str) -> bool:
        if self._regex is None or (name.startswith(".") and self._opens_with_wildcard):
            return False
        return self._regex.fullmatch(name) is not None


def _translated(pattern: str) -> re.Pattern[str] | None:
    pieces, index = [""], 0  # the parts between the stars
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "."
        elif char == "\\" and index < len(pattern):
            pieces[-1] += re.escape(pattern[index])
            index += 1
        elif char == "[":
            end = pattern.find("]", index + 1)
            if end < 0:
                return None  # an unclosed set matches nothing
            pieces[-1] += _set(pattern[index:end])
            index = end + 1
        else:
            pieces[-1] += re.escape(char)
    try:
        return re.compile(_joined(pieces), re.DOTALL)
    except re.error:
        return None  # a range such as [z-a]


def _joined(pieces: list[str]) -> str:
    """The pieces with anything between them. Anybody may name queues, so a match must not take long.

    Each star takes as little as it can, once and for all (an atomic group): every piece has a fixed length,
    so the earliest place for it is the best, and there is nothing to try again. The last piece is at the end.
    """
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"


def _set(inside: str) -> str:
    negated = inside[:1] in ("!", "^")
    chars = re.sub(r"([\[\]\\^&~|])", r"\\\1", inside[1:] if negated else inside)
    return f"[{'^' if negated else ''}{chars}]"
