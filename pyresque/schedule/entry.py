"""One entry of the schedule: what it says, and whether it can be used.

See docs/protocol/scheduler.md#entries.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pyresque.errors import InvalidSchedule, MalformedPayload, NotAJob
from pyresque.log import Log
from pyresque.schedule.cron import Cron
from pyresque.schedule.cron_grammar import BLANKS, WORDS
from pyresque.schedule.dates import read_moment
from pyresque.schedule.every import Every, duration
from pyresque.wire.encoding import Style, decode, encode
from pyresque.wire.ruby_inspect import inspect

logger = Log("pyresque.scheduler")

_NAMES = ("class", "queue", "custom_job_class")
_KEYS = (
    *("cron", "every", *_NAMES, "args", "description", "parameters", "rails_env", "env", "persist"),
    *("active_job", "catch_up", "overlap", "rails_env_when_enabled"),
)
"""The keys of an entry that mean something to a scheduler of either language."""
_ZONES = ("tz", "zone", "timezone", "time_zone")
"""Keys of other schedulers for what stands in the cron text here."""

CatchUp = Literal["none", "last", "all"]
"""What becomes of runs that were missed: nothing, the last is made up for, each is."""

DISABLED = "(disabled)"
"""The `rails_env` of an entry that is switched off. Ruby understands it, too: no RAILS_ENV is this."""
KEPT_ENVIRONMENTS = "rails_env_when_enabled"
"""The key that keeps what stood under `rails_env` until an entry was switched off."""

_FIRST = ("first", "first_time", "first_at", "first_in")
_LAST = ("last", "last_at", "last_in")
"""Names of one option, the one that counts first (rufus-scheduler's order)."""
_LEAP_DAY = datetime(2000, 2, 29, 12, tzinfo=UTC).timestamp()
# fugit before 1.7 refuses & and stray commas, and a step of 0 is an error before 1.12.2: with either a Ruby
# scheduler up to 5.0.0 ends. Older ones read some others differently: docs/cron.md.
# See docs/protocol/scheduler.md#what-stops-a-ruby-scheduler.
_NEW_IN_RUBY = re.compile(r"&|,,|(?:^|[ \t]),|,(?:[ \t]|$)|/0+(?![0-9])")


@dataclass(frozen=True)
class Bounds:
    """The options of an entry that say when it begins and ends, as seconds since the epoch, and how often."""

    first: float | None = None
    last: float | None = None
    times: int | None = None


@dataclass(frozen=True)
class Entry:
    """An entry that can be used; `value` is the whole of it, with every key that it has."""

    name: str
    value: dict[str, Any]
    cron: Cron | None
    every: Every | None
    catch_up: CatchUp | None
    skips_overlap: bool

    @classmethod
    def read(cls, name: str, value: object, zone: str = "UTC") -> Entry:
        """Read what YAML, JSON or Python hold for an entry.

        Args:
            zone: the zone of cron texts that name none.

        Raises:
            InvalidSchedule: it cannot be used; the text says why.
        """
        if not isinstance(value, Mapping):
            raise InvalidSchedule(not_an_entry(value))
        entry_value = {str(key): item for key, item in value.items()}
        entry_value.pop("persist", None)
        for key in _NAMES:
            if entry_value.get(key) is not None and entry_value[key] is not False:
                entry_value[key] = _name(entry_value[key])
        if not entry_value.get("class"):
            raise InvalidSchedule("it has no class")
        if entry_value.get("custom_job_class") == "":
            raise InvalidSchedule("its custom_job_class is empty: name a class, or leave it out")
        environments = _environments(entry_value)
        if not isinstance(environments, str | None):
            raise InvalidSchedule(f"rails_env must be a text such as production, not {_kind(environments)}")
        cron = every = None
        if _given(entry_value.get("cron")):
            cron = Cron(entry_value["cron"], zone=zone)
        elif _given(entry_value.get("every")):
            every = Every(entry_value["every"])
        else:
            raise InvalidSchedule(f"it has neither cron nor every{_slips(entry_value)}")
        entry = cls(name, entry_value, cron, every, _catch_up(entry_value), _overlap(entry_value))
        entry._options(_LEAP_DAY)  # a day on which nothing that may be is refused
        return entry

    @property
    def timing(self) -> str:
        """When it runs, as it was written."""
        return f"cron {self.cron}" if self.cron else f"every {self.every}"

    @property
    def options(self) -> Mapping[str, Any]:
        """The options behind `cron` or `every`."""
        options: Mapping[str, Any] = (self.cron or self.every).options  # type: ignore[union-attr]  # it has one
        return options

    def limits(self, loaded: float) -> Bounds:
        """What the options say, for a scheduler that loads the entry at this moment.

        Raises:
            InvalidSchedule: an option is not understood, or the first run would lie in the past.
        """
        first, last, times = self._options(loaded)
        if first is not None and first < loaded:
            if not _given_true(self.options.get("first_at_no_error")):
                raise InvalidSchedule("its first run would be in the past")
            # As in Ruby: it must lie ahead to be a run of its own.
            first = loaded if self.cron is None else None
        if last is not None and last < loaded:
            raise InvalidSchedule("its last run would be in the past")
        return Bounds(first, last, times)

    def _options(self, loaded: float) -> tuple[float | None, float | None, int | None]:
        first, last = _limit(_FIRST, self.options, loaded), _limit(_LAST, self.options, loaded)
        times = self.options.get("times")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
            raise InvalidSchedule(f"times must be a whole number, not {times!r}")
        return first, last, times

    @property
    def doubts(self) -> list[str]:
        """What to say of the keys that look like a slip: no scheduler reads them."""
        return [f"nothing reads {slip}" for slip in map(_slip, self.value) if slip]

    @property
    def environments(self) -> str | None:
        """The environments that it is for, as they were written; None where it is for all."""
        environments: str | None = _environments(self.value)
        return environments

    @property
    def is_disabled(self) -> bool:
        """Whether it is switched off: it is for an environment that no scheduler of either language has."""
        return self.environments == DISABLED

    def runs_in(self, environment: str | None) -> bool:
        """Whether it is for this environment (RAILS_ENV); without one only what is for all."""
        environments = self.environments
        return environments is None or (
            environment is not None and environment in re.split(r"[\s,]+", environments)
        )


def _slip(key: str) -> str:
    """A key and the one that may be meant; empty for a key that is known, or like none that is."""
    if key in _KEYS:
        return ""
    if key.lower() in _ZONES:
        return f"{key}: the zone stands in the cron text, as in '0 3 * * * Europe/Berlin'"
    import difflib

    near = difflib.get_close_matches(key.lower(), _KEYS, 1, 0.75)
    return f"{key}: did you mean {near[0]}?" if near else ""


def _slips(keys: Iterable[str]) -> str:
    return "".join(f"; {slip}" for slip in map(_slip, keys) if slip)


def parse(name: str, raw: bytes, zone: str = "UTC") -> Entry:
    """Read an entry as it is stored in `persistent_schedules`.

    Raises:
        InvalidSchedule: it cannot be used.
    """
    try:
        value = decode(raw)
    except MalformedPayload as error:
        raise InvalidSchedule(f"it is not JSON: {error}") from None
    return Entry.read(name, value, zone)


def shareable(entry: Entry, style: Style = "ruby") -> bytes:
    """The JSON of an entry that no Ruby scheduler of any version stumbles over.

    See docs/protocol/scheduler.md#what-stops-a-ruby-scheduler.

    Raises:
        InvalidSchedule: there is none.
    """
    value = dict(entry.value)
    if not isinstance(value.get("queue"), str) or not value["queue"]:
        raise InvalidSchedule("it has no queue, and Ruby does not know those of Python jobs: give it one")
    for key in (*_FIRST, *_LAST):
        if key not in ("first_in", "last_in") and entry.options.get(key) is not None:
            raise InvalidSchedule(f"{key} cannot be shared: once it is past it ends older Ruby schedulers")
    if entry.cron:
        value["cron"] = _with_options(_old_cron(entry.cron), entry.options)
        value.pop("every", None)
    else:
        value["every"] = _with_options(str(entry.every), entry.options)
        value.pop("cron", None)
    try:
        return encode(value, style, max_depth=99)
    except NotAJob as error:
        raise InvalidSchedule(f"it cannot be written as JSON: {error}") from None


def _old_cron(cron: Cron) -> str:
    text = str(cron).strip()
    if cron.random:
        raise InvalidSchedule(f"cron {text!r}: with ~ each scheduler draws a time of its own; write one time")
    word, *rest = text.split(None, 1)
    if word in WORDS and rest:
        text = f"{WORDS[word]} {rest[0]}"  # older Rubies refuse a zone behind a word
    if _NEW_IN_RUBY.search(text):
        raise InvalidSchedule(
            f"cron {text!r}: & and stray commas end older Ruby schedulers; write it without"
        )
    return text


def _with_options(text: str, options: Mapping[str, Any]) -> Any:
    return [text, dict(options)] if options else text


def _name(value: object) -> str:
    """A name as Ruby uses it: its `to_s`. Queues and classes may be numbers in a file, or `on`."""
    return value if isinstance(value, str) else inspect(value)


def _environments(value: Mapping[str, Any]) -> Any:
    """What the entry says of environments; None where it is for all (Ruby: `rails_env || env`)."""
    environments = value.get("rails_env")
    environments = value.get("env") if environments is None or environments is False else environments
    return None if environments is False else environments


def _limit(names: Sequence[str], options: Mapping[str, Any], loaded: float) -> float | None:
    given = [name for name in names if _given_true(options.get(name))]
    return _moment(given[0], options[given[0]], loaded) if given else None


def _given_true(value: object) -> bool:
    return value is not None and value is not False


def _given(value: object) -> bool:
    return value is not None and value != ""


def _catch_up(value: Mapping[str, Any]) -> CatchUp | None:
    catch_up = value.get("catch_up")
    if catch_up is not None and catch_up not in get_args(CatchUp):
        raise InvalidSchedule(f"catch_up must be none, last or all, not {catch_up!r}")
    return catch_up


def _overlap(value: Mapping[str, Any]) -> bool:
    overlap = value.get("overlap")
    if overlap not in (None, "skip", "allow"):
        raise InvalidSchedule(f"overlap must be skip or allow, not {overlap!r}")
    return overlap == "skip"


def _moment(key: str, value: object, loaded: float) -> float:
    """What an option means: a length of time from now, or a moment."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return loaded + value
    if isinstance(value, str):
        try:
            return loaded + (duration(value) if value.strip(BLANKS) else 0)
        except InvalidSchedule:
            at = read_moment(value, loaded)
        if at is not None:
            return at
    raise InvalidSchedule(
        f"{key} {value!r} is neither a length of time nor a moment; write 10m, or 2031-12-25 06:30 UTC"
    )


def not_an_entry(value: object) -> str:
    """What is wrong with a value that is not a mapping."""
    return f"it must be a mapping with class, cron and so on, not {_kind(value)}"


def lasts(value: object) -> bool:
    """Whether an entry of a file or of a process says `persist`: then it is stored in Redis."""
    return isinstance(value, Mapping) and _given_true(value.get("persist"))


def _kind(value: object) -> str:
    kinds = {type(None): "nothing", bool: "true or false", list: "a list", str: "a text"}
    return kinds.get(type(value), f"{value!r}")
