"""The program `pyresque`: its commands, and what its errors look like.

Exit codes: 0 ok; 1 failed; 2 wrong usage or settings; 3 the user's module cannot be imported;
4 Redis cannot be reached, does not let us in, or is too old.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from typing import IO, Any

import click

from pyresque._version import __version__
from pyresque.cli.common_options import HELP, common
from pyresque.cli.completion import completion
from pyresque.cli.config import config
from pyresque.cli.delayed import delayed
from pyresque.cli.demo import demo
from pyresque.cli.dequeue import dequeue
from pyresque.cli.dev import dev
from pyresque.cli.enqueue import enqueue
from pyresque.cli.failed import failed
from pyresque.cli.health import health, top
from pyresque.cli.info import info, peek
from pyresque.cli.init import init
from pyresque.cli.jobs import jobs
from pyresque.cli.ledger import ledger
from pyresque.cli.log_warnings import make_safe
from pyresque.cli.output import safe
from pyresque.cli.queue import queue, queues
from pyresque.cli.schedule import schedule
from pyresque.cli.scheduler import scheduler
from pyresque.cli.status import status
from pyresque.cli.web import web
from pyresque.cli.work import work
from pyresque.cli.workers import worker, workers
from pyresque.errors import (
    ConfigError,
    ImportFailed,
    NoClassError,
    NoQueueError,
    RedisRefused,
    RedisTooOld,
    RedisUnavailable,
    ResqueError,
)
from pyresque.system.descriptors import keep_streams
from pyresque.system.signal_handlers import Handler, handle
from pyresque.usercode.safely import is_a, tried

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""A pipe without a reader, a full disk, a quota, a limit, a terminal that is gone."""

CODES: tuple[tuple[type[ResqueError], int], ...] = (
    (ImportFailed, 3),
    (ConfigError, 2),
    (NoQueueError, 2),
    (NoClassError, 2),
    (RedisUnavailable, 4),
    (RedisRefused, 4),
    (RedisTooOld, 4),
    (ResqueError, 1),
)


class Failed(click.ClickException):
    """An error of pyresque as the user of a terminal sees it: a line on stderr, and an exit code."""

    def __init__(self, error: ResqueError) -> None:
        super().__init__("\n".join(map(safe, str(error).splitlines())))
        self.error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click reads it and never sets it
        """The exit code for this kind of error."""
        return next(code for kind, code in CODES if isinstance(self.error, kind))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        click.echo(f"Error: {self.message}", file=file or sys.stderr)


class Commands(click.Group):
    """The group of all commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; without any, show the help and end as wrong usage does.

        Not left to click: one version ends such a call with 0 and the help on stdout, another with 2.
        """
        if not args and not ctx.resilient_parsing:  # else a shell asks for what it may complete
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ResqueError as error:
            raise Failed(error) from error


@click.group(cls=Commands, context_settings=HELP)
@click.version_option(__version__, prog_name="pyresque", message="%(prog)s %(version)s")
@common
def program() -> None:
    """Python workers and clients on the Redis keys of Ruby Resque.

    Start a worker:  pyresque work -q '*' -r app.jobs

    See it all at once, with a Redis of its own:  pyresque demo
    """


for command in (
    work, scheduler, web, health, top, enqueue, dequeue, info, queue, queues, peek, status, worker,
    workers, failed, delayed, schedule, completion, config, jobs, ledger, dev, init, demo,
):  # fmt: skip
    program.add_command(command)


def main() -> None:
    """Run the program and leave Python with its exit code."""
    keep_streams()  # whoever has started us may have closed some
    # Then Python has none, which the older versions of click do not expect.
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 (it stays open)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 (it stays open)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets an escape, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _hear_as_process_one()
    make_safe()
    try:
        sys.exit(_status())
    finally:
        _leave_streams()


def _hear_as_process_one() -> None:
    """End when we are told to: the first process of a container hears only those signals that have a handler.

    A worker and a scheduler have their own as soon as they are at work.
    """
    if os.getpid() == 1:
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            handle(number, Handler(_end_by_signal))


def _end_by_signal(number: int, _: object) -> None:
    sys.exit(128 + number)


def _status() -> int:
    """Run the program; its exit code, also where nobody can read why."""
    try:
        result = program.main(prog_name="pyresque", standalone_mode=False)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except click.Abort:
        with suppress(OSError):
            click.echo("Aborted!", err=True)
        return 1
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        if error.errno != errno.EPIPE:  # whoever stops reading does not want to hear of it
            with suppress(OSError):
                click.echo(f"Error: cannot write: {error.strerror}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _leave_streams() -> None:
    """What cannot be written any more does not change how the program ends: Python would make it 120.

    A job that ran in this process may have put there what it likes, or nothing.
    """
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name, None)
        _, error = tried(lambda stream=stream: stream.flush())
        if error is None:
            continue
        if is_a(error, OSError):
            with suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        else:
            setattr(sys, name, None)
