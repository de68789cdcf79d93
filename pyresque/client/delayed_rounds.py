"""Looking at delayed jobs, and acting on them, in bounded steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pyresque.client.delayed_item import DelayedItem
from pyresque.client.looking import ROUND, SECONDS, Budget, Look, look_through
from pyresque.client.move_delayed import not_in_hand
from pyresque.client.selection import ActionResult, Tally, Window, first_of_page
from pyresque.store import delayed
from pyresque.store.delayed_scan import DelayedPlace, DelayedScan
from pyresque.store.space import Space

PIECE = 500
"""Jobs that are acted on in one go; then it is asked whether there is time for more."""

Wanted = Callable[[DelayedItem], bool]


class ItemScan:
    """As many delayed jobs as a budget allows, those that are due first at the beginning."""

    def __init__(self, space: Space, window: Window, budget: Budget, after: str | None) -> None:
        place = DelayedPlace.of(after) if after else None
        self._scan = DelayedScan(space, window.since, window.until, place)
        self.budget = budget
        self.is_whole = False
        self.place: DelayedPlace | None = None
        """Where the last job stands that was given."""

    def __iter__(self) -> Iterator[DelayedItem]:
        for place, element in self._scan:
            if self.budget.is_spent:
                return
            self.place = place
            self.budget.spend(len(element[1]))
            if not_in_hand(element):
                yield DelayedItem.read(element)
        self.is_whole = True

    def cursor(self) -> str | None:
        """Where to go on behind the last job that was given; None: there is nothing left."""
        if self.is_whole or self.place is None:
            return None
        return replace(self.place, index=self.place.index + 1).cursor


class DelayedSteps:
    """Bounded steps through some of the delayed jobs."""

    def __init__(self, space: Space, window: Window, wanted: Wanted) -> None:
        self._space = space
        self._window = window
        self._wanted = wanted

    def scan(self, budget: Budget, after: str | None = None) -> ItemScan:
        """What is read."""
        return ItemScan(self._space, self._window, budget, after)

    def look(self, number: int, size: int, after: str | None, most: int, is_open: bool) -> Look[DelayedItem]:
        """One page; see `DelayedSelection.look`."""
        skip = 0 if after else first_of_page(number, size)
        total, is_long = delayed.jobs_until(self._space, None, most)
        counts = not is_open and not after and not is_long and total <= most
        found = look_through(
            self.scan(Budget(most), after), self._wanted, number, size, skip=skip, counts=counts
        )
        return replace(found, total=None if is_long else total) if is_open else found

    def act(
        self, do: Callable[[list[DelayedItem]], object], tally: Tally, most: int, after: str | None
    ) -> ActionResult:
        """Act on at most so many, those that are due first at the beginning.

        Args:
            do: acts on jobs, whole seconds or parts of one, and tells the tally.
        """
        first_of_page(1, most)
        scan = self.scan(Budget(ROUND, SECONDS), after)
        before: list[DelayedItem] = []  # of the seconds before
        here: list[DelayedItem] = []  # of the second that is being read
        second, met = b"", 0

        for item in scan:
            if item.element[0] != second:
                before += here
                here, second = [], item.element[0]
                if len(before) >= PIECE:  # not those of the second that is still read: the others would shift
                    do(before)
                    before = []
            if self._wanted(item):
                here.append(item)
                met += 1
            if met == most:
                break
        if before:
            do(before)
        done = tally.count
        if here:
            do(here)
        if scan.is_whole or scan.place is None:
            return tally.result()
        index = max(0, scan.place.index + 1 - (tally.count - done))
        return tally.result(replace(scan.place, index=index).cursor)
