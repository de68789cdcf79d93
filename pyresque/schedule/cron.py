"""`cron` of a schedule entry: when it runs next, as a Ruby scheduler would.

See docs/protocol/scheduler.md#the-next-fire-time.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, date, datetime, timedelta

from pyresque.errors import InvalidSchedule
from pyresque.schedule.cron_fields import Fields, parse
from pyresque.schedule.with_options import split_options
from pyresque.schedule.zones import find_zone

_MOST_STEPS = 2048
"""Ruby gives up a search after so many steps, and so do we: no text makes us search for ever."""

_DAY = 86400
_FIRST_WEEK = date(2018, 12, 31)
"""The Monday from which "%" counts weeks."""

_TRIAL = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
"""From here each entry has to find a run: just after a leap day, so that the next one is as far as can be."""


class Cron:
    """When an entry with this `cron` runs.

    `value` is what YAML or JSON holds there: a text of five fields, or six with the second first, with a zone
    after them if need be ("30 6 * * 1 Europe/Berlin"), a word like "@daily", or a list [text, {options}],
    whose options are in `options`. `zone` is the zone of the scheduler (Ruby: TZ): it counts where the text
    names none, and it decides which of two equal wall clock times in autumn is left out. Every
    rule is in docs/protocol/scheduler.md#cron-syntax.

    Raises InvalidSchedule, with the field and the reason, for every text that Ruby refuses and for dates that
    never come.
    """

    def __init__(self, value: object, zone: str = "UTC") -> None:
        text, options = split_options(value)
        self.options = options or {}
        if not isinstance(text, str):
            raise InvalidSchedule(f"cron must be a text, not {type(text).__name__}")
        self._text = text
        self._last_days: dict[tuple[int, int], int] = {}
        try:
            self._fields: Fields = parse(text)
            home, self._home = find_zone(zone)
            self._name, self._zone = find_zone(self._fields.zone) if self._fields.zone else (home, self._home)
            self._next(_TRIAL)
        except InvalidSchedule as error:
            raise InvalidSchedule(f"cron {_shortened(text)!r}: {error}") from None

    def __str__(self) -> str:
        """The text as given."""
        return self._text

    def __repr__(self) -> str:
        return f"Cron({self._text!r}, zone={self._name!r})"

    @property
    def zone(self) -> str:
        """The name of the zone whose wall clock counts: the one of the text, else the scheduler's."""
        return self._name

    @property
    def random(self) -> bool:
        """Whether the text has a "~". Each Ruby scheduler draws its own number: not for shared schedules."""
        return self._fields.random

    def next_after(self, moment: datetime) -> datetime:
        """The first run strictly after `moment` (aware), in UTC, without microseconds.

        `moment` should be the previous run where there is one: Ruby's rule for the hour that comes twice in
        autumn looks at it. Raises ValueError for a naive moment and InvalidSchedule where no run is found
        within Ruby's 2048 steps or before the year 9999.
        """
        return datetime.fromtimestamp(self._next(_seconds(moment)), UTC)

    def previous_before(self, moment: datetime) -> datetime:
        """The last run strictly before `moment`, so that `next_after` of the run before it gives it. UTC.

        Raises as `next_after` does.
        """
        at = _seconds(moment) + (1 if moment.microsecond else 0)
        for _ in range(_MOST_STEPS):
            run = self._back(at)
            if self._next(self._back(run)) == run:
                return datetime.fromtimestamp(run, UTC)
            at = run
        raise InvalidSchedule("no run before that")

    # --- the search: instants are seconds since 1970 ------------------------------------------------

    def _local(self, at: int) -> datetime:
        try:
            return datetime.fromtimestamp(at, self._zone)
        except (OverflowError, ValueError):
            raise InvalidSchedule("no run between the years 1 and 9999") from None

    def _instant(self, year: int, month: int, day: int) -> int:
        """Local midnight: the first one where it comes twice, the end of the gap where it does not exist."""
        if year > MAXYEAR - 1:
            raise InvalidSchedule("no run between the years 1 and 9999")
        return int(datetime(year, month, day, tzinfo=self._zone).timestamp())

    def _next(self, since: int) -> int:
        """As Fugit::Cron#next_time: an instant with the wall clock text of the run before is stepped over."""
        before = self._local(since)
        seen = _wall(datetime.fromtimestamp(since, self._home))
        at = since + 1
        for _ in range(_MOST_STEPS - 1):
            here = self._local(at)
            following = self._forward(here, at)
            if following != at:
                at = following
            elif _wall(here) == seen and _offset(here) != _offset(before):
                before, at = here, at + 1
            else:
                return at
        raise InvalidSchedule(f"no run within {_MOST_STEPS} steps of Ruby's search: does such a day exist?")

    def _forward(self, here: datetime, at: int) -> int:
        """Where to look next; `at` itself if it matches. In elapsed time from the hour down, as in Ruby."""
        fields = self._fields
        if fields.months is not None and here.month not in fields.months:
            return self._following_month(here.year, here.month)
        if not self._day_matches(here):
            return self._following_day(here, at)
        if fields.hours is not None and here.hour not in fields.hours:
            return at + (60 - here.minute) * 60 - here.second
        if fields.minutes is not None and here.minute not in fields.minutes:
            return at + 60 - here.second
        if fields.seconds is not None and here.second not in fields.seconds:
            later = next(
                (second for second in fields.seconds if second > here.second), 60 + fields.seconds[0]
            )
            return at + later - here.second
        return at

    def _following_month(self, year: int, month: int) -> int:
        return self._instant(year + 1, 1, 1) if month == 12 else self._instant(year, month + 1, 1)

    def _following_day(self, here: datetime, at: int) -> int:
        """Midnight after `here` - but a day whose midnight does not exist is stepped over, as in Ruby."""
        at += (24 - here.hour) * 3600 - here.minute * 60 - here.second
        there = self._local(at)
        if there.hour == 0:
            return at
        midnight = self._instant(there.year, there.month, there.day)
        if there.hour < 12 and self._local(midnight).hour == 0:
            return midnight
        return at + (24 - there.hour) * 3600

    def _back(self, before: int) -> int:
        """The last instant before this one whose wall clock matches the fields."""
        at = before - 1
        for _ in range(_MOST_STEPS):
            here = self._local(at)
            if self._forward(here, at) == at:
                return at
            at = self._backward(here, at)
        raise InvalidSchedule(f"no earlier run within {_MOST_STEPS} steps")

    def _backward(self, here: datetime, at: int) -> int:
        """The last second of the month, day, hour or minute before the one of `here` that does not match."""
        fields = self._fields
        if fields.months is not None and here.month not in fields.months:
            return self._instant(here.year, here.month, 1) - 1
        if not self._day_matches(here):
            return self._instant(here.year, here.month, here.day) - 1
        if fields.hours is not None and here.hour not in fields.hours:
            hour_before = at - here.minute * 60 - here.second - 1
            if self._local(hour_before).utcoffset() == here.utcoffset():
                return hour_before
            return at - here.second - 1
        if fields.minutes is not None and here.minute not in fields.minutes:
            return at - here.second - 1
        return at - 1

    # --- days ---------------------------------------------------------------------------------------

    def _day_matches(self, here: datetime) -> bool:
        """Either day field is enough where both are set, unless the text has an "&"."""
        fields = self._fields
        if fields.days is None:
            return fields.weekdays is None or self._weekday_matches(here)
        month_day = here.day in fields.days or (fields.days[0] < 0 and self._negative(here) in fields.days)
        if fields.weekdays is None:
            return month_day
        if fields.both_days:
            return month_day and self._weekday_matches(here)
        return month_day or self._weekday_matches(here)

    def _negative(self, here: datetime) -> int:
        """The day counted from the end of the month: -1 is the last.

        The last day is that of 24 hours before the next month. Where the clock goes forward on the last day
        of a month this is the day before: so it is in Ruby, and two schedulers must fire on the same day.
        """
        month = (here.year, here.month)
        if month not in self._last_days:
            if len(self._last_days) > 500:
                self._last_days.clear()
            self._last_days[month] = self._local(self._following_month(*month) - _DAY).day
        return here.day - self._last_days[month] - 1

    def _weekday_matches(self, here: datetime) -> bool:
        weekday = here.isoweekday() % 7
        for rule in self._fields.weekdays or ():
            if rule.day != weekday:
                continue
            if rule.nth is not None:
                if rule.nth in _nth(here.date()):
                    return True
            elif rule.weeks is None or _in_week(here.date(), *rule.weeks):
                return True
        return False


def _nth(day: date) -> tuple[int, int]:
    """Which one of its weekday in its month a date is, from the start (1) and from the end (-1)."""
    first_of_next = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (day.day - 1) // 7 + 1, -(((first_of_next - day).days - 1) // 7 + 1)


def _in_week(day: date, modulo: int, offset: int) -> bool:
    return ((day - _FIRST_WEEK).days // 7 - offset) % modulo == 0


def _wall(local: datetime) -> datetime:
    return local.replace(tzinfo=None, fold=0)


def _offset(local: datetime) -> tuple[timedelta | None, str | None]:
    return local.utcoffset(), local.tzname()


def _seconds(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError(f"a moment needs a time zone: {moment!r}")
    return int(moment.replace(microsecond=0).timestamp())


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
