"""How a log line looks: as text, as an object, as words with names."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from pyresque.cli.output import safe
from pyresque.log import FIELDS, traceback_text
from pyresque.model.job_tags import running, tags_of
from pyresque.usercode.safely import cut, is_by_signal, text_of, tried_in_job

_MESSAGE = 100_000
"""Characters of a message that are shown."""

_STEERING = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON may hold as it is."""

_TEXT = "%(asctime)s %(levelname)s %(process)d: %(message)s"
_RUBYS = ("*** %(message)s", "** [%(asctime)s] %(process)d: %(message)s")


class Silent(logging.Handler):
    """A handler whose troubles are nobody else's."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 (logging calls it so)
        """Say nothing: a worker works on when whoever read its log lines is gone, or the disk is full."""
        error = sys.exc_info()[1]
        if error is not None and is_by_signal(error):
            raise error  # a job that logs is told that its time is over


class Lines(logging.Formatter):
    """Lines for people. With -v and -vv those below a warning look as Ruby's do."""

    def __init__(self, verbosity: int = 0) -> None:
        super().__init__(_TEXT, "%Y-%m-%d %H:%M:%S")
        self._rubys = None
        if verbosity:
            self._rubys = logging.Formatter(_RUBYS[min(verbosity, 2) - 1], "%H:%M:%S %Y-%m-%d")

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, with a traceback as further lines. Nothing in it can steer a terminal."""
        message = message_of(record)
        ours = is_ours(record)
        if not ours:
            message = f"{record.name}: {message}"
        # What the application writes may have lines of its own.
        record.message = safe(message) if ours else "\n".join(map(safe, message.splitlines()))
        form = self._rubys if self._rubys is not None and record.levelno < logging.WARNING else self
        if form.usesTime():
            record.asctime = form.formatTime(record, form.datefmt)
        text = form.formatMessage(record)
        trace = trace_of(record)
        return "\n".join([text, *map(safe, trace.splitlines())]) if trace else text


class Fields(logging.Formatter):
    """One line of named fields: when, how grave, who, what, and about which job."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "progname": "pyresque",
            "logger": record.name,
            "pid": record.process,
            "message": message_of(record),
            **named_fields(record),
        }
        trace = trace_of(record)
        if trace:
            fields["exception"] = trace
        if self._form == "json":
            return _json(fields)
        flat = {name: "; ".join(value) if type(value) is list else value for name, value in fields.items()}
        return " ".join(f"{name}={_json(value)}" for name, value in flat.items())


def _json(value: object) -> str:
    """The JSON of a value, in which nothing can steer a terminal; what JSON does not have as text."""
    text = json.dumps(value, ensure_ascii=False, default=text_of)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def is_ours(record: logging.LogRecord) -> bool:
    """Whether the line is pyresque's own, and not the application's."""
    return record.name.partition(".")[0] == "pyresque"


def message_of(record: logging.LogRecord) -> str:
    """The message; where the values do not fit into it, or raise, the text without them."""
    message, error = tried_in_job(record.getMessage)
    if error is not None or type(message) is not str:
        message = f"{text_of(record.msg)} (its values cannot be shown: {text_of(error)})"
    return cut(message, _MESSAGE)


def trace_of(record: logging.LogRecord) -> str:
    """The traceback of the record, and the stack where it was made, if that was asked for."""
    parts = [record.exc_text or ""]
    if not parts[0] and record.exc_info and record.exc_info[1] is not None:
        parts = [traceback_text(record.exc_info[1])]
    return "\n".join(filter(None, [*parts, record.stack_info or ""]))


def named_fields(record: logging.LogRecord) -> dict[str, object]:
    """What the record tells beside its message: of the job that it is about, and more."""
    given = record.__dict__.get(FIELDS) if is_ours(record) else None
    fields: dict[str, object] = dict(given) if type(given) is dict else {}
    job: Any = fields.pop("job", None)
    return {**tags_of(running() if job is None else job), **fields}
