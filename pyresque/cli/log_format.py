"""Where log lines go, and how they look: pyresque's own, and those of the jobs (docs/logging.md)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyresque.cli import log_prints
from pyresque.cli.log_lines import Fields, Lines
from pyresque.errors import ConfigError
from pyresque.log import FIELDS, Log


class _OurLevel(int):
    """A level that we have set, and nobody else since."""


def set_up(
    verbosity: int, file: str = "", form: str = "text", level: str | None = None, default: str = "warning"
) -> None:
    """Send log lines to the terminal, or to a file.

    Args:
        verbosity: what Ruby's variables say, or -v: 0 nothing; 1 (VERBOSE) what is done, in lines
            `*** text`; 2 (VVERBOSE) everything, with time and pid. On the terminal warnings and errors go to
            stderr, the rest to stdout.
        file: where all of them go instead (LOGFILE).
        form: `text`, or one object (`json`) or words with names (`logfmt`) for each line (LOGFORMAT).
        level: the least level that is shown, whatever the verbosity; then lines have time and level.
        default: the level where neither is given.

    Raises:
        ConfigError: the file cannot be written.
    """
    global _level, _is_chosen
    log_prints.give_back()  # the handlers write to the streams themselves
    named = level or {0: default, 1: "info"}.get(verbosity, "debug")
    _level = _OurLevel(logging.getLevelName(named.upper()))
    _is_chosen = bool(level or verbosity)
    for handler in _handlers:
        handler.close()
    _handlers[:] = [_to_file(file)] if file else _to_terminal()
    look = 0 if level else verbosity
    for handler in _handlers:
        handler.setFormatter(Lines(look) if form == "text" else Fields(form))
    if form != "text":
        log_prints.take(_handlers[0], _handlers[-1])
    _install()


_handlers: list[logging.Handler] = []
_level = _OurLevel(logging.WARNING)
_is_chosen = False
"""Whether somebody has said which level is to be shown."""


def _install() -> None:
    logger = logging.getLogger("pyresque")
    logger.setLevel(_level)
    logger.propagate = False
    logger.handlers[:] = _handlers


def restore() -> None:
    """The application was imported: its own set-up of logging wins, and without one its lines are shown here.

    `logging.config` disables every logger that is there already, unless it is told not to: that is taken
    back for ours. An application that gives the root logger, or the logger `pyresque`, handlers of its own
    means it. A bare `basicConfig()`, which each `logging.info(...)` calls, says nothing.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == "pyresque" and isinstance(logger, logging.Logger):
            logger.disabled = False
    ours, root = logging.getLogger("pyresque"), logging.getLogger()
    if not all(handler in _handlers for handler in ours.handlers):
        log_prints.give_back()
        return
    if all(handler in _handlers or _is_bare(handler, root) for handler in root.handlers):
        _install()
        root.handlers[:] = _handlers
        if _is_chosen:
            root.setLevel(_level)
        return
    log_prints.give_back()
    ours.handlers.clear()
    ours.propagate = True
    if not _is_chosen and type(ours.level) is _OurLevel:
        ours.setLevel(logging.NOTSET)


def is_ours() -> bool:
    """Whether lines are written here, and not by what the application has set up."""
    return bool(_handlers) and logging.getLogger("pyresque").handlers[:] == _handlers


def says_start() -> bool:
    """Whether anybody wants to read how a worker starts: all who did not ask for errors only."""
    return bool(_handlers) and (not is_ours() or _level <= logging.WARNING)


def announce(text: str, facts: Mapping[str, str | Sequence[str]]) -> None:
    """Write a line with facts below it, whatever the level; on the terminal to stderr.

    Where the application has set up logging it is a line of level INFO there.
    """
    rows = [
        f"  {name if number == 0 else '':<10} {value}"
        for name, values in facts.items()
        for number, value in enumerate([values] if isinstance(values, str) else values)
    ]
    if not is_ours():
        Log("pyresque.cli").info("%s;%s", text, ";".join(" ".join(row.split()) for row in rows))
        return
    handler = _handlers[-1]
    record = logging.LogRecord("pyresque.cli", logging.INFO, __file__, 0, text, None, None)
    if isinstance(handler.formatter, Lines):
        record.exc_text = "\n".join(rows)
    else:
        setattr(record, FIELDS, dict(facts))
    handler.handle(record)


def _is_bare(handler: logging.Handler, root: logging.Logger) -> bool:
    """Whether it is what `basicConfig` makes where it is told nothing."""
    form = handler.formatter
    return (
        type(handler) is logging.StreamHandler
        and handler.stream is sys.stderr
        and type(form) is logging.Formatter
        and form._fmt == logging.BASIC_FORMAT
        and handler.level == logging.NOTSET
        and not handler.filters
        and root.level == logging.WARNING
    )


@contextmanager
def heard() -> Iterator[None]:
    """Within the block `logging.disable` of the application silences nobody: a worker says how it starts."""
    before = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        logging.disable(before)


def _to_file(file: str) -> logging.Handler:
    try:
        from pyresque.cli.log_file import FileHandler  # logging.handlers is large

        return FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"cannot write the log file {file}: {error.strerror}") from None


def _to_terminal() -> list[logging.Handler]:
    from pyresque.cli.log_stream import StreamHandler

    quiet, loud = StreamHandler(sys.stdout), StreamHandler(sys.stderr)
    quiet.addFilter(lambda record: record.levelno < logging.WARNING)
    loud.setLevel(logging.WARNING)
    return [quiet, loud]
