"""All workers together: how many there are, how many live, from which queues they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from heapq import nsmallest
from typing import NamedTuple

from pyresque.client.info import WorkerInfo
from pyresque.client.worker_signs import Place, WorkerProcess, find_process, lives
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.wire import times

RUN_AT = re.compile(rb'"run_at"\s*:\s*"([^"\\]{1,40})"')
"""When a worker took its job, in what it has written: found without reading all of it."""
MOST_AT_WORK = 10
"""Of so many workers it is told that they have been at their job for longest."""
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Fleet:
    """All workers at one moment.

    Attributes:
        total: how many are registered.
        working: how many have a job.
        alive: how many live; unknown: of how many nobody can tell from here.
        dead: the ids of those that are dead.
        long: ids of those that are not dead and have been at one job for too long, with the seconds, the
            longest first.
        at_work: the ids of ten that have been at their job for longest, the longest first.
        served: the queues, and patterns of queues, from which workers take that are not dead.
        served_by_ruby: the same of workers that are not pyresque's.
    """

    total: int = 0
    working: int = 0
    alive: int = 0
    unknown: int = 0
    dead: list[str] = field(default_factory=list)
    long: list[tuple[str, float]] = field(default_factory=list)
    at_work: list[str] = field(default_factory=list)
    served: frozenset[str] = frozenset()
    served_by_ruby: frozenset[str] = frozenset()

    def serves(self, queue: str) -> bool:
        """Whether a worker that may live takes from a queue, as far as its id tells."""
        return _is_among(queue, self.served)

    def serves_in_ruby(self, queue: str) -> bool:
        """The same of workers that are not pyresque's."""
        return _is_among(queue, self.served_by_ruby)


def _is_among(queue: str, names: frozenset[str]) -> bool:
    return queue in names or any(fnmatchcase(queue, name) for name in names if _WILD.search(name))


class _Member(NamedTuple):
    """What counts of one worker."""

    id: str
    queues: str
    is_ruby: bool
    is_alive: bool | None
    has_job: bool
    working_for: float | None


def fleet_of(infos: Iterable[WorkerInfo], max_run: float | None) -> Fleet:
    """All workers, of which everything is known already.

    Args:
        max_run: seconds that a job may run; None: as long as it takes.
    """
    return _together(
        [
            _Member(
                one.id,
                ",".join(one.queues),
                one.language != "python",
                one.is_alive,
                one.working is not None,
                one.working_for,
            )
            for one in infos
        ],
        max_run,
    )


def quick_fleet(space: Space, max_run: float | None, ids: Sequence[str]) -> Fleet:
    """These workers, which are all that are registered, with as little reading as that takes."""
    if not ids:
        return Fleet()
    beats, marks, now = workers.heartbeats(space), workers.marks(space), workers.redis_time(space)
    known = marks or {}
    own = _those_here(space, ids, known, Place.here())

    @cache  # many share a second
    def age_of(text: str | None) -> float | None:
        at = times.parse(text) if text else None
        return None if at is None else max(0.0, now - at)

    @cache
    def lives_elsewhere(beat: str | None, has_mark: bool) -> bool | None:
        return lives(WorkerProcess("", 0, False, has_mark), age_of(beat))

    members = []
    for worker_id, working in zip(ids, workers.working_on(space, ids), strict=True):
        beat = beats.get(worker_id)
        process = own.get(worker_id)
        is_ours = bool(known.get(worker_id))
        began = RUN_AT.search(working, 0, 1000) if working else None
        members.append(
            _Member(
                worker_id,
                worker_id.split(":", 2)[-1] if worker_id.count(":") > 1 else "",
                marks is None or worker_id not in known,
                lives(process, age_of(beat)) if process else lives_elsewhere(beat, is_ours),
                bool(working),
                age_of(began[1].decode("latin-1")) if began else None,
            )
        )
    return _together(members, max_run)


def _those_here(
    space: Space, ids: Sequence[str], marks: dict[str, str], here: Place
) -> dict[str, WorkerProcess]:
    """The processes of the workers whose process ids belong to this system."""
    spaces = {one: workers.space_in(mark) for one, mark in marks.items()}
    own = []
    for worker_id in ids:
        own_space = spaces.get(worker_id)
        if own_space == here.process_space if own_space else worker_id.startswith(f"{here.host}:"):
            own.append(worker_id)
    began = workers.started(space, own)
    return {one: find_process(one, marks.get(one, ""), at, here) for one, at in zip(own, began, strict=True)}


def _together(members: Sequence[_Member], max_run: float | None) -> Fleet:
    living = [one for one in members if one.is_alive is not False]
    working = [one for one in members if one.has_job]
    long = [
        (one.id, one.working_for)
        for one in living
        if max_run is not None and one.working_for is not None and one.working_for > max_run
    ]
    return Fleet(
        total=len(members),
        working=len(working),
        alive=sum(one.is_alive is True for one in members),
        unknown=sum(one.is_alive is None for one in members),
        dead=[one.id for one in members if one.is_alive is False],
        long=sorted(long, key=lambda pair: -pair[1]),
        at_work=[one.id for one in nsmallest(MOST_AT_WORK, working, key=_began)],
        served=_queues(living),
        served_by_ruby=_queues(one for one in living if one.is_ruby),
    )


def _began(one: _Member) -> float:
    """What orders workers by when they took their job; those that do not tell come last."""
    return 0.0 if one.working_for is None else -one.working_for


def _queues(members: Iterable[_Member]) -> frozenset[str]:
    lists = {one.queues for one in members}
    return frozenset(name for names in lists for name in names.rstrip(",").split(","))
