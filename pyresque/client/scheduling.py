"""The verbs for the schedule: part of `Resque`, as resque-scheduler has them.

See docs/protocol/scheduler.md#calls-for-the-schedule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyresque.client.delayed_item import ready_entry
from pyresque.client.enqueueing import Enqueueing
from pyresque.config.env import local_zone
from pyresque.errors import InvalidSchedule, MalformedPayload
from pyresque.model.job_types import AnyJob
from pyresque.model.registry import Registry
from pyresque.store import locks, schedules
from pyresque.store.locks import Offer
from pyresque.store.space import Space
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import decode
from pyresque.wire.records import spread
from pyresque.wire.ruby_inspect import inspect

if TYPE_CHECKING:
    from pyresque.schedule.entry import Entry

# What reads a schedule is imported when it is used: every fork of a worker would pay for it.


class Scheduling(Enqueueing):
    """What `Resque` can do with recurring jobs.

    Entries are kept in Redis, where the schedulers of both languages find them; with `persist=False` they
    are known to this process only, for a `Scheduler` in it.
    """

    def __init__(self, space: Space, registry: Registry) -> None:
        super().__init__(space, registry)
        self.local_schedule: dict[str, Any] = {}

    def set_schedule(
        self,
        name: str,
        *,
        job: AnyJob,
        cron: Any = None,
        every: Any = None,
        args: Sequence[Any] | dict[str, Any] = (),
        queue: str | None = None,
        persist: bool = True,
        **more: Any,
    ) -> None:
        """Write an entry of the schedule; schedulers follow within one interval.

        Args:
            job: a registered function or class, or a class name (then `queue` is needed).
            cron: `"0 3 * * * Europe/Berlin"`, or `[text, {options}]`.
            every: `"1h30m"`, a number of seconds, or `[one of them, {options}]`.
            args: the arguments of the job: a list, or one mapping.
            more: other keys of an entry: `description`, `rails_env`, `catch_up`, `overlap` ...

        Raises:
            InvalidSchedule: it cannot be used, or would end a Ruby scheduler; the text says why.
            NotAJob: the job is none, or its queue is not known.
        """
        if isinstance(args, str) or not isinstance(args, Sequence | dict):
            raise InvalidSchedule(
                f"{name}: args={args!r} must be a list, for example args=[1], or one mapping"
            )
        outgoing = self._outgoing(job, spread(args if isinstance(args, dict) else list(args)), {}, queue)
        value: dict[str, Any] = {"class": outgoing.class_name}
        value |= {key: item for key, item in (("cron", cron), ("every", every)) if item is not None}
        value |= {"queue": outgoing.queue, "args": args if isinstance(args, dict) else outgoing.args, **more}
        self.write_schedule(name, value, persist=persist)

    def write_schedule(self, name: str, value: dict[str, Any], *, persist: bool = True) -> None:
        """Write an entry as a mapping in resque-scheduler's format; raises as `set_schedule` does."""
        from pyresque.schedule.entry import shareable

        entry = self.check_schedule(name, value, persist=persist)
        if persist:
            schedules.save(self.space, entry.name, shareable(entry, self.space.style))
        else:
            self.local_schedule[entry.name] = entry.value

    def check_schedule(self, name: str, value: dict[str, Any], *, persist: bool = True) -> Entry:
        """The entry that `write_schedule` would write; raises as it does, and writes nothing."""
        from pyresque.schedule.entry import Entry, shareable

        if isinstance(value, dict):
            value = {
                key: plain_name(item) if key in ("class", "queue") else item for key, item in value.items()
            }
        name = plain_name(name)
        if not isinstance(name, str) or not name:
            raise InvalidSchedule("an entry of the schedule needs a name")
        try:
            entry = Entry.read(name, self._with_queue(value), local_zone())
            if persist:
                shareable(entry, self.space.style)
        except InvalidSchedule as error:
            raise InvalidSchedule(f"{name}: {error}") from None
        return entry

    def remove_schedule(self, name: str) -> bool:
        """Remove an entry, of Redis and of this process; whether there was one."""
        local = self.local_schedule.pop(name, None) is not None
        return schedules.remove(self.space, name) or local

    def disable_schedule(self, name: str) -> bool:
        """Switch an entry in Redis off; whether it was on. Schedulers of both languages pass it over then.

        Raises:
            InvalidSchedule: there is no such entry in Redis, or it cannot be used, with the reason.
        """
        from pyresque.schedule.entry import DISABLED, KEPT_ENVIRONMENTS

        value = self._stored_entry(name)
        if value.get("rails_env") == DISABLED:
            return False
        if "rails_env" in value:
            value[KEPT_ENVIRONMENTS] = value["rails_env"]
        self.write_schedule(name, {**value, "rails_env": DISABLED})
        return True

    def enable_schedule(self, name: str) -> bool:
        """Switch an entry on that was switched off; whether it was. Raises as `disable_schedule` does."""
        from pyresque.schedule.entry import DISABLED, KEPT_ENVIRONMENTS

        value = self._stored_entry(name)
        if value.get("rails_env") != DISABLED:
            return False
        del value["rails_env"]
        if KEPT_ENVIRONMENTS in value:
            value["rails_env"] = value.pop(KEPT_ENVIRONMENTS)
        self.write_schedule(name, value)
        return True

    def _stored_entry(self, name: str) -> dict[str, Any]:
        raw = schedules.entries(self.space).get(name)
        if raw is None:
            raise InvalidSchedule(f"there is no entry {name} in Redis; those of a file are changed there")
        value = stored_value(raw)
        if not isinstance(value, dict):
            raise InvalidSchedule(f"{name} is no entry: remove it, or write it anew")
        return value

    def schedule(self) -> dict[str, Any]:
        """Every entry: those of this process, and on top those in Redis (a broken one as its text)."""
        return {**self.local_schedule, **self.stored_schedule()}

    def stored_schedule(self) -> dict[str, Any]:
        """The entries in Redis by name; one that is not JSON as its text."""
        return {name: stored_value(raw) for name, raw in sorted(schedules.entries(self.space).items())}

    def schedule_entry(self, name: str) -> Entry | None:
        """An entry, ready to be asked when it runs; None if there is none of this name.

        Raises:
            InvalidSchedule: it cannot be used.
        """
        from pyresque.schedule.schedule_file import read

        value: Any = schedules.entries(self.space).get(name, self.local_schedule.get(name))
        return None if value is None else read(name, value, local_zone())

    def run_schedule(
        self, name: str, parameters: Mapping[str, Any] | None = None, *, args: Any = None
    ) -> bool:
        """Put the job of an entry on its queue now, with its hooks; False if a hook refused it.

        Args:
            args: arguments in the place of those of the entry.
            parameters: values for the `parameters` that the entry asks for ("Queue now" of its web page).
                They are merged into its args, and those not given have their defaults. None: run it as
                the scheduler does.

        Raises:
            InvalidSchedule: there is no such entry, or it cannot be used, or not with these parameters.
            NotAJob: its job cannot be queued.
        """

        entry = self.schedule_entry(name)
        if entry is None:
            raise InvalidSchedule(f"there is no entry {name} in the schedule")
        return run_now(self.space, self.registry, entry, parameters, args)

    def last_enqueued_at(self) -> dict[str, str]:
        """When each entry was fired last, in the words of the master (its local time)."""
        return schedules.last_runs(self.space)

    def _with_queue(self, value: dict[str, Any]) -> dict[str, Any]:
        """The entry with the queue that the registry knows for it: Ruby does not know those of Python."""
        if not isinstance(value, dict) or value.get("queue"):
            return value
        name = value.get("class")
        job = self.registry.find(name) if isinstance(name, str) else None
        return value if job is None or job.queue is None else {**value, "queue": job.queue}


def stored_value(raw: bytes) -> Any:
    """An entry in Redis, decoded; as text if it is not JSON."""
    try:
        return decode(raw)
    except MalformedPayload:
        return raw.decode("utf-8", "backslashreplace")


def run_now(
    space: Space,
    registry: Registry,
    entry: Entry,
    parameters: Mapping[str, Any] | None = None,
    args: Any = None,
) -> bool:
    """Put the job of an entry on its queue at once, with its hooks, as the web page's button does.

    Args:
        parameters: what the form of the page asks for where the entry has `parameters`; None: it is run as
            the scheduler runs it.
        args: arguments in the place of those of the entry.

    Returns:
        Whether it was (a hook or a lock may refuse).

    Raises:
        NotAJob, MalformedPayload: it cannot be queued.
        InvalidSchedule: the parameters are none of this entry, or some are missing.
    """
    if args is not None:
        entry = replace(entry, value={**entry.value, "args": args})
    value = entry.value if parameters is None else _with_parameters(entry, parameters)
    ready = ready_entry(value, registry, space.style).decided()
    if not ready.run_hooks("before_recurring"):
        return False
    if not ready.run_scheduled():
        guards = ready.guards_at(space) if ready.run_hooks("before_enqueue") else None
        if guards is None or not locks.offer(space, [Offer(ready.queue, ready.payload, guards)])[0]:
            return False
        ready.run_hooks_after("after_enqueue")
    ready.run_hooks_after("after_recurring")
    return True


def _with_parameters(entry: Entry, values: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with parameters in its args; one that is not given has its default, as in the form."""
    declared, args = entry.value.get("parameters") or {}, entry.value.get("args")
    if not isinstance(declared, dict) or not declared:
        if values:
            raise InvalidSchedule(f"{entry.name} takes no parameters: it has none in its entry")
        return entry.value
    args = {} if args is None or args is False else args
    if not isinstance(args, dict):
        raise InvalidSchedule(f"{entry.name}: its args must be one mapping, or parameters cannot go into it")
    unknown = ", ".join(key for key in values if key not in declared)
    if unknown:
        raise InvalidSchedule(f"{entry.name} has no parameter {unknown}; it has {', '.join(declared)}")
    specs = {key: spec if isinstance(spec, dict) else {} for key, spec in declared.items()}
    defaults = {key: default_text(spec["default"]) for key, spec in specs.items() if "default" in spec}
    missing = ", ".join(key for key in declared if key not in values and key not in defaults)
    if missing:
        raise InvalidSchedule(f"{entry.name} needs {missing}: give each as NAME=VALUE")
    merged = {key: values[key] if key in values else defaults[key] for key in declared}
    return {**entry.value, "args": {**args, **merged}}


def default_text(default: Any) -> str:
    """A default as the form shows it, whose fields are texts."""
    if default is None or default is False:
        return ""
    return default if isinstance(default, str) else inspect(default)
