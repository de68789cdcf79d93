"""What a world is: what lies in Redis at first, who acts, and what must be true whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyresque.errors import MalformedPayload
from pyresque.wire.records import FailureRecord, Payload
from tests.model.actor import Program
from tests.model.states import Content

NS = b"resque:"


@dataclass(frozen=True)
class Unavailable:
    """What a client was told: Redis could not be reached."""

    maybe_done: bool


Event = tuple[str, Any, str]
"""A line of the ledger: `begin` or `end`, the number of the job, who wrote it."""


class Kept:
    """What Redis holds, to be asked."""

    def __init__(self, content: Content) -> None:
        self._found = {key.removeprefix(NS).decode(): (value, left) for key, _, value, left in content}

    def __getitem__(self, key: str) -> Any:
        return self._found[key][0] if key in self._found else ()

    def keys(self, *heads: str) -> list[str]:
        """The keys that begin with one of these."""
        return [key for key in self._found if key.startswith(heads)]

    def lives(self, key: str) -> int:
        """Seconds that a key has to live; -1: for ever."""
        return self._found[key][1]

    def number(self, key: str) -> int:
        """What a counter says."""
        return int(self[key] or 0)

    def numbers(self, *heads: str) -> Counter[Any]:
        """How often each job (its first argument) stands in the lists that begin with one of these."""
        return Counter(number_of(raw) for key in self.keys(*heads) for raw in self[key])

    def failures(self) -> list[FailureRecord]:
        """The records of failures."""
        names = ["failed", *(name.decode() for name in self["failed_queues"])]
        return [FailureRecord.parse(raw, name, n) for name in names for n, raw in enumerate(self[name])]

    def __repr__(self) -> str:
        return "\n".join(
            f"  {key}: {value!r}" + (f" ({left} s)" if left >= 0 else "")
            for key, (value, left) in self._found.items()
        )


def number_of(raw: bytes) -> Any:
    """The first argument of a job; in these worlds it is its number."""
    try:
        args = Payload.parse(raw).args
    except MalformedPayload:
        return None
    return args[0] if args else None


@dataclass(frozen=True)
class Final:
    """How a world ended.

    `before`: Redis when all actors had ended; `after`: Redis when those who come behind them (`closing`) had
    cleaned up. `results`: what each actor's program returned or raised; None where it was killed.
    """

    before: Kept
    after: Kept
    ledger: Sequence[Event]
    results: Mapping[str, Any]
    dead: frozenset[str]
    unsure: frozenset[str]
    """Who lost a reply, or could not send something."""
    gone: frozenset[str]
    """Whose job's process was killed."""
    away: frozenset[str]
    """Who was told that Redis cannot do it now."""
    is_calm: bool
    """Whether nothing went wrong."""

    def said(self, name: str) -> Any:
        """What an actor's program returned; None where it was killed, or could not reach Redis."""
        result = self.results[name]
        return None if isinstance(result, Unavailable) else result

    def begun(self, number: Any) -> int:
        """How often a job was begun."""
        return sum(1 for word, one, _ in self.ledger if word == "begin" and one == number)

    def ended(self, number: Any) -> int:
        """How often a job has come to its end."""
        return sum(1 for word, one, _ in self.ledger if word == "end" and one == number)


Check = Callable[[Final], None]


@dataclass(frozen=True)
class World:
    """A small world.

    `setup` is played first, alone and without faults; then `actors`, in every order and with every fault;
    then `closing`, one after the other and without faults. `faults`: how many there may be in one run, in a
    short and in a long exploration.
    """

    name: str
    setup: Program
    actors: Mapping[str, Program]
    check: Check
    closing: Sequence[Program] = ()
    faults: tuple[int, int] = (1, 2)
    without: str = ""
    """Kinds of faults that are left out (letters of explorer.FAULTS)."""
    ready: Collection[str] = ()
    """The actors that have started when the world begins."""
    namesakes: Collection[str] = ()
    """Those that are process 1, each in a container of its own, all with one host name."""
    is_timeless: bool = True
    """Whether no time passes and no signal comes while the actors act."""
