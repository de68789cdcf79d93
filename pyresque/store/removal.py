"""Removing many elements of a list in one pass, window by window, so that nobody else has to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from pyresque.store.connection.link import Command, Word
from pyresque.store.connection.replies import data, row, words
from pyresque.store.script import Script, flat
from pyresque.store.space import Space

_weed = Script(
    "remove_marked", uses=("effects", "aside_links", "scattered"), reply=row(data, words), once=True
)

WINDOW = 1000
"""Elements that are read, and judged, at a time."""
BYTES = 1_000_000
"""How large such a window may be; one element may be larger."""
OVERLAP = 50
"""Elements of the last window that are read again with the next."""
NODES = 1_000_000
"""How many nodes of the list the marks of one script may pass (see remove_marked.lua): that is some 5 ms."""
TRIES = 5
"""How often a pass begins anew because others have changed what it had behind it."""

Doom = Callable[[bytes], Sequence[Command] | None]
"""Of an element of a list: None if it stays, else what there is to do when it goes."""
_Doomed = tuple[int, bytes, list[Word]]
"""How far an element is from the end (1: it is the last), the element, the words of its effects."""


def weed(
    space: Space,
    key: Word,
    doom: Doom,
    *,
    with_aside: bool = False,
    gone: Callable[[bytes], object] | None = None,
) -> int:
    """Remove what is doomed from a list (full key) in one pass; returns how many elements went.

    The list is read from its end: what others push or pop meanwhile then moves nothing that is still to be
    read. What comes meanwhile may stay. A kill in between leaves the rest as it was.

    Args:
        with_aside: they are failures: what was put aside goes with its record.
        gone: is called with each element that went.
    """
    return _Pass(space, key, doom, with_aside, gone=gone).run()


def weed_these(space: Space, key: Word, raws: Sequence[bytes], *, with_aside: bool = False) -> Counter[bytes]:
    """The same with one copy for each of these elements; returns those that went."""
    doomed_counts = Counter(raws)
    _Pass(
        space,
        key,
        lambda raw: () if raw in doomed_counts else None,
        with_aside,
        left := Counter(doomed_counts),
    ).run()
    return doomed_counts - left


def weed_at(
    space: Space,
    key: Word,
    places: Sequence[tuple[int, bytes]],
    effects: Callable[[bytes], Sequence[Command]] = lambda _: (),
    *,
    with_aside: bool = False,
) -> list[bool]:
    """Remove elements of a list (full key) whose places are known, without a pass; for each whether it went.

    Args:
        places: the index and the bytes of each, in the order of the list. Near its place one is found, too.
        effects: what there is to do when an element goes.
        with_aside: as in `weed`.
    """
    if not places:
        return []
    length = int(space.link.execute("LLEN", key))
    doomed = [(max(1, length - index), raw, flat(effects(raw))) for index, raw in places]
    return [sign == ord("1") for sign in _Pass(space, key, lambda _: None, with_aside).take(doomed)]


class _Pass:
    def __init__(
        self,
        space: Space,
        key: Word,
        doom: Doom,
        with_aside: bool,
        doomed_counts: Counter[bytes] | None = None,
        gone: Callable[[bytes], object] | None = None,
    ) -> None:
        self._space = space
        self._key = key
        self._doom = doom
        self._with_aside = with_aside
        self._wanted = doomed_counts
        self._gone = gone
        self._behind = 0
        """How many elements at the end were judged, and stay."""
        self._boundary: bytes | None = None
        """The first of them, by which they are known again."""
        self._step = 50
        self._most = WINDOW
        """How many elements one script takes out; it says itself if that is too much."""
        self._tries = TRIES

    def run(self) -> int:
        removed = 0
        while True:
            again = min(OVERLAP, self._behind)
            begin, end = -self._behind - self._step, again - self._behind - 1
            raws: list[bytes] = self._space.link.execute("LRANGE", self._key, begin, end)
            if self._boundary is not None and self._boundary not in raws and self._tries:
                # So much was removed behind us that something may have been passed over.
                self._tries, self._behind, self._boundary = self._tries - 1, 0, None
                continue
            signs, boundary = self._weeded(raws, self._behind - again)
            removed += signs.count(b"1")
            if b"0" in signs and self._tries:
                self._tries -= 1
                continue  # the same window once more
            is_last = len(raws) < self._step + again
            self._behind, self._boundary = self._behind - again + len(raws) - signs.count(b"1"), boundary
            self._step = max(1, min(4 * self._step, WINDOW, BYTES * len(raws) // (sum(map(len, raws)) or 1)))
            if is_last:
                return removed

    def _weeded(self, raws: Sequence[bytes], behind: int) -> tuple[bytes, bytes | None]:
        """Remove what is doomed of a window; returns the signs of remove_marked.lua, and what stays first."""
        doomed, stays = self._judged(raws, behind)
        return self.take(doomed), stays

    def take(self, doomed: Sequence[_Doomed]) -> bytes:
        """Remove these, in the order of the list; returns the signs of remove_marked.lua."""
        signs = b""
        while doomed:
            part, gone = _close_together(doomed[-self._most :]), signs.count(b"1")
            latest = self._taken_out([(at - gone, raw, effects) for at, raw, effects in part])
            done = latest.lstrip(b"+")
            self._most = len(done) if b"+" in latest else min(2 * self._most, WINDOW)
            doomed, signs = doomed[: len(doomed) - len(done)], done + signs
        return signs

    def _judged(self, raws: Sequence[bytes], behind: int) -> tuple[list[_Doomed], bytes | None]:
        """What is doomed of a window, and the first element that stays."""
        left = None if self._wanted is None else Counter(self._wanted)
        doomed: list[_Doomed] = []
        stays: bytes | None = None
        for number, raw in enumerate(raws):
            effects = self._doom(raw)
            if effects is None or (left is not None and not left[raw]):
                stays = raw if stays is None else stays
                continue
            if left is not None:
                left[raw] -= 1
            doomed.append((behind + len(raws) - number, raw, flat(effects)))
        return doomed, stays

    def _taken_out(self, doomed: Sequence[_Doomed]) -> bytes:
        args: list[Word] = [self._space.keys.prefix, int(self._with_aside), NODES]
        for at, raw, effects in doomed:
            args += [at, raw, len(effects), *effects]
        signs, _ = _weed.run(self._space, [self._key], args)
        went = [element[1] for element, sign in zip(doomed, signs, strict=True) if sign == ord("1")]
        if self._wanted is not None:
            self._wanted.subtract(went)
        if self._gone is not None:
            for raw in went:
                self._gone(raw)
        return bytes(signs)


def _close_together(doomed: Sequence[_Doomed]) -> Sequence[_Doomed]:
    """The last of these, as many as a script finds in one window of the list."""
    last, size = doomed[-1][0], 0
    for number in range(len(doomed) - 1, -1, -1):
        at, raw, _ = doomed[number]
        size += len(raw)
        if number < len(doomed) - 1 and (size > BYTES or at - last > WINDOW):
            return doomed[number + 1 :]
    return doomed
