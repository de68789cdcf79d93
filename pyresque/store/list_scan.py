"""Reading some of a long list, so that somebody can go on later where the reading has stopped.

Lists of failures and of jobs grow at their end. A place in them is told by a short text, the *cursor*: how
many elements come before it, for who reads towards the end a digest of the last element that was read, and
how many are still to be read. What others remove meanwhile may let an element be read twice. None is passed
over, unless somebody who reads towards the end comes back when more than `BACK` have gone before his place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from pyresque.errors import InvalidSelection
from pyresque.store.connection.link import Reply, Word
from pyresque.store.space import Space

FIRST, MOST = 8, 1000
"""Elements that are read at a time: at first, and at most."""
BYTES = 1_000_000
"""How large what is read at a time should be; one element may be larger."""
BACK = 2000
"""Elements before a place among which the last one that was read is looked for."""

_CURSOR = re.compile(r"([0-9]{1,15})(?:\.([0-9a-f]{12}))?(?::([0-9]{1,15}))?", re.ASCII)

Mark = tuple[int, bytes, int]
"""A place, the last element that was read, and how many are left."""
Sign = Callable[[bytes], bytes]
"""What stays the same in an element that others may mark."""


class ListScan:
    """One list (full key), read from a cursor on. Iteration gives the elements with their indexes.

    Args:
        key: the full key of the list.
        backwards: read from the end towards the beginning.
        cursor: where to begin; empty: at the end that is read first.
        sign: what stays the same in an element that others may mark.
        first: elements that are read at first.

    Raises:
        InvalidSelection: this is not a cursor.
        RedisReplied: the key is not a list.
    """

    def __init__(
        self,
        space: Space,
        key: Word,
        backwards: bool,
        cursor: str = "",
        sign: Sign = bytes,
        first: int = FIRST,
    ) -> None:
        self._space, self._key, self._backwards, self._sign = space, key, backwards, sign
        self._step = first
        self.length = int(space.link.execute("LLEN", key))
        self.at = self.length if backwards else 0
        """How many elements come before the place where it goes on."""
        self._stop = 0 if backwards else self.length
        self._shift = 0
        self._last = b""
        if cursor:
            self._go_to(cursor)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while self._stop < self.at if self._backwards else self.at < self._stop:
            self._shift = 0
            for index, raw in self._window():
                place = index + self._shift
                self.at, self._last = (place if self._backwards else place + 1), raw
                yield place, raw

    def shift(self, by: int, last: bytes) -> None:
        """What is still to be read stands elsewhere now, for we have taken some out of the list.

        Args:
            by: how much farther from the beginning.
            last: the last element that was read and has stayed; empty: none has.
        """
        self._shift += by
        self.at += by
        self._stop += by
        self._last = last

    @property
    def left(self) -> int:
        """How many elements are still to be read."""
        return max(0, self.at - self._stop if self._backwards else self._stop - self.at)

    def cursor(self) -> str:
        """Where to go on behind the last element that iteration gave; empty: there is nothing left."""
        return self.cursor_at(self.at, self._last)

    @property
    def mark(self) -> Mark:
        """What `cursor` is made of, to be made later."""
        return self.at, self._last, self.left

    def cursor_of(self, mark: Mark) -> str:
        """The cursor of a mark; what is added meanwhile is not to be read."""
        place, last, left = mark
        if not left:
            return ""
        return f"{place}:{left}" if self._backwards else f"{place}.{self._digest(last)}:{left}"

    def cursor_at(self, place: int, last: bytes = b"", *, ends: bool = False) -> str:
        """The cursor of a place, before which so many elements come; empty: there is nothing left to read.

        Args:
            last: the last element that was read and is still there.
            ends: what is added meanwhile is not to be read.
        """
        if not self.left:
            return ""
        digest = f".{self._digest(last)}" if last and not self._backwards else ""
        return f"{place}{digest}" + (f":{self.left}" if ends else "")

    def skip_to(self, place: int) -> None:
        """Go on at this place: so many elements come before it."""
        self.at, self._last = place, b""

    def _window(self) -> list[tuple[int, bytes]]:
        if not self._backwards:
            self._find_again()
        step = min(self._step, self.left)
        first = self.at - step if self._backwards else self.at
        raws: list[bytes] = self._space.link.execute("LRANGE", self._key, first, first + step - 1)
        if not raws:
            self.at = self._stop
        size = sum(map(len, raws)) or 1
        self._step = max(1, min(4 * self._step, MOST, BYTES * len(raws) // size))
        found = list(enumerate(raws, first))
        return found[::-1] if self._backwards else found

    def _find_again(self) -> None:
        """Others may have removed elements before the place where it goes on."""
        if not self._last or not self.at:
            return
        before = self._space.link.execute("LINDEX", self._key, self.at - 1)
        if before == self._last or (before is not None and self._digest(before) == self._digest(self._last)):
            return
        self._go_behind(self._digest(self._last))

    def _go_behind(self, digest: str) -> None:
        """Go on behind the element with this digest; far before, if it is gone: some are read twice then."""
        found = self._behind(self.at, digest)
        if found is None:
            self.at = max(0, self.at - BACK)
        else:
            self._stop -= self.at - found
            self.at = found

    def _go_to(self, cursor: str) -> None:
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise InvalidSelection(f"{cursor!r} is not a place in a list: begin at the first page")
        at, digest, left = match.groups()
        self.at = min(int(at), self.length)
        if left is not None:
            self._stop = self.at + (-int(left) if self._backwards else int(left))
        if digest is not None and not self._backwards:
            self._go_behind(digest)
        self._stop = max(0, min(self.length, self._stop))

    def _behind(self, place: int, digest: str) -> int | None:
        """The index behind the element that was read last: others may have removed some before it."""
        last = place
        while last > max(0, place - BACK):
            first = max(0, last - 200)
            raws: Reply = self._space.link.execute("LRANGE", self._key, first, last - 1)
            for index in range(len(raws) - 1, -1, -1):
                if self._digest(raws[index]) == digest:
                    return first + index + 1
            last = first
        return None

    def _digest(self, raw: bytes) -> str:
        return hashlib.sha1(self._sign(raw)).hexdigest()[:12]  # noqa: S324 (no secret)
