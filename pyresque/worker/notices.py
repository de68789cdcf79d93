"""What a worker says about once a minute, if it is so: jobs wait that nobody here knows, may take, or moves.

Only an idle worker looks, or one that has just pruned. It reads a part of each queue only, and whatever goes
wrong with that is no trouble of the worker's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyresque.config.options import WorkerOptions
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.store import delayed, master, pauses, queues, workers
from pyresque.store.space import Space
from pyresque.usercode.safely import cut, tried
from pyresque.worker.queue_list import QueueList

if TYPE_CHECKING:
    from pyresque.client.unknown_classes import WaitingClass

logger = Log("pyresque.worker")

EVERY = 60.0
"""Seconds between two looks."""
AGAIN = 600.0
"""Seconds after which the same is said again."""
LATE = 15
"""Seconds after which a delayed job is overdue: a scheduler looks every five."""
MOST_QUEUES, MOST_JOBS, MOST_BYTES = 50, 1_000, 1 << 20
"""Queues that are looked at, and jobs and bytes that are read of each."""
_CLASSES = 5
_SECONDS = 200
"""Seconds with delayed jobs whose jobs are counted."""


class Notices:
    """Looks for one worker, and says what it finds; the same again only after a while.

    Args:
        options: of the worker: whether it looks at all, and what becomes of jobs of unknown classes.
    """

    def __init__(
        self,
        space: Space,
        registry: Registry,
        queue_list: QueueList,
        options: WorkerOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._space, self._registry, self._list = space, registry, queue_list
        self._leaves_unknown = options.unknown.policy == "leave"
        self._clock = clock
        self._due = 0.0 if options.notices else float("inf")
        self._told: dict[str, tuple[object, float]] = {}

    def look(self) -> None:
        """Look, if it is time for that, and say what is new. It raises nothing."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY
        for look in (self._queues, self._overdue):
            _, error = tried(look)
            if error is not None:
                logger.debug("it cannot be seen what waits: %s", error)

    def _say(self, about: str, what: object, text: str, is_grave: bool = True) -> None:
        before, at = self._told.get(about, (None, 0.0))
        if what != before or self._clock() - at >= AGAIN:
            self._told[about] = what, self._clock()
            (logger.warning if is_grave else logger.info)("%s", text)

    def _queues(self) -> None:
        names = self._list.order(queues.names(self._space) if self._list.dynamic else ()).queues[:MOST_QUEUES]
        if self._leaves_unknown:
            self._waiting(names)
        self._paused(names)

    # --- jobs that nobody may take ---------------------------------------------------------------------

    def _paused(self, names: Sequence[str]) -> None:
        sizes = {queue: size for queue, size in queues.sizes(self._space, names).items() if size}
        every = bool(sizes) and (
            pauses.is_paused(self._space, None) or pauses.are_workers_paused(self._space)
        )
        paused = sorted(sizes if every else pauses.among(self._space, list(sizes)))
        if not paused:
            self._told.pop("paused", None)
            return
        count = sum(sizes[queue] for queue in paused)
        jobs = "1 job waits" if count == 1 else f"{count:,} jobs wait"
        where = "while all queues are paused" if every else f"on paused queues ({', '.join(paused)})"
        text = f"{jobs} {where}: pyresque queue resume {'--all' if every else 'NAME'} ends the pause"
        self._say("paused", (every, paused), cut(text, 1_500))

    # --- jobs that nobody here knows -------------------------------------------------------------------

    def _waiting(self, names: Sequence[str]) -> None:
        from pyresque.client.unknown_classes import waiting_in

        by_queue = {}
        for queue in names:
            waiting = waiting_in(self._space, queue, self._registry, MOST_JOBS, MOST_BYTES)
            if waiting:
                by_queue[queue] = waiting
        rubys = self._queues_of_ruby() if by_queue else []
        for queue, waiting in by_queue.items():
            # Where Ruby listens too, they are likely to be for Ruby.
            is_grave = any(waiting_class.near for waiting_class in waiting) or not any(
                map(_listens_to(queue), rubys)
            )
            what = [(waiting_class.class_name, waiting_class.count) for waiting_class in waiting]
            self._say(f"queue {queue}", what, _text(queue, waiting), is_grave)
        for about in [about for about in self._told if about.startswith("queue ")]:
            if about.removeprefix("queue ") not in by_queue:
                del self._told[about]

    def _queues_of_ruby(self) -> list[str]:
        """The queue lists of the workers that are not pyresque's."""
        ours = workers.ours(self._space)
        return [
            worker_id.split(":", 2)[-1] for worker_id in workers.ids(self._space) if worker_id not in ours
        ]

    # --- jobs that nobody moves ------------------------------------------------------------------------

    def _overdue(self) -> None:
        now = int(time.time())
        first = delayed.first_second(self._space, now - LATE)
        if first is None or master.holder(self._space, self._space.keys.master_lock("")) is not None:
            self._told.pop("overdue", None)
            return
        seconds = [second for second in delayed.seconds(self._space, 0, _SECONDS) if _is_before(second, now)]
        sizes = delayed.sizes(self._space, seconds)
        count = sum(sizes)
        oldest = next((int(second) for second, size in zip(seconds, sizes, strict=True) if size), None)
        if oldest is None or oldest > now - LATE:
            self._told.pop("overdue", None)
            return
        least = "at least " * (len(seconds) == _SECONDS)
        jobs = "1 delayed job is" if count == 1 else f"{count:,} delayed jobs are"
        text = (
            f"{least}{jobs} overdue (by {_span(now - oldest)}) and no scheduler is master: "
            "start one with pyresque scheduler"
        )
        self._say("overdue", count, text)


def _text(queue: str, waiting: Sequence[WaitingClass]) -> str:
    count = sum(waiting_class.count for waiting_class in waiting)
    least = "at least " * any(waiting_class.is_sampled for waiting_class in waiting)
    advice = "; ".join(
        f"{waiting_class.count:,} {waiting_class.advice}" if waiting_class.count > 1 else waiting_class.advice
        for waiting_class in waiting[:_CLASSES]
    )
    more = f"; and {len(waiting) - _CLASSES:,} other classes" if len(waiting) > _CLASSES else ""
    jobs, wait = ("job", "waits") if count == 1 else ("jobs", "wait")
    classes = "a class that is" if len(waiting) == 1 else "classes that are"
    return cut(
        f"{least}{count:,} {jobs} of {classes} not registered here {wait} on {queue}: {advice}{more}", 1_500
    )


def _listens_to(queue: str) -> Callable[[str], bool]:
    def listens(listed: str) -> bool:
        names = listed.split(",")
        return any(names) and queue in QueueList(names).order((queue,)).queues

    return listens


def _is_before(second: bytes, now: int) -> bool:
    return second.isdigit() and int(second) <= now


def _span(seconds: int) -> str:
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"
