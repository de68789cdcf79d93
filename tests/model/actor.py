"""An actor: a piece of real code that stops at each of its commands, and is told what becomes of it.

What an actor does depends on nothing but what it is told: the replies (or faults) of its commands, the time,
the signals. So a point in its life is the list of what it was told, and these points form a tree. A program
that has stopped can be told only one thing; for another one it is played again from the beginning.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyresque.errors import RedisError, RedisUnavailable
from pyresque.store.connection.link import Check, Command, Reply, Word, as_bytes, from_reply, unavailable
from pyresque.system import processes
from tests.model.states import ErrorText, Frozen, Words, thawed

ADDRESS = "model"
LONGEST = 500
"""So often an actor is told something, at most."""
KEPT = 200
"""So many programs of an actor are kept where they have stopped."""


class Pending(NamedTuple):
    """What an actor wants to happen next.

    `command`: `words` go to Redis; `left` is what of its round trip is to come, this one too. `forget`: the
    same without waiting. `event`: something that the world takes down or decides (see worlds.py).
    """

    kind: str
    words: tuple[Any, ...]
    left: tuple[Words, ...] = ()
    is_first: bool = True


class Told(NamedTuple):
    """What an actor was told: a reply or a fault, and the time and the signals that came with it.

    `what`: `reply`; `unsent`; `lost` (the command may have run); `gone` (the process of the job was killed).
    """

    what: str
    value: Frozen
    clock: int
    signals: tuple[int, ...]


_GLOBALS = ("_word", "_worker_id")
"""What a process has in pyresque.system.processes: each actor is a process of its own."""

_playing: list[Me] = []


def here() -> Me:
    """The actor that is being played."""
    return _playing[-1]


def whoever_plays() -> Me | None:
    """The same; None while nobody is played."""
    return _playing[-1] if _playing else None


class Suspended(BaseException):
    """The actor has got to the end of what it was told."""


class ProcessGone(BaseException):
    """The process of the job that runs was killed."""


@dataclass(eq=False)
class Point:
    """A point in the life of an actor. `pending` is None once it has ended; `result` is what came of it."""

    number: int
    start: Told
    told: tuple[Told, ...]
    pending: Pending | None
    result: Any = None
    dead: bool = False
    pids: frozenset[int] = frozenset()
    """Its process and, while a job runs, the job's."""
    next: dict[Told | None, Point] = field(default_factory=dict)

    def was_told(self, what: str) -> bool:
        """Whether this ever happened to it."""
        return any(one.what == what for one in self.told)


Program = Callable[["Me"], Any]


class Me:
    """What an actor's code has of the world it lives in: one of these for each time it is played."""

    def __init__(self, play: Play, actor: Actor, start: Told) -> None:
        self.first_pid = self.pid = actor.pid
        """`pid` is that of the process that runs now: the job's, while one runs."""
        self.space = actor.space
        self.link = ModelLink(self)
        self.clock = start.clock
        self.slept = 0.0
        self.signals = list(start.signals)
        self.children = self.waits = self.looks = 0
        self.turns = 1
        self.says_ready = False
        """Whether the world begins when its worker is ready."""
        """How many turns a scheduler makes."""
        self.job_is_gone = False
        self.globals = dict.fromkeys(_GLOBALS, "")
        self._play, self._serial = play, actor.serial
        self._tokens = 0

    def link_to(self, url: str) -> ModelLink:
        """A link to what it takes for this server; all worlds have one only, with one database."""
        return ModelLink(self, database=url) if "elsewhere" in url else self.link

    def token(self) -> int:
        """A number that nobody else gets."""
        self._tokens += 1
        return self._serial << 32 | self._tokens

    def event(self, *words: Any) -> Any:
        """Let something happen that is not a command; returns what the world answers."""
        return self.hear(Pending("event", words))

    def hear(self, pending: Pending) -> Frozen:
        """What becomes of the next thing.

        Raises:
            RedisUnavailable: a fault.
            ProcessGone: the process that asks was killed.
        """
        if self.job_is_gone:
            raise ProcessGone
        told = self._play.hear(pending)
        self.clock = told.clock
        self.signals += told.signals
        self.waits = self.looks = 0
        if told.what == "reply":
            return told.value
        if told.what == "gone":
            self.job_is_gone = True
            raise ProcessGone
        raise unavailable(ADDRESS, ConnectionError(told.what), maybe_done=told.what == "lost")


class ModelLink:
    """The link of an actor: see `pyresque.store.connection.link.DirectLink`."""

    def __init__(self, me: Me, let_in: bool = False, database: str = ADDRESS) -> None:
        self._me = me
        self.address = self.database = database
        self.deadline = float("inf")
        self.let_in = let_in

    def fresh(self) -> ModelLink:
        """Another link to the same server."""
        return ModelLink(self._me, self.let_in, self.database)

    def adopt(self) -> ModelLink:
        """Nobody forks here."""
        return self

    def execute(self, *words: Word, check: Check | None = None) -> Reply:
        """Carry out one command."""
        reply = self.execute_many([words])[0]
        if isinstance(reply, RedisError):
            raise reply
        assert check is None or check(reply), f"{words} is answered by {reply}"
        return reply

    def execute_many(self, commands: Iterable[Command]) -> list[Reply]:
        """Carry out several commands in one round trip."""
        if time.monotonic() >= self.deadline:
            raise unavailable(ADDRESS, TimeoutError("it is too late"), maybe_done=False)
        packed = tuple(tuple(map(as_bytes, words)) for words in commands)
        replies: list[Reply] = []
        for at in range(len(packed)):
            reply = self._me.hear(Pending("command", packed[at], packed[at:], at == 0))
            replies.append(from_reply(reply, ADDRESS) if isinstance(reply, ErrorText) else thawed(reply))
        self.let_in = self.let_in or not all(isinstance(one, RedisError) for one in replies)
        return replies

    def forget(self, key: str) -> None:
        """Remove a key without waiting."""
        words = (b"UNLINK", as_bytes(key))
        with contextlib.suppress(RedisUnavailable):
            self._me.hear(Pending("forget", words, (words,)))

    def close(self) -> None:
        """There is no connection."""


class Play:
    """A program that runs, in a thread of its own, but never beside anybody: it is resumed, and stops again.

    Args:
        told: what it is told before it stops for the first time.
    """

    def __init__(self, actor: Actor, start: Told, told: Sequence[Told]) -> None:
        self.me = Me(self, actor, start)
        self.pending: Pending | None = None
        self.result: Any = None
        self.pids = frozenset({actor.pid})
        self._program = actor.program
        self._told = deque(told)
        self._is_over = False
        self._its_turn, self._our_turn = threading.Lock(), threading.Lock()
        for lock in (self._its_turn, self._our_turn):
            lock.acquire()
        threading.Thread(target=self._run, daemon=True).start()
        self._switch()

    def resume(self, told: Told) -> None:
        """Tell it something, and let it go on until it wants the next thing or ends."""
        self._told.append(told)
        self._switch()

    def drop(self) -> None:
        """It is not wanted any more."""
        if self.pending is not None:
            self._is_over = True
            self._switch()

    def hear(self, pending: Pending) -> Told:
        """Called by the program: wait for what it is told.

        Raises:
            Suspended: nobody wants to know how it goes on.
        """
        if not self._told and not self._is_over:
            self.pending, self.pids = pending, frozenset({self.me.first_pid, self.me.pid})
            self._our_turn.release()
            self._its_turn.acquire()
        if self._is_over:
            raise Suspended
        return self._told.popleft()

    def _switch(self) -> None:
        _playing.append(self.me)
        outside = {name: getattr(processes, name) for name in _GLOBALS}
        vars(processes).update(self.me.globals)
        self._its_turn.release()
        self._our_turn.acquire()
        self.me.globals = {name: getattr(processes, name) for name in _GLOBALS}
        vars(processes).update(outside)
        _playing.pop()

    def _run(self) -> None:
        self._its_turn.acquire()
        try:
            self.result = self._program(self.me)
        except BaseException as error:
            self.result = error
        self.pending = None
        self._our_turn.release()


class Actor:
    """A program and everything that may become of it.

    Args:
        serial: a number that no other actor has.
        space: the system in which its pid is valid.
    """

    def __init__(self, name: str, serial: int, program: Program, pid: int = 0, space: str = "space") -> None:
        self.name, self.serial, self.program = name, serial, program
        self.pid, self.space = pid or serial, space
        self._starts: dict[int, Point] = {}
        self._plays: OrderedDict[int, Play] = OrderedDict()
        self.points: list[Point] = []

    def start(self, clock: int) -> Point:
        """Its first point, when it starts at this time."""
        found = self._starts.get(clock)
        if found is None:
            start = Told("reply", None, clock, ())
            found = self._starts[clock] = self._noted(start, (), Play(self, start, ()))
        return found

    def then(self, point: Point, told: Told) -> Point:
        """The point behind this one, when it has been told this."""
        found = point.next.get(told)
        if found is None:
            play = self._plays.pop(point.number, None)
            if play is None:
                play = Play(self, point.start, point.told)
                if play.pending != point.pending:
                    raise AssertionError(
                        f"{self.name} is not the same twice: {point.pending}, then {play.pending}"
                    )
            if len(point.told) > LONGEST:
                raise AssertionError(f"{self.name} has no end: {point.pending}")
            play.resume(told)
            found = point.next[told] = self._noted(point.start, (*point.told, told), play)
        return found

    def killed(self, point: Point) -> Point:
        """The point behind this one, when it is killed here."""
        found = point.next.get(None)
        if found is None:
            found = Point(len(self.points), point.start, point.told, None, dead=True)
            self.points.append(found)
            point.next[None] = found
        return found

    def _noted(self, start: Told, told: tuple[Told, ...], play: Play) -> Point:
        point = Point(len(self.points), start, told, play.pending, play.result, pids=play.pids)
        self.points.append(point)
        if play.pending is not None:
            self._plays[point.number] = play
            if len(self._plays) > KEPT:
                self._plays.popitem(last=False)[1].drop()
        return point

    def close(self) -> None:
        """End what is still being played."""
        while self._plays:
            self._plays.popitem()[1].drop()
