"""`pyresque work`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pyresque.cli.common_options import Settings, common, pass_settings, style_option
from pyresque.cli.log_options import log_options
from pyresque.cli.work_options import Flags, GroupedCommand, work_options
from pyresque.config.options import WorkerOptions
from pyresque.errors import ConfigError, ResqueError
from pyresque.log import Log
from pyresque.usercode.safely import flush_output, tried

if TYPE_CHECKING:
    from pyresque.cli.daemon import Program
    from pyresque.client.resque import Resque
    from pyresque.worker.pool.new_code import Heritage

logger = Log("pyresque.cli")


def _no_words(_ctx: click.Context, _param: click.Parameter, words: tuple[str, ...]) -> None:
    if not words:
        return
    shown = " ".join(words[:3]) + (" ..." if len(words) > 3 else "")
    raise ConfigError(
        f"unexpected words after the options ({shown}): did the shell expand *? write -q '*' "
        "(several queues are written with commas: -q high,low)"
    )


@click.command(cls=GroupedCommand)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, expose_value=False, callback=_no_words, metavar="")
@work_options
@style_option
@click.option("-v", "--verbose", count=True, help="Say what is done (VERBOSE); -vv for more (VVERBOSE).")
@log_options("warning", rubys=False)
@click.option("--pidfile", metavar="FILE", help="Write the process id to this file. Else PIDFILE.")
@click.option("--trial", type=int, hidden=True, help="What a pool adds on HUP: see worker/pool/new_code.py.")
@common
@pass_settings
def work(settings: Settings, /, **flags: Any) -> None:
    """Work on jobs.

    Ruby's environment variables mean what they mean there: QUEUE, INTERVAL, COUNT, TERM_CHILD, BACKGROUND
    and so on. TERM and INT let the job at hand finish, for a while (--drain), QUIT without a limit; USR2
    pauses, CONT goes on.
    Several workers (-n, -c) have a supervisor, which passes these on; on HUP it loads the code anew and
    replaces them one by one. A single worker ends on HUP when its job is done.
    """
    click.get_current_context().exit(run(settings, Flags(**flags)))


def run(settings: Settings, flags: Flags) -> int:
    """Run the worker, or several, until they leave; returns the exit status."""
    from pyresque.cli.daemon import Program, go_to_background, inherited, write_pidfile
    from pyresque.cli.log_format import set_up

    config, heritage = settings.config, inherited()
    program = Program.now()
    verbosity = max(config.verbosity, flags.verbose)
    set_up(verbosity, flags.log_file or "", flags.log_format or "text", flags.log_level)
    if flags.trial is not None:
        _try(settings, flags, flags.trial)
    if heritage is not None:
        return _take_over(settings, flags, program, heritage)
    starts = _load(settings, flags)
    if config.background:
        go_to_background()
    if flags.pidfile or config.pidfile:
        write_pidfile(flags.pidfile or config.pidfile or "")
    _tell(settings, flags, starts)
    if len(starts) == 1 and not flags.pool_file:
        starts[0].work()
        return 0
    from pyresque.worker.pool.supervisor import Pool

    return Pool(program, prefix=config.worker.procline_prefix).run(starts)


def _load(settings: Settings, flags: Flags) -> list[_Start]:
    """Everything that can be done before there is a worker."""
    from pyresque.cli.log_format import heard, restore

    groups, options = flags.groups(settings), flags.options(settings)
    resque = settings.resque(flags.failure_backend, flags.json_style)
    settings.import_jobs()
    restore()
    with heard():
        _check(resque, options, bool(flags.async_concurrency))
    # Of workers that are alike one says what it notices.
    return [
        _Start(resque, queues, replace(options, notices=number == 0), flags.async_concurrency)
        for queues, count in groups
        for number in range(count)
    ]


def _tell(settings: Settings, flags: Flags, starts: list[_Start]) -> None:
    """Say what is started. Nothing that goes wrong with that keeps a worker from its work."""
    from pyresque.cli.banner import tell_start

    first, prefix = starts[0], settings.config.scheduler.lock_prefix
    _, error = tried(
        tell_start, first.resque, flags.groups(settings), first.options, flags.async_concurrency, prefix
    )
    if error is not None:
        logger.debug("it cannot be told what starts: %s", error, exc_info=error)


def _try(settings: Settings, flags: Flags, number: int) -> NoReturn:
    """Load everything, and tell the pool that has started this process what came of it."""
    from pyresque.worker.pool.new_code import begin_trial, tell

    begin_trial()
    refusal = ""
    try:
        _load(settings, flags)
    except ResqueError as error:
        refusal = str(error)
    flush_output()
    tell(number, refusal)


def _take_over(settings: Settings, flags: Flags, program: Program, heritage: Heritage) -> int:
    """Be the pool in the place of the one that was here, with its workers, which are replaced."""
    from pyresque.worker.pool.supervisor import Pool

    pool = Pool(program, heritage, settings.config.worker.procline_prefix)
    starts: list[_Start] = []
    try:
        with pool.attending():
            starts = _load(settings, flags)
    except ResqueError as error:
        pool.stay(error)
    except KeyboardInterrupt:
        if not pool.leaving:
            raise
    return pool.run(starts)


def _check(resque: Resque, options: WorkerOptions, asynchronous: bool) -> None:
    from pyresque.store.connection.server import wait_for
    from pyresque.system.memory import resident
    from pyresque.worker.job_checks import check_jobs

    for warning in wait_for(resque.link, options.start_timeout):
        logger.warning("%s", warning)
    resque.close()  # no connection goes through a fork
    size = resident() >> 20
    if options.max_rss is not None and size >= options.max_rss:
        raise ConfigError(f"with its jobs imported a worker has {size} MB already: --max-rss must be greater")
    if not resque.registry.names() and options.unknown.policy == "leave":
        logger.warning(
            "no job is registered, so none will be taken: import your jobs with -r, as in -r app.jobs"
        )
        return
    check_jobs(resque.registry, asynchronous)  # here, before the workers of a pool are forked
    if asynchronous:
        from pyresque.worker.aio.task import async_jobs  # asyncio is large

        if not async_jobs(resque.registry).names():
            logger.warning("no job is an `async def`, so none will be taken: remove --async-concurrency")


@dataclass(frozen=True)
class _Start:
    """How one worker process begins."""

    resque: Resque
    queues: list[str]
    options: WorkerOptions
    async_jobs: int | None

    @property
    def name(self) -> str:
        """Its queue list."""
        return ",".join(self.queues)

    @property
    def overlaps(self) -> bool:
        """Whether most of what it can do is idle while it waits for the last of its jobs."""
        return (self.async_jobs or 1) > 1

    def work(self) -> bool:
        """Work until the worker leaves; whether it did so because there was nothing left to do."""
        if self.async_jobs:
            from pyresque.worker.aio.worker import AsyncWorker

            many = AsyncWorker(self.resque, self.queues, self.async_jobs, self.options)
            many.work()
            return many.was_idle
        from pyresque.worker import Worker

        worker = Worker(self.resque, self.queues, self.options)
        worker.work()
        return worker.was_idle

    def status(self) -> int:
        """The same; returns the exit status of its process in a pool."""
        from pyresque.worker.pool.members import DONE

        return DONE if self.work() else 0
