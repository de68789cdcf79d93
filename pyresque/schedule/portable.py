"""Which cron texts mean another thing, or nothing, to the fugit of an older Ruby scheduler.

Known are the recordings with fugit 1.5.2, the package of Debian 12 (shared/wire/vectors/cron.json). A text
that its Ruby refuses ends a resque-scheduler up to 5.0.0 that reads it from `persistent_schedules`, and is
stepped over by a later one (scheduler.md sections 9.6 and 15).
"""

from __future__ import annotations

import re
from collections import Counter

from pyresque.schedule.cron_fields import Fields
from pyresque.schedule.cron_grammar import BLANKS

_COMMAS = re.compile(r"(?:^|[ \t,]),|,(?:[ \t,&]|$)")
_WHOLE_MONTH = re.compile(r"(?:^|[ \t,])0?1-(?:31|-0?1|l|last)(?:/0?1)?(?:$|[ \t,])", re.IGNORECASE)
_STEPPED_WEEKDAYS = re.compile(r"[0-7a-z]-[0-7a-z]{1,3}/[0-9]+", re.IGNORECASE)
_FROM_ONE_BY_ONE = re.compile(r"(?:^|[ \t,])(?:-?[0-9]+|[a-z]+)/0?1(?![0-9])", re.IGNORECASE)
_NO_STEP = re.compile(r"/00?(?![0-9])")


def unportable(text: str, fields: Fields) -> str | None:
    """Why an older Ruby scheduler may refuse or misread a valid cron text; None where all agree."""
    last_field = text.removesuffix(fields.zone or "").strip(BLANKS).rsplit(None, 1)[-1]
    numbered = Counter(one.day for one in fields.weekdays or () if one.nth is not None)
    reasons = {
        "'&' is refused before fugit 1.7": fields.both_days,
        "'~' is refused before fugit 1.13, and each scheduler draws another time": fields.random,
        "what stands after a word like @daily is refused before fugit 1.11.2": text.strip(BLANKS)[0] == "@"
        and len(text.split()) > 1,
        "spare commas are refused before fugit 1.7": _COMMAS.search(text.strip(BLANKS)) is not None,
        "white space around it is refused before fugit 1.6": text != text.strip(BLANKS),
        "'%' counts other weeks before fugit 1.12 and et-orbi 1.4.2": "%" in text,
        "two '#' of one weekday count as one before fugit 1.12": max(numbered.values(), default=0) > 1,
        "'1-31' beside a weekday means every day in fugit 1.5": fields.weekdays is not None
        and fields.days is None
        and _WHOLE_MONTH.search(text) is not None,
        "a step of 1 from a single value means that value alone in fugit 1.5": _FROM_ONE_BY_ONE.search(text)
        is not None,
        "a weekday range with a step over Saturday runs on all its days before fugit 1.12.3": fields.weekdays
        is not None
        and _STEPPED_WEEKDAYS.search(last_field) is not None,
        "a step of 0 ends the scheduler before fugit 1.12.2": _NO_STEP.search(last_field) is not None,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
