"""The life of a scheduler: be master, move what is due, fire the schedule, wait for the next moment."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pyresque._version import __version__
from pyresque.client.schedule_entries import check_queueable
from pyresque.config.env import local_zone
from pyresque.config.options import SchedulerOptions
from pyresque.errors import ConfigError, RedisError, RedisReplied
from pyresque.failure import Recorder
from pyresque.log import Log
from pyresque.model.resque_like import ResqueLike
from pyresque.schedule.entry import Entry
from pyresque.schedule.next_runs import STALLED, WRONG_CLOCK, Running
from pyresque.schedule.schedule_file import read_file
from pyresque.scheduler.due import Mover
from pyresque.scheduler.firing import Firer
from pyresque.scheduler.loaded_schedule import LoadedSchedule
from pyresque.scheduler.master import HOLD, Master
from pyresque.scheduler.signals import SchedulerSignals
from pyresque.store import schedules
from pyresque.store.connection.link import LEAVE_SECONDS, PatientLink
from pyresque.store.connection.wakeup import Wakeup
from pyresque.store.master import connection_name
from pyresque.store.space import Space
from pyresque.system.waiting import Backoff, Outage

logger = Log("pyresque.scheduler")

BLIND_INTERVAL = 0.5
"""Seconds between two looks where Redis cannot wake us (an old server, a client of the user's)."""
SHORTEST_TURN = 0.05
"""Seconds that a turn takes at least, however often Redis wakes us."""


class Scheduler:
    """Moves delayed jobs to their queues when they are due, and fires the schedule; one of many, or alone.

    Args:
        resque: where the jobs are.
        options: how it works.
        schedule: entries of its own, by name, as in a YAML file; those in Redis come on top.
        schedule_file: a YAML file with more of them, read again on USR2.
    """

    def __init__(
        self,
        resque: ResqueLike,
        options: SchedulerOptions | None = None,
        schedule: Mapping[str, Any] | None = None,
        schedule_file: str | None = None,
    ) -> None:
        self.options = options or SchedulerOptions()
        space, self._signals = resque.space, SchedulerSignals()
        self._link, signals = resque.link.fresh().adopt(), self._signals
        # Short pauses, and none any more when it is to leave: while Redis is away the loop must hear signals.
        patient = PatientLink(self._link, (0.0, 0.05, 0.2), lambda: signals.stopping)
        self._space = Space(patient, space.keys, space.style)
        self._resque = resque
        self._own = dict(schedule or {})
        self._file = schedule_file
        self._from_file = read_file(schedule_file) if schedule_file else {}
        self._lasting: dict[str, bytes] = {}
        self.master = Master(self._space, self.options)
        self.schedule = LoadedSchedule(
            self.options.environment, self.options.zone or local_zone(), self._check
        )
        recorder = Recorder(self._space, resque.failure_backend, resque.failure_ids)
        self._mover = Mover(self._space, resque.registry, self.options.batch, recorder)
        self._firer = Firer(self._space, resque.registry)
        self._wakeup = Wakeup(resque.link, connection_name(self.master.who, self.master.key))
        self._outage = Outage(
            logger, "%s. The scheduler waits for it", "the scheduler goes on", Backoff(first=0.05, most=5.0)
        )
        self._ahead = time.time() - time.monotonic()
        self._next_delayed: float | None = None
        self._stored: Mapping[str, bytes] | None = None
        self._reload = True

    def run(self) -> None:
        """Work until a signal (TERM, INT, QUIT, HUP) or `stop`; then give the lock back.

        What Redis refuses is logged and tried again: a scheduler outlives restarts and failovers.
        """
        self._link.adopt()
        self._signals.install()
        self._title("Starting")
        try:
            while not self._signals.stopping:
                began = time.monotonic()
                wait = self._turn()
                self._act_on(self._signals.take())
                if (self._reload and not self._outage.lasts) or self._signals.stopping:
                    continue
                self._wait(wait)
                self._wakeup.woken()
                self._signals.wait(SHORTEST_TURN - (time.monotonic() - began), [])
        finally:
            self._leave()

    def stop(self) -> None:
        """Make `run` return, from another thread."""
        self._signals.stop()

    def turn(self) -> float:
        """One round: be master, load what has changed, fire and move what is due.

        Returns:
            How many seconds there is nothing to do, unless something changes.

        Raises:
            RedisError: Redis cannot be reached or refuses.
        """
        self._look_at_the_clock()
        was_master = self.master.active
        is_master = self.master.ask()
        self._load(became_master=is_master and not was_master)
        if is_master:
            self._work()
        return self._seconds_left()

    def _turn(self) -> float:
        try:
            seconds = self.turn()
        except RedisError as error:
            # Redis is away, a key holds something else, a script was ended: others go on, and so do we.
            self._outage.failed(error)
            if not isinstance(error, RedisReplied):
                self.master.active = False
            return self._outage.seconds_left
        self._outage.answered()
        return seconds

    def _look_at_the_clock(self) -> None:
        """Plan anew when the clock was set back: what was planned by it would not come for so long."""
        ahead, self._ahead = self._ahead, time.time() - time.monotonic()
        if ahead - self._ahead > WRONG_CLOCK:
            logger.warning("the clock was set back by %d s; every entry is planned anew", ahead - self._ahead)
            self.schedule.clock_was_set_back(ahead - self._ahead, time.time(), self.options.catch_up)

    def _load(self, became_master: bool) -> None:
        now, catch_up = time.time(), self.options.catch_up
        stored, changed = schedules.changed(self._space)
        if self._reload or became_master or changed or stored != self._stored:
            self._title("Loading Schedule")
            noted = schedules.last_runs(self._space)
            stored = {**stored, **self._read_own(stored)}
            self.schedule.load(stored, noted, now, catch_up)
            if became_master:
                self.schedule.plan(noted, now, catch_up)
            self._title("Master scheduler" if self.master.active else "Child scheduler")
        if self.master.active:
            schedules.heard(self._space, changed)
        self._reload, self._stored = False, stored

    def _read_own(self, stored: Mapping[str, bytes]) -> dict[str, bytes]:
        """Give the table the entries of this process; those that say `persist` go to Redis, and are returned.

        They are written when the file is read, as in Ruby. Later what Redis holds counts: somebody may have
        removed them there.
        """
        entries = {**self._resque.local_schedule, **self._own, **self._from_file}
        if self._reload:
            self._lasting = self.schedule.persistent(entries, self._space.style)
        self.schedule.static = {name: value for name, value in entries.items() if name not in self._lasting}
        lasting = self._lasting if self._reload else {}
        written = {name: raw for name, raw in lasting.items() if stored.get(name) != raw}
        for name, raw in written.items():
            schedules.save(self._space, name, raw)
        return written

    def _work(self) -> None:
        """Fire and move what is due; between two batches, entries, renewals and signals have their turn."""
        while self.master.active and not self._signals.stopping:
            self._fire()
            if not self.master.active:
                return
            moved = self._mover.move(self.master.lease)
            if moved.lost:
                self.master.lost()
                return
            self.master.renewed()
            self._next_delayed = moved.next
            if not moved.more and not self.schedule.due(time.time()):
                return

    def _fire(self) -> None:
        for running in self.schedule.due(time.time()):
            if self._signals.stopping:
                return
            if time.time() - (running.due or 0.0) > STALLED and not self._makes_up(running):
                self._plan(running)
                continue
            if not self._fire_one(running):
                self.master.lost()
                return
            self.master.fired()

    def _fire_one(self, running: Running) -> bool:
        """Fire one entry; False if the lock is another's."""
        try:
            outcome = self._firer.fire(running, self.master.lease)
        except RedisReplied as error:
            logger.error("the entry %s of the schedule cannot be fired: %s", running.entry.name, error)
            running.advance(running.noted)
            return True
        if outcome == "taken":
            self._plan(running)
        return outcome != "lost"

    def _makes_up(self, running: Running) -> bool:
        return (running.entry.catch_up or self.options.catch_up) != "none"

    def _plan(self, running: Running) -> None:
        running.noted = schedules.last_runs(self._space).get(running.entry.name, "")
        running.plan(time.time(), self.options.catch_up)

    def _seconds_left(self) -> float:
        interval = self.options.interval or BLIND_INTERVAL
        if not self.master.active:
            return min(interval, self.master.seconds_left())
        moments = [self._next_delayed, self.schedule.next_due()]
        now = time.time()
        waits = [moment - now for moment in moments if moment is not None]
        return max(0.0, min([interval, self.master.seconds_left(), *waits]))

    def _wait(self, seconds: float) -> None:
        keys = self._space.keys
        watched = [keys.persistent_schedules, keys.schedules_changed]
        watched.append(keys.delayed_schedule if self.master.active else self.master.key)
        if self._wakeup.arm(watched):
            return  # it may have changed before Redis began to watch: one more look
        if self._wakeup.fileno() < 0:
            seconds = min(seconds, BLIND_INTERVAL)
        self._signals.wait(seconds, [self._wakeup] if self._wakeup.fileno() >= 0 else [])

    def _act_on(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if number == signal.SIGUSR1:
                for line in self.schedule.describe(time.time()):
                    logger.warning("%s", line)
                logger.warning(
                    "%s", "master" if self.master.active else f"the master is {self.master.holder}"
                )
            elif number == signal.SIGUSR2:
                self._read_again()

    def _check(self, entry: Entry) -> None:
        check_queueable(entry, self._resque.registry, self._space.style)

    def _read_again(self) -> None:
        logger.info("loading the schedule again")
        self._reload = True
        if self._file:
            try:
                self._from_file = read_file(self._file)
            except ConfigError as error:
                logger.error("%s; the entries that were read before stay", error)

    def _leave(self) -> None:
        self._link.deadline = time.monotonic() + HOLD + LEAVE_SECONDS
        try:
            self.master.resign()
        except RedisError as error:
            logger.warning("the master lock could not be given back: %s", error)
        self._wakeup.close()
        self._link.close()
        self._link.deadline = float("inf")
        self._signals.restore()

    def _title(self, text: str) -> None:
        from setproctitle import setproctitle

        app = f"[{self.options.app_name}]" if self.options.app_name else ""
        environment = f"[{self.options.environment}]" if self.options.environment else ""
        setproctitle(f"pyresque-scheduler-{__version__}{app}{environment}: {text}")
