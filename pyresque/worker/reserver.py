"""How a worker reserves its next job, and what it does with elements that it leaves to others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from pyresque.config.options import Unknown
from pyresque.errors import DirtyExit, MalformedPayload
from pyresque.failure import Recorder
from pyresque.log import Log
from pyresque.model.job_class import JobClass
from pyresque.model.perform import ReservedJob
from pyresque.model.registry import Registry
from pyresque.store import effects, failures, queues, reservation
from pyresque.store.connection.link import Command
from pyresque.store.reservation import NEVER, Answer, EndedJob, QueueOrder, Search, WantedClasses, printable
from pyresque.store.space import Space
from pyresque.wire.aside_links import CLASS as SET_ASIDE
from pyresque.wire.aside_links import NO_QUEUE, pointed_to
from pyresque.wire.encoding import decode
from pyresque.wire.records import JOB_WRAPPER, MAX_PAYLOAD_DEPTH, Payload, WorkingOn, working_on_bytes
from pyresque.worker.current_job import CurrentJob
from pyresque.worker.queue_list import QueueList
from pyresque.worker.registrar import Registrar
from pyresque.worker.unknown_jobs import SLICE, UnknownJobs

logger = Log("pyresque.worker")

Verdict = Literal["reserve", "leave", "aside", "park"]
Start = tuple[int, int]
"""Where a question begins: the index of a queue in the order, an offset in it."""


class Reserver:
    """Reserves jobs for one worker.

    Args:
        unknown_jobs: what was left to others; the workers of a process share it.
    """

    def __init__(
        self,
        space: Space,
        current: CurrentJob,
        queue_list: QueueList,
        registry: Registry,
        unknown: Unknown,
        recorder: Recorder,
        registrar: Registrar,
        unknown_jobs: UnknownJobs,
    ) -> None:
        self._space = space
        self._who = current.who
        self._current = current
        self._list = queue_list
        self._registry = registry
        self._unknown = unknown
        self._search: Search | None = None
        self._changes, self._host = -1, ""
        self._names: tuple[str, ...] = ()
        self._classes: dict[str, JobClass] = {}
        self._unknown_jobs = unknown_jobs
        self._waiting = unknown_jobs.waiting
        self._left_off: tuple[Search, Start] | None = None
        self._logged: set[str] = set()
        self._recorder = recorder
        self._registrar = registrar
        self.all_paused = False
        """Whether the last look has found that all queues are paused."""
        self.unfinished = False
        """Whether the last look took long: the next one goes on."""

    @property
    def order(self) -> QueueOrder:
        """The queues as they were last resolved."""
        return self.search().order

    def search(self) -> Search:
        """The question for the next job, from the first queue on."""
        search, waiting = self._search, self._waiting
        if waiting.until:
            waiting.look()
        changes = self._registry.changes + waiting.changes
        if search is not None and changes == self._changes and self._host == self._who.host:
            return search
        same_host, self._host = self._host == self._who.host, self._who.host
        self._changes = changes
        names = tuple(name for name in self._registry.names() if name not in waiting.until)
        self._classes.clear()
        if search is None or names != self._names or not same_host:
            self._names = names
            self._search = search = self._search_in(search.order if search else self._list.order())
        return search

    def _search_in(self, order: QueueOrder) -> Search:
        self._unknown_jobs.known(self._names)
        return Search(self._space, self._who, order, self._wanted(), self._unknown_jobs.left)

    def next(self, answer: Answer | None = None) -> ReservedJob | None:
        """The next job; None if there is none now.

        Args:
            answer: what the script has said already to `search()`, if it was asked.

        Raises:
            RedisUnavailable: nobody knows whether a job was reserved; the next call finds it.
        """
        try:
            if (
                answer is not None
                and self._search is not None
                and answer.what == "job"
                and not (answer.troubles or answer.left or answer.mark or self._unknown_jobs.left.bookmarks)
            ):  # as nearly always
                self.all_paused = self.unfinished = False
                job = self._reserved(self._search.order.queues[answer.queue], answer.record)
                if job is not None:
                    return job
                answer = None
            return self._next(answer)
        except BaseException:
            self._who.unsure = True  # a job may have been reserved, or may be yet, by a command on its way
            raise

    def _next(self, answer: Answer | None) -> ReservedJob | None:
        self.all_paused = self.unfinished = False
        if answer is None and self._who.contested:
            self._registrar.look_again(self._who)
        began = time.monotonic()
        search, start = self._beginning(answer)
        while True:
            asked = time.monotonic()
            if answer is None:
                answer = reservation.reserve(self._space, search, start)
            self._log(answer)
            queue = search.order.queues[answer.queue] if search.order.queues else ""
            self._unknown_jobs.reached(queue, answer.offset, answer.mark, time.monotonic() - asked)
            if answer.what == "paused":
                self.all_paused = True
                return None
            job, further = self._acted(search, start, queue, answer)
            if job is not None or further is None:
                return job
            (search, start), answer = further, None
            if time.monotonic() - began > SLICE:
                self._left_off = search, start
                self.unfinished = True
                return None

    def _acted(
        self, search: Search, start: Start, queue: str, answer: Answer
    ) -> tuple[ReservedJob | None, tuple[Search, Start] | None]:
        """Do what an answer asks for; returns a job, or the next question (None: everything was seen)."""
        job: ReservedJob | None = None
        match answer.what:
            case "job":
                job = self._reserved(queue, answer.record)  # None: it was not a job, and has been dealt with
                return job, (search, start)
            case "held":
                job = self._unheard(answer.record)
                return job, (self.search(), (0, 0))
            case "stranger" | "namesake" | "limited":
                self._wait_or_enter_again(answer)
                return None, (self.search(), (0, 0))
            case "queues":
                return None, (self._resolved(answer.elements), (0, 0))
            case "look":
                job, offset = self._look(queue, answer)
                return job, (self.search() if self._waiting.until else search, (answer.queue, offset))
            case "more":
                return None, (search, (answer.queue, answer.offset))
        further = search.behind(start)
        return None, None if further is None else (search, further)

    def _beginning(self, answer: Answer | None) -> tuple[Search, Start]:
        """Where to look: on from where the last call stopped, or from the first queue on."""
        search, left_off = self.search(), self._left_off
        self._left_off = None
        if left_off is not None and left_off[0] is search and answer is None:
            return left_off
        self._unknown_jobs.begin()
        return search, (0, 0)

    def _unheard(self, record: bytes) -> ReservedJob | None:
        """The job that `worker:ID` holds, if it is ours to run; else the worker goes on without it."""
        held = self.held(record)
        if isinstance(held, ReservedJob):
            return held
        if held == "begun":
            self._registrar.disown(self._who)
        elif held == "another's":
            self._registrar.give_way(self._who)
        return None

    def _wanted(self) -> WantedClasses:
        policy = self._unknown.policy
        return WantedClasses(
            (*self._names, SET_ASIDE), policy == "fail", policy == "park", tuple(self._waiting.until),
            self._registry.limits(),
        )  # fmt: skip

    @property
    def seconds_to_wait(self) -> float:
        """Until jobs of a class that has a limit may be asked for again; infinite if none waits."""
        return self._waiting.seconds_left

    def _resolved(self, members: Sequence[bytes]) -> Search:
        order = self._list.order(name.decode("utf-8", "surrogateescape") for name in members)
        self._search = self._search_in(order)
        return self._search

    def _reserved(self, queue: str, record: bytes) -> ReservedJob | None:
        """The job of which a record of ours tells; None if it was not a job, and has been dealt with."""
        # Inside of a text the quotes would be escaped: this can only be the key itself.
        raw = record.partition(b',"payload":')[2][:-1]
        try:
            value = decode(raw, MAX_PAYLOAD_DEPTH)
            payload = Payload(raw, value) if type(value) is dict else Payload.parse(raw)
        except MalformedPayload as error:
            # The script took it for plain JSON and we do not: it ends as any element that is not a job.
            self._current.reserved = True
            effects = self._set_aside(queue, raw, error)
            reservation.settle(self._space, self._who, EndedJob(record, NEVER, effects))
            self._current.reserved = False
            return None
        name = payload.value.get("class")
        job_class = self._classes.get(name) if type(name) is str else None
        if job_class is None:
            return self._looked_up(queue, payload, record)
        self._current.reserved = True
        return ReservedJob(queue, payload, job_class, False, self._registry.worker_hooks, record)

    def _looked_up(self, queue: str, payload: Payload, record: bytes) -> ReservedJob | None:
        """The same for a class that comes for the first time, or in another form than its name.

        None if it is only the pointer to bytes that were put aside: those are put back.
        """
        self._current.reserved = True
        link = pointed_to(payload.value)
        if link is None:
            job = ReservedJob.of(queue, payload, self._registry, record)
            if job.job is not None and job.job.name == payload.value.get("class") != SET_ASIDE:
                self._classes[job.job.name] = job.job
            return job
        answer = failures.restore(self._space, link, int(time.time()))
        done = "were put back" if answer == 1 else "are not there any more, or cannot go back"
        logger.warning("a retry from queue %s: the bytes that were put aside as %s %s", queue, link, done)
        reservation.settle(self._space, self._who, EndedJob(record, NEVER, []))
        self._current.reserved = False
        return None

    def held(self, record: bytes) -> ReservedJob | Literal["begun", "another's"] | None:
        """What to make of the job that `worker:ID` holds, if this worker has begun none.

        Returns:
            The job, where an earlier call took it without our hearing of it. "begun": Redis came back older
            than it was, and it is a job that has run already. "another's": that of another worker. None: it
            was not a job, and was put aside.
        """
        working = WorkingOn.parse(record)
        if working.payload is not None:
            queue, run_at = working.queue or "", working.run_at or ""
            if record.startswith(working_on_bytes(queue, run_at, b"", self._space.style)[:-1]):
                return self._whose() or self._reserved(self._queue_named(queue), record)
            return "another's"
        logger.warning(
            "worker:%s held something that is not a job; it was put aside: %r", self._who.id, record[:200]
        )
        error = DirtyExit("worker:ID held something that no worker of ours has written")
        failure = self._recorder.failure(error, b"", self._who.id, working.queue or NO_QUEUE)
        effects = self._recorder.aside(self._space.keys.worker(self._who.id), record, failure)
        reservation.settle(self._space, self._who, EndedJob(record, NEVER, effects))
        return None

    def _whose(self) -> Literal["begun", "another's"] | None:
        """Whose job `worker:ID` holds; None: ours, and not begun.

        A job that ends adds to the counter in the step that takes it out of `worker:ID`. So as long as the
        counter says what we say, no job that we have run can be there.
        """
        count = reservation.settled_count(self._space, self._who)
        if count < self._who.settled:
            return "begun"
        return None if self._current.may_be_more and count == self._who.settled else "another's"

    def _wait_or_enter_again(self, answer: Answer) -> None:
        if answer.what == "limited":
            self._waiting.leave_out(*answer.limited)
        else:
            self._enter_again()

    def _enter_again(self) -> None:
        self._registrar.enter_again(self._who)
        self._who.settled = reservation.settled_count(self._space, self._who)

    def _queue_named(self, name: str) -> str:
        """The queue with this name in a record, where a name that is not UTF-8 is written in another way."""
        return next((queue for queue in self.order.queues if printable(queue) == name), name)

    def _look(self, queue: str, answer: Answer) -> tuple[ReservedJob | None, int]:
        """Judge elements that the script could not; returns a job, or where to go on."""
        offset, began, last = answer.offset, time.monotonic(), answer.mark
        for raw in answer.elements:
            verdict, payload, reason = self._judge(queue, raw)
            if verdict == "leave":
                if payload is not None:
                    wrapped = payload.class_name != payload.job_class
                    self._log_left(f"{JOB_WRAPPER} " * wrapped + payload.job_class, queue)
                offset += 1
                last = reservation.mark_of(raw, offset)
                continue
            self._unknown_jobs.judged(reserved=verdict == "reserve")
            self._unknown_jobs.reached(queue, offset, last, time.monotonic() - began)
            if verdict == "reserve" and payload is not None:
                return self._claimed(queue, raw, payload, offset), offset
            effects = self._parked(raw) if verdict == "park" else self._set_aside(queue, raw, reason)
            queues.move_element(self._space, self._space.keys.queue(queue), raw, offset, effects)
        self._unknown_jobs.judged(reserved=False)
        self._unknown_jobs.reached(queue, offset, last, time.monotonic() - began)
        return None, offset

    def _claimed(self, queue: str, raw: bytes, payload: Payload, offset: int) -> ReservedJob | None:
        """Reserve this element; None if another worker was faster, or it is not a job: then look again."""
        try:
            normal = payload.normal(self._space.style)
            job = self._registry.find_for(payload)
            limited = ("", "") if job is None else (job.name, self.search().limits)
            record = reservation.reserve_element(self._space, self._who, queue, raw, normal, offset, limited)
        except reservation.Limited as limited_now:
            self._waiting.leave_out(limited_now.name, limited_now.seconds)
            return None
        except reservation.Stranger:
            self._enter_again()
            return None
        if record is None:
            return None
        return self._looked_up(queue, payload, record)

    def _judge(self, queue: str, raw: bytes) -> tuple[Verdict, Payload | None, MalformedPayload | None]:
        try:
            payload = Payload.parse(raw)
        except MalformedPayload as error:
            return "aside", None, error
        name, policy = payload.job_class, self._unknown.policy
        if pointed_to(payload.value) is not None:
            return "reserve", payload, None
        if self._waiting.until:
            job = self._registry.find_for(payload)
            if job is not None and job.name in self._waiting.until:
                return "leave", None, None
        # Without a class it is nobody's job: it fails here as it would in Ruby.
        if not name or policy == "fail" or self._registry.find_for(payload):
            return "reserve", payload, None
        if self._registry.is_bare(payload):
            # Whoever else has its class would call it done without running it.
            return "reserve", payload, None
        if policy == "park" and queue != self._unknown.queue:
            return "park", payload, None
        return "leave", payload, None

    def _parked(self, raw: bytes) -> list[Command]:
        return effects.push(self._space.keys, self._unknown.queue, raw)

    def _set_aside(self, queue: str, raw: bytes, reason: MalformedPayload | None) -> list[Command]:
        """The bytes go to the aside list of their queue, and a failure says so where people look."""
        key = self._space.keys.queue(queue)
        aside = self._space.keys.aside(key)
        logger.warning(
            "an element of queue %s is not a job (%s); it was put aside in %s", queue, reason, aside
        )
        failure = self._recorder.failure(reason or MalformedPayload(), b"", self._who.id, queue or NO_QUEUE)
        return self._recorder.aside(key, raw, failure)

    def _log(self, answer: Answer) -> None:
        for trouble in answer.troubles:
            if trouble not in self._logged:
                self._logged.add(trouble)
                logger.warning("a key holds something that it should not, and is passed over: %s", trouble)
        for name, key in answer.left:
            self._log_left(name, key.removeprefix(self._space.keys.queue("")))

    def _log_left(self, name: str, queue: str) -> None:
        """Log, once, a class that is left to others: it may be meant for this worker."""
        if name in self._waiting.until or not self._unknown_jobs.is_new(name, queue):
            return
        from pyresque.worker.left_log import log_left  # it is rarely needed

        log_left(name, queue, self._names, self._registry)
