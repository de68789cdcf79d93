"""What may happen next: every step of every actor, with every fault, from one moment of a world."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.model.actor import Actor, Pending, Point, Program, Told
from tests.model.states import ErrorText, Frozen, Redis, Words
from tests.model.surroundings import EPOCH, READY, WAIT
from tests.model.world import Event, World

FAULTS = {
    "u": "it is not sent",
    "l": "it is carried out, and its reply is lost",
    "v": "it is lost on its way, and nobody knows",
    "L": "its connection is given up, and it arrives later",
    "e": "its answer is an error that nobody knows; it was not carried out",
    "E": "its answer is an error that nobody knows, though it was carried out",
    "a": "Redis is loading, for this command and the next ones of everybody",
    "k": "the process is killed before it is sent",
    "K": "the process is killed when it was carried out",
    "m": "the process is killed, and it arrives later",
    "r": "Redis is restarted before it is carried out",
    "R": "Redis is restarted when it was carried out",
    "g": "the process of the job is killed",
    "!": "Redis is restarted between two commands",
}
"""What can go wrong at a command, by the letter that stands for it in a path."""

AWAY = 9
"""For so many commands Redis is loading: longer than anybody asks again before he says so."""

LEDGER = ("begin", "end")
"""Events that are lines of the ledger."""
LOADING = ErrorText("LOADING Redis is loading the dataset in memory")
_UNKNOWN = ErrorText("ERR upstream connect error or disconnect/reset before headers")

UnderWay = tuple[tuple[Words, ...], ...]


class Moment(NamedTuple):
    """The whole world at one moment.

    `points`: where each actor is. `under_way`: commands that nobody waits for any more, each with what
    follows it on its connection. `away`: commands for which Redis is still loading. `faults`: how many may
    come yet. `signals`: those that each actor has not heard of yet.
    """

    redis: int
    clock: int
    points: tuple[int, ...]
    under_way: UnderWay
    ledger: tuple[Event, ...]
    faults: int
    away: int
    signals: tuple[tuple[int, ...], ...]


Way = tuple[str, Moment]
"""What happens, as it stands in a path (number of the actor, letter of the fault), and where it leads."""


class Stage:
    """A world that is being played."""

    def __init__(self, redis: Redis, world: World) -> None:
        self.redis, self.world = redis, world
        self.actors = [self._actor(*one, 100 + n) for n, one in enumerate(world.actors.items())]
        self.names = [one.name for one in self.actors]
        self._setup = Actor("setup", 99, world.setup)
        self._closing = [Actor(f"closing {n}", 900 + n, one) for n, one in enumerate(world.closing)]
        self._closed: dict[tuple[int, int], tuple[int, tuple[Event, ...]]] = {}
        self.kinds = set(FAULTS) - set(world.without)

    def close(self) -> None:
        """End what is still being played, and the connection."""
        for one in (*self.actors, self._setup, *self._closing):
            one.close()
        self.redis.close()

    def points(self, now: Moment) -> list[Point]:
        """Where the actors are."""
        return [actor.points[number] for actor, number in zip(self.actors, now.points, strict=True)]

    def first(self, faults: int) -> Moment:
        """The moment at which the actors begin, with so many faults to come at most."""
        redis, clock, ledger, _ = self._alone(self._setup, self.redis.empty, 0, ())
        points = []
        for one in self.actors:
            ready = one.start(clock)
            if one.name in self.world.ready:
                redis, clock, ledger, ready = self._alone(one, redis, clock, ledger)
            points.append(ready.number)
        return Moment(redis, clock, tuple(points), (), ledger, faults, 0, tuple(() for _ in points))

    def closed(self, last: Moment) -> tuple[int, tuple[Event, ...]]:
        """What Redis holds when those have gone who clean up, and what they wrote into the ledger."""
        key = (last.redis, last.clock)
        found = self._closed.get(key)
        if found is None:
            redis, clock, ledger = last.redis, last.clock, tuple[Event, ...]()
            for one in self._closing:
                redis, clock, ledger, _ = self._alone(one, redis, clock, ledger)
            found = self._closed[key] = redis, ledger
        return found

    def ways(self, now: Moment) -> list[Way]:
        """What may happen next. Nothing: the actors have ended, and nothing is under way."""
        points = self.points(now)
        if self.world.is_timeless:
            # Lines of the ledger do not depend on anybody else: there is nothing to be interleaved.
            for place, point in enumerate(points):
                if point.pending is not None and point.pending.words[0] in LEDGER:
                    return self._ways_of(now, place, point)
        found: list[Way] = []
        for place, point in enumerate(points):
            if point.pending is not None:
                found += self._ways_of(now, place, point)
        for place, commands in enumerate(now.under_way):
            if commands not in now.under_way[:place]:
                redis = self.redis.run(now.redis, commands[0])[1]
                found.append(
                    (f"*{place}", now._replace(redis=redis, under_way=_arrived(now.under_way, place)))
                )
        if found and now.faults and "!" in self.kinds:
            found.append(("!", now._replace(redis=self.redis.restarted(now.redis), faults=now.faults - 1)))
        return found

    def _actor(self, name: str, program: Program, number: int) -> Actor:
        if name not in self.world.namesakes:
            return Actor(name, number, program)
        return Actor(name, number, program, pid=1, space=f"container of {name}")

    def _ways_of(self, now: Moment, place: int, point: Point) -> list[Way]:
        pending = point.pending
        assert pending
        if pending.words == WAIT:
            return (
                [Step(self, now, place, point).told("", "reply", None, now.redis)]
                if now.signals[place]
                else []
            )
        if pending.kind == "event":
            return self._event(now, place, point, pending.words)
        step = Step(self, now, place, point)
        if now.away:
            found = [step.loading(pending)]
            return found + step.kills(now.redis) if now.faults else found
        reply, after = self.redis.run(now.redis, pending.words)
        if pending.words[0] == b"TIME":
            reply = _time(now.clock)
        found = [step.told("", "reply", None if pending.kind == "forget" else reply, after)]
        return found + step.faults(pending, after) if now.faults else found

    def _event(self, now: Moment, place: int, point: Point, words: tuple[Any, ...]) -> list[Way]:
        what, redis, before = words[0], now.redis, now
        value: Any = None
        if what in LEDGER:
            if not self.world.is_timeless:
                value = self._inside(now)
            now = now._replace(ledger=tuple(sorted((*now.ledger, (*words, self.names[place])), key=repr)))
        elif what == "lives":
            value = any(point.pending is not None and words[1] in point.pids for point in self.points(now))
        elif what == "pass":
            if words[2] and not self._inside(now):
                return []
            redis, now = self.redis.passed(redis, words[1]), now._replace(clock=now.clock + words[1])
        elif what == "alone":
            pending = [point for point in self.points(now) if point.pending is not None]
            if len(pending) > 1 or now.under_way:
                return []
        elif what == "signal":
            whom = self.names.index(words[1])
            signals = tuple((*old, words[2]) if n == whom else old for n, old in enumerate(now.signals))
            now = now._replace(signals=signals)
        else:
            raise AssertionError(f"nobody knows the event {words}")
        step = Step(self, now, place, point)
        found = [step.told("", "reply", value, redis)]
        if what in LEDGER and now.faults:
            found += step.faults_of_a_job(before)
        return found

    def _inside(self, now: Moment) -> tuple[Any, ...]:
        """The jobs that are running."""
        points = dict(zip(self.names, self.points(now), strict=True))
        begun = [line[1:] for line in now.ledger if line[0] == "begin" and not points[line[2]].dead]
        for line in now.ledger:
            if line[0] in ("end", "gone") and line[1:] in begun:
                begun.remove(line[1:])
        return tuple(number for number, _ in begun)

    def _alone(
        self, actor: Actor, redis: int, clock: int, ledger: tuple[Event, ...]
    ) -> tuple[int, int, tuple[Event, ...], Point]:
        """Play an actor alone, without faults, while nobody else lives: to its end, or until it is ready."""
        point, is_ready, used = actor.start(clock), False, set(self.redis.used)
        while point.pending is not None and not is_ready:
            is_ready = point.pending.words == READY
            words, reply = point.pending.words, None
            if point.pending.kind != "event":
                reply, redis = self.redis.run(redis, words)
                if words[0] == b"TIME":
                    reply = _time(clock)
            elif words[0] in LEDGER:
                reply, ledger = (), (*ledger, (*words, actor.name))
            elif words[0] == "lives":
                reply = False
            elif words[0] == "pass":
                redis, clock = self.redis.passed(redis, words[1]), clock + words[1]
            point = actor.then(point, Told("reply", reply, clock, ()))
        self.redis.used = used
        if isinstance(point.result, BaseException):
            raise AssertionError(f"{actor.name} of {self.world.name} failed") from point.result
        return redis, clock, ledger, point


class Step:
    """A step of one actor: where it leads, by what the actor is told."""

    def __init__(self, stage: Stage, now: Moment, place: int, point: Point) -> None:
        self._stage, self._now, self._place, self._point = stage, now, place, point
        self._actor = stage.actors[place]

    def told(
        self, label: str, what: str, value: Frozen, redis: int, late: UnderWay = (), away: int | None = None
    ) -> Way:
        """The actor is told something, and goes on. `late`: what is under way from now on."""
        now = self._now
        point = self._actor.then(self._point, Told(what, value, now.clock, now.signals[self._place]))
        signals = now.signals
        if signals[self._place]:
            signals = tuple(() if n == self._place else old for n, old in enumerate(signals))
        return self._way(label, point, redis, signals, late, now.away if away is None else away)

    def loading(self, pending: Pending) -> Way:
        """Redis is loading, and says so."""
        what, reply = ("unsent", None) if pending.kind == "forget" else ("reply", LOADING)
        return self.told("", what, reply, self._now.redis, away=self._now.away - 1)

    def faults(self, pending: Pending, after: int) -> list[Way]:
        """What may go wrong with a command."""
        before, late, found = self._now.redis, (pending.left,), list[Way]()
        restarted = self._stage.redis.restarted
        if pending.kind == "forget":
            found = [self.told("u", "unsent", None, before)]
        else:
            if pending.is_first:
                found = [
                    self.told("u", "unsent", None, before),
                    self.told("a", "reply", LOADING, before, away=AWAY - 1),
                ]
            found += [
                self.told("e", "reply", _UNKNOWN, before),
                self.told("E", "reply", _UNKNOWN, after),
                self.told("l", "lost", None, after),
                self.told("v", "lost", None, before),
                self.told("L", "lost", None, before, late),
                self._killed("m", before, late),
                self.told("r", "lost", None, restarted(before)),
                self.told("R", "lost", None, restarted(after)),
            ]
        return self._wanted([*found, self._killed("K", after)]) + self.kills(before)

    def kills(self, redis: int) -> list[Way]:
        """The process is killed here."""
        return self._wanted([self._killed("k", redis)])

    def faults_of_a_job(self, before: Moment) -> list[Way]:
        """What may go wrong with a line in the ledger; `before`: the moment before it was written."""
        now = self._now
        gone = ("gone", *self._point.pending.words[1:], self._actor.name)  # type: ignore[union-attr]
        after = Step(
            self._stage,
            now._replace(ledger=tuple(sorted((*now.ledger, gone), key=repr))),
            self._place,
            self._point,
        )
        killed = Step(self._stage, before, self._place, self._point)
        return self._wanted([after.told("g", "gone", None, now.redis), killed._killed("k", now.redis)])

    def _wanted(self, ways: list[Way]) -> list[Way]:
        return [(label, moment) for label, moment in ways if label[-1] in self._stage.kinds]

    def _killed(self, label: str, redis: int, late: UnderWay = ()) -> Way:
        return self._way(
            label, self._actor.killed(self._point), redis, self._now.signals, late, self._now.away
        )

    def _way(
        self,
        label: str,
        point: Point,
        redis: int,
        signals: tuple[tuple[int, ...], ...],
        late: UnderWay,
        away: int,
    ) -> Way:
        now, place = self._now, self._place
        points = (*now.points[:place], point.number, *now.points[place + 1 :])
        under_way = (*now.under_way, *late) if late else now.under_way
        faults = now.faults - 1 if label else now.faults
        return f"{place}{label}", Moment(
            redis, now.clock, points, under_way, now.ledger, faults, away, signals
        )


def _time(clock: int) -> Frozen:
    return (b"%d" % (EPOCH + clock), b"0")


def _arrived(under_way: UnderWay, place: int) -> UnderWay:
    """What is still under way when the first command of these has arrived."""
    rest = under_way[place][1:]
    return (*under_way[:place], *((rest,) if rest else ()), *under_way[place + 1 :])
