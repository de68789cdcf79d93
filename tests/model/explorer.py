"""Every interleaving of the commands of a few actors, with every fault at every command.

Runs that meet in the same moment go on in the same way, so each moment is gone on from once, and the number
of runs is the sum over its ways on. What is counted as a run is one order of commands with one choice of
faults, from the beginning to the end; `moments` is how many were really played.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.model.actor import Point
from tests.model.moments import FAULTS, LOADING, Moment, Stage
from tests.model.states import Redis, scripts
from tests.model.world import Final, Kept, World


class Wrong(Exception):
    """A run after which something is not as it must be."""

    def __init__(self, world: World, path: Sequence[str], final: Final, reason: str) -> None:
        self.world, self.path, self.final, self.reason = world, list(path), final, reason
        super().__init__(
            f'{reason}\nplay it again: python -m tests.model replay "{world.name}: {" ".join(path)}"\n'
            f"ledger: {list(final.ledger)}\nresults: {dict(final.results)}\n"
            f"Redis when the actors had ended:\n{final.before!r}\n"
            f"Redis when others had cleaned up:\n{final.after!r}"
        )


class Endless(Exception):
    """There are more moments than were to be played."""


@dataclass
class Count:
    """What an exploration has seen."""

    runs: int = 0
    moments: int = 0
    ends: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.runs + other.runs, self.moments + other.moments, self.ends + other.ends)

    def __str__(self) -> str:
        return f"{self.runs:,} runs, {self.moments:,} moments, {self.ends:,} ends"


class Explorer:
    """Explores one world."""

    def __init__(self, redis: Redis, world: World) -> None:
        self.stage = Stage(redis, world)
        self.world = world
        self._faults = 0

    def explore(self, faults: int, wrongs: list[Wrong] | None = None, most: int | None = None) -> Count:
        """Play everything.

        Args:
            most: moments after which there is no end in sight.
            wrongs: go on after something is wrong, and put the first of each kind here.

        Raises:
            Wrong: something is not as it must be.
            Endless: there is no end in sight.
        """
        ways, known, count = self.stage.ways, dict[Moment, int](), Count()
        self._faults, first = faults, self.stage.first(faults)
        stack = [(first, iter(ways(first)), [0])]
        path: list[str] = []
        while stack:
            moment, left, runs = stack[-1]
            for label, following in left:
                found = known.get(following)
                if found is None:
                    path.append(label)
                    stack.append((following, iter(ways(following)), [0]))
                    break
                runs[0] += found
            else:
                stack.pop()
                if not runs[0]:
                    self._judge(moment, path, wrongs)
                    count.ends += 1
                    runs[0] = 1
                known[moment] = runs[0]
                if most is not None and len(known) > most:
                    raise Endless(f"{self.world.name} has no end after {most} moments")
                if stack:
                    path.pop()
                    stack[-1][2][0] += runs[0]
        count.runs, count.moments = known[first], len(known)
        return count

    def close(self) -> None:
        """Leave the world."""
        self.stage.close()

    def walk(self, seed: int, faults: int) -> list[str]:
        """Play one run that the seed chooses, with up to so many faults; returns its steps.

        Raises:
            Wrong: something is not as it must be.
        """
        dice, path, moment = random.Random(f"{self.world.name} {seed}"), list[str](), self.stage.first(faults)
        self._faults = faults
        while ways := self.stage.ways(moment):
            calm = [one for one in ways if one[0][-1] not in FAULTS]
            label, moment = dice.choice(ways if not calm or dice.random() < 0.2 else calm)
            path.append(label)
        self._judge(moment, path, None)
        return path

    def replay(self, path: Sequence[str], tell: Callable[[str], None]) -> None:
        """Play one run and tell of each step.

        Raises:
            Wrong: something is not as it must be.
        """
        self._faults = sum(label[-1] in FAULTS for label in path)
        moment = self.stage.first(self._faults)
        for label in path:
            tell(self._told(label, moment))
            moment = dict(self.stage.ways(moment))[label]
        self._judge(moment, path, None)

    def _told(self, label: str, moment: Moment) -> str:
        fault = FAULTS.get(label[-1], "")
        if label[0] == "*":
            words = moment.under_way[int(label[1:])][0]
            return f"{'late':>12}: {_shown(words)}"
        if label == "!":
            return f"{'Redis':>12}: {fault}"
        place = int(label.rstrip("".join(FAULTS)))
        point = self.stage.points(moment)[place]
        words = point.pending.words if point.pending else ()
        return f"{self.stage.names[place]:>12}: {_shown(words)}" + (f"  <- {fault}" if fault else "")

    def _judge(self, last: Moment, path: Sequence[str], wrongs: list[Wrong] | None) -> None:
        redis, ledger = self.stage.closed(last)
        points, names, content = self.stage.points(last), self.stage.names, self.stage.redis.content

        def those(wanted: Callable[[Point], bool]) -> frozenset[str]:
            return frozenset(name for name, point in zip(names, points, strict=True) if wanted(point))

        final = Final(
            Kept(content(last.redis)),
            Kept(content(redis)),
            (*last.ledger, *ledger),
            {name: point.result for name, point in zip(names, points, strict=True)},
            dead=those(lambda point: point.dead),
            unsure=those(lambda point: point.was_told("lost") or point.was_told("unsent")),
            gone=those(lambda point: point.was_told("gone")),
            away=those(lambda point: any(one.value == LOADING for one in point.told)),
            is_calm=last.faults == self._faults,
        )
        try:
            self.world.check(final)
        except AssertionError as error:
            wrong = Wrong(self.world, path, final, str(error))
            if wrongs is None:
                raise wrong from error
            if _kind(wrong) not in map(_kind, wrongs):
                wrongs.append(wrong)


def _kind(wrong: Wrong) -> str:
    return re.sub(r"\d+", "N", wrong.reason)


def _shown(words: Sequence[object]) -> str:
    """A command as people read it."""
    texts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in words]
    if texts[0] in ("EVAL", "EVALSHA"):
        names = {key: name for name, one in scripts().items() for key in (one.digest, one.text)}
        texts[:3] = [texts[0].lower(), names[texts[1]]]
    return " ".join(
        text.removeprefix("resque:") if len(text) <= 120 else text[:117] + "..." for text in texts
    )
