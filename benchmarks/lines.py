"""How much code pyresque is, beside the Ruby that it replaces: `python benchmarks/lines.py` (-v: each file).

Lines of code: without blank lines, comments and docstrings. `RUBY` has the gems whose work pyresque does, in
the newest versions that the tests run; `python benchmarks/lines.py --ruby DIR` counts those in DIR the same
way, without what `NOT_RUBY` names. `APART` names what these gems do not do, file by file or, where a file
does both, by function. `SHARED` names what they do all the same in the files that are apart.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from functools import lru_cache
from pathlib import Path

import pyresque

PACKAGE = Path(pyresque.__file__).parent
Piece = tuple[Path, str]
"""A file, and the function, class or method in it that is meant (empty: all of it)."""
RUBY = {
    "resque-3.2.0": 2_167,
    "resque-scheduler-5.1.1": 1_395,
    "resque-retry-1.9.0": 439,
    "fugit-1.14.0": 1_644,
    "raabro-1.5.0": 462,
    "rufus-scheduler-3.9.2": 1_045,
    "et-orbi-1.4.2": 783,
    "activejob-8.1.4.1": 1_761,
    "globalid-1.4.0": 380,
}

NOT_RUBY = re.compile(
    r"server|web_|vendor|generators|test_?help|test_case|fixture|signed|verifier|event_subscriber"
    r"|queue_adapters/(?!resque|abstract|inline|test)"
    r"|failure/(airbrake|thoughtbot)|railtie|redis\.rake|resque-web"
)
"""Web pages, generators, help for tests, signed GlobalIDs, other queues, failures sent to services, what puts
them into Rails, a Redis built by rake."""

APART: dict[str, tuple[str, ...]] = {
    "a Redis client (redis-rb is not counted either)": (
        "store/connection/*.py",
        "errors.py: RedisError, RedisUnavailable, NotRedis, RedisTooOld, RedisRefused, RedisReplied",
        "errors.py: RedisRejected",
    ),
    "a YAML reader that reads as Psych does (Ruby's own)": ("yaml/*.py",),
    "arguments checked against annotations, and converted": (
        "parameters/*.py", "active_job/arguments/conversion.py",
    ),
    "JSON, floats and `inspect` as Ruby's core writes them": (
        "wire/encoding.py", "wire/floats.py", "wire/ruby_inspect.py",
    ),
    "values of Ruby and Active Support that Python lacks: ranges, durations, zones": (
        "active_job/arguments/values.py", "active_job/arguments/times.py", "active_job/arguments/zones.py",
    ),
    "`async def` jobs, and the async worker": (
        "worker/aio/*.py", "worker/job_loop.py", "worker/lazy_job_loop.py", "worker/job_checks.py",
        "model/perform.py: ReservedJob.run_async, _carried_out_async, _done_async, _inner_async",
        "model/perform.py: _uncancelled", "active_job/continuation.py: Continuation.step_async",
    ),
    "jobs of classes that a worker does not know are left to others": (
        "worker/unknown_jobs.py", "config/options.py: Unknown",
    ),
    "types of the verbs, for type checkers": ("model/job_types.py",),
    "resque-pool: many workers under one supervisor, new code on HUP": (
        "worker/pool/*.py", "cli/daemon.py: Program, _words, inherited",
        "cli/work.py: _try, _take_over, _Start",
    ),
    "resque-lock-timeout, resque-loner, resque-status, resque-pause": (
        "plugins/lock.py", "plugins/status.py", "plugins/pausing.py", "plugins/job_of_plugin.py",
        "store/locks.py", "store/statuses.py", "store/pauses.py", "store/lua/lock.lua",
        "store/lua/unlock.lua", "store/lua/push_guarded.lua", "store/lua/rename_lock_owner.lua",
        "store/lua/parts/lock_holders.lua", "store/lua/parts/guards.lua",
        "client/resque.py: Resque.pause, Resque.resume, Resque.pause_all, Resque.resume_all, Resque.paused",
        "client/enqueueing.py: OutgoingJob.guards, OutgoingJob.offer, Enqueueing._pushed_with_more",
        "client/enqueueing.py: Enqueueing._keys_held, Enqueueing._has_locks, Enqueueing._keys_of",
        "client/delayed_item.py: ScheduledJob.guards_at, ScheduledJob.keep_guards",
        "model/job_class.py: JobClass.guarding, JobClass.guards",
    ),
    "a job is reserved in one step, and settled in one: no kill and no lost reply loses or doubles it": (
        "store/reservation.py", "store/lua/reserve.lua", "store/lua/reserve_element.lua",
        "store/lua/settle.lua", "store/lua/settle_apart.lua", "store/lua/settle_and_reserve.lua",
        "worker/reserver.py", "worker/settlement.py", "worker/current_job.py", "store/workers.py: unheard",
    ),
    "a command whose reply was lost is sent again, and counts once": (
        "store/script.py", "store/effects.py", "store/lua/parts/once.lua", "store/lua/parts/effects.lua",
    ),
    "workers and schedulers outlive outages of Redis": ("worker/outages.py", "system/waiting.py"),
    "a job's process ends with its worker": ("system/parent.py",),
    "no two workers have one id": (
        "worker/registrar.py", "store/lua/claim_worker_ids.lua",
        "store/workers.py: Seen, look, _seen, claim_ids, release_id",
    ),
    "limits of time and memory, and what a job that does not end is doing": (
        "worker/limits.py", "worker/time_limit.py", "worker/stack_dump.py", "worker/stop_notice.py",
        "system/oom.py",
        "worker/children.py: _TimeLimit, Children._keep, Children._notify, Children._out_of_memory",
        "worker/runner.py: Runner._heard_in_job", "system/memory.py: resident",
        "model/job_class.py: check_timeout",
    ),
    "what cannot be queued or run is put aside instead of lost": (
        "wire/aside_links.py", "store/lua/parts/aside.lua", "store/lua/parts/aside_links.lua",
        "store/lua/restore_aside.lua", "failure/recorder.py: Recorder.aside",
        "wire/records.py: FailureRecord.aside, FailureRecord.holds_aside, FailureRecord.aside_text",
        "store/failures.py: restore",
    ),
    "a retry by hand knows of the automatic one": (
        "client/next_retry.py", "store/retries.py", "failure/copies.py", "store/lua/bring_forward.lua",
        "store/lua/parts/retried_marks.lua", "cli/failed_retry.py", "cli/failed_text.py",
        "client/failures.py: Failures.with_copies, Failures.next_attempt, Failures.next_attempts",
        "client/failures.py: Failures.bring_forward", "store/failures.py: forward",
    ),
    "many elements removed without keeping others waiting": (
        "store/removal.py", "store/lua/remove_marked.lua",
        "store/failures.py: _content, _found_again, requeue_many, _requeued_item",
        "client/failures.py: Failures.remove_all",
    ),
    "code of the application cannot harm its worker": (
        "usercode/*.py", "system/descriptors.py", "system/signal_handlers.py", "log.py",
        "system/signals.py: Signals.mend, Signals.keep, Signals.lend, Signals.take_back, Signals._silence",
        "system/signals.py: Signals.passed_on",
        "system/forking.py: _tell_of_threads, _renew_event_hub, own_exit_functions",
        "worker/child.py: _broken, _restore_builtins",
    ),
    "breakpoint() and input() in a job": ("system/terminal.py",),
    "commands beyond those of Ruby's rake tasks and `resque`": (
        "cli/delayed.py", "cli/failed.py", "cli/schedule.py", "cli/queue.py", "cli/enqueue.py",
        "cli/output.py", "cli/failed_act.py", "cli/by_id.py", "cli/groups.py", "cli/selecting.py",
        "cli/moments.py", "cli/named_job.py", "cli/dequeue.py", "cli/status.py", "cli/confirm.py",
        "cli/progress.py", "cli/json_output.py", "cli/info.py", "cli/workers.py: show, _lines, _document",
        "cli/common_options.py: json_option, Settings.reading, Settings.import_known_jobs, require_option",
        "cli/ledger.py",
    ),
    "looking and acting: selections, groups, health, what waits and nobody knows": (
        "client/delayed_selection.py", "client/failure_selection.py", "client/health.py",
        "client/health_problems.py", "client/look_at_health.py", "client/missed_runs.py",
        "client/pausing.py", "client/put_back.py", "client/queued_jobs.py", "client/retries.py",
        "client/schedule_entries.py", "client/scheduler_status.py", "client/selection.py",
        "client/unknown_classes.py", "client/worker_signs.py", "model/unknown_job.py", "store/ages.py",
        "store/moving.py", "store/lua/empty_queue.lua", "store/lua/move_scattered.lua",
        "store/lua/parts/scattered.lua", "store/lua/requeue_failures.lua", "worker/by_hand.py",
        "cli/health.py", "cli/health_text.py", "cli/jobs.py", "cli/live_screen.py",
        "cli/schedule_changes.py", "cli/schedule_file.py", "cli/scheduler_status.py",
        "cli/worker_actions.py", "client/__init__.py",
        "client/resque.py: Resque.jobs, Resque.delayed, Resque.health, Resque.history, Resque.ledger",
        "client/resque.py: Resque.classes, Resque._hasty",
        "client/failures.py: FailureFilters, Failures.select, Failures.groups, Failures.these",
        "client/failures.py: Failures.retry_with", "store/failures.py: newest, remove_at",
        "store/master.py: connected, connection_name, since", "store/delayed.py: jobs_until",
        "worker/pruner.py: Pruner.dead", "worker/liveness.py",
        "system/processes.py: process_began, process_parent, send_signal, Process, processes_with",
        "client/delayed_item.py: DelayedItem.id, DelayedItem.job_class, DelayedItem.job_args",
        "client/info.py: _age", "client/failure_lists.py", "client/looking.py", "client/job_rounds.py",
        "client/delayed_seconds.py", "client/failure_rounds.py", "client/nearby_failures.py",
        "store/delayed_scan.py", "store/list_scan.py", "client/delayed_rounds.py",
        "store/delayed_seconds.py", "client/classes.py", "store/counts.py", "client/ruby_jobs.py",
        "client/history.py", "worker/tally.py", "client/worker_list.py", "client/wrong_keys.py",
        "client/found_jobs.py", "client/keyspace.py", "store/keyspace.py", "store/lua/count_jobs.lua",
        "store/lua/parts/class_counts.lua", "store/lua/note_ruby.lua", "client/fleet.py",
        "client/queue_rows.py", "store/workers.py: beats_and_marks",
        "client/scheduling.py: _with_parameters, default_text",
    ),
    "settings files, a project to begin with, completion, `dev`": (
        "config/setting_kinds.py", "config/setting_table.py", "config/settings.py",
        "config/settings_file.py", "cli/completion.py", "cli/config.py", "cli/configurable.py",
        "cli/dev.py", "cli/dev_processes.py", "cli/init.py", "cli/watched_files.py",
        "client/resque.py: Resque.from_env", "cli/load_jobs.py: _why, _told, _place, _is_of_a_library",
        "cli/folders.py",
    ),
    "what a worker says: its start, failures, what waits, the lines and prints of jobs": (
        "cli/banner.py", "cli/log_file.py", "cli/log_lines.py", "cli/log_options.py", "cli/log_prints.py",
        "cli/log_stream.py", "cli/log_warnings.py", "model/job_tags.py", "wire/python_text.py",
        "worker/beginning.py", "worker/left_log.py", "worker/notices.py", "worker/outcome_log.py",
        "worker/waiting_classes.py", "cli/log_format.py: announce, says_start, is_ours, heard",
        "cli/work.py: _tell",
    ),
    "job ids and results, expiry, uniqueness, limits": (
        "client/job_handle.py", "model/enqueue_options.py", "model/tracking.py", "model/unique.py",
        "store/lua/parts/class_limits.lua", "store/lua/parts/new_status.lua", "wire/extra_keys.py",
        "worker/tracking.py", "client/enqueueing.py: Enqueueing.handle",
        "client/delaying.py: Delaying._status_of, Delaying._kept", "client/move_delayed.py: _status_gone",
        "client/delayed_item.py: _asked",
        "worker/runner.py: Runner._is_expired, Runner._expire, Runner._let_others_in, Runner._tracked",
        "worker/pruner.py: Pruner._status", "worker/report.py: Returned",
        "errors.py: JobFailed, JobCancelled, JobExpired, JobNotDone, NoResult",
        "model/job_class.py: JobClass.limits", "model/registry.py: Registry.limits",
    ),
    "the options of `work` on the command line: Ruby's reads the environment only": (
        "cli/work_options.py",
    ),
    "the worker settles what its child has done: how the child tells it": (
        "worker/channel.py", "worker/report.py: SentReport, framed, size_in, task_in, report_in",
    ),
    "several jobs in one process, and a process that waits for the next one": (
        "worker/children.py: Children.prepare, Children.has_waiting_child", "worker/child.py: Child.give",
        "worker/runner.py: Runner.prepare, Runner._warm_up",
    ),
    "the job of a dead worker can go back to its queue": (
        "config/options.py: Recover", "worker/pruner.py: Pruner._put_back",
        "store/workers.py: times_recovered",
    ),
    "a worker can be the first process of a container": (
        "worker/children.py: Children._reap_orphans", "cli/root.py: _hear_as_process_one, _end_by_signal",
    ),
    "of the schedule: missed runs, overlap, slips, switched off, what an older Ruby cannot read": (
        "schedule/entry.py: _catch_up, _overlap, Entry.doubts, _slip, _slips, shareable, _old_cron",
        "schedule/entry.py: Entry.is_disabled", "scheduler/firing.py: is_busy",
        "scheduler/loop.py: Scheduler._makes_up",
        "client/scheduling.py: Scheduling.disable_schedule, Scheduling.enable_schedule",
        "client/scheduling.py: Scheduling._stored_entry",
    ),
    "the dashboard (the gems' web pages are not counted either)": (
        "web/*.py", "store/audit.py", "cli/web*.py", "cli/common_options.py: Settings.given",
    ),
    "an async client": ("client/async_resque.py",),
    "the demo, and help for the tests of applications": ("demo.py", "cli/demo.py", "testing/*.py"),
}  # fmt: skip

SHARED: dict[str, tuple[str, ...]] = {
    "the next job, and what became of the last one": (
        "worker/reserver.py: Reserver.order, Reserver.next, Reserver._reserved",
        "worker/settlement.py: Settler.begin, Settler.report, Settler._described, Settler.ended",
        "worker/settlement.py: Settler._counted, Settler._failure",
        "store/reservation.py: EndedJob, reserve", "store/effects.py",
    ),
    "a worker registers": ("worker/registrar.py: Registrar.enter, Registrar._registered",),
    "a command that failed is tried again": ("worker/outages.py: Outages.persist",),
    "log lines, and their forms": ("log.py: Log", "cli/log_lines.py: Silent, Lines"),
    "`resque kill` and `resque remove`": ("cli/worker_actions.py: stop, remove",),
    "`Resque.inline`": ("testing/__init__.py: inline",),
    "a lock is freed": ("store/locks.py: release",),
    "delayed jobs are forgotten": ("store/delayed_seconds.py: reset",),
}  # fmt: skip

_SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(path: Path, name: str = "") -> set[int]:
    """The lines of a Python or Lua file that hold code; of one function or class only, if it is named.

    Raises:
        ValueError: nothing in the file has this name.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".lua":
        rows = enumerate(map(str.strip, text.splitlines()), 1)
        return {number for number, row in rows if row and not row.startswith("--")}
    tree, lines = _parsed(text)
    return lines & _lines_of(tree, name) if name else set(lines)


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> tuple[ast.Module, set[int]]:
    """A Python file, and the lines of it that hold code."""
    tree = ast.parse(text)
    documentation: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return tree, lines - documentation


def _lines_of(tree: ast.Module, name: str) -> set[int]:
    """The lines of a function or class, its decorators included."""
    node: ast.AST = tree
    for part in name.split("."):
        children = {getattr(child, "name", None): child for child in ast.iter_child_nodes(node)}
        if part not in children:
            raise ValueError(f"nothing is called {name}: mend APART or SHARED")
        node = children[part]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return set(range(first, (node.end_lineno or first) + 1))


def ruby_lines(path: Path) -> int:
    """The lines of a Ruby file that hold code."""
    text = re.sub(r"^=begin\b.*?^=end\b[^\n]*", "", path.read_text("utf-8", "replace"), flags=re.M | re.S)
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def ruby(folder: Path) -> dict[str, int]:
    """The lines of code of each gem of `RUBY` that is unpacked in a folder."""
    gems = [folder / name for name in RUBY if (folder / name / "lib").is_dir()]
    return {
        gem.name: sum(
            ruby_lines(path)
            for path in (*(gem / "lib").rglob("*.r*"), *gem.glob("bin/resque*"), *gem.glob("exe/resque*"))
            if path.suffix in ("", ".rb", ".rake") and not NOT_RUBY.search(str(path.relative_to(gem)))
        )
        for gem in gems
    }


def pieces(table: dict[str, tuple[str, ...]]) -> dict[str, list[Piece]]:
    """What each reason names.

    Raises:
        ValueError: a pattern fits no file.
    """
    named: dict[str, list[Piece]] = {reason: [] for reason in table}
    for reason, patterns in table.items():
        for pattern in patterns:
            glob, _, names = pattern.partition(": ")
            paths = sorted(path for path in PACKAGE.glob(glob) if path.suffix in (".py", ".lua"))
            if not paths:
                raise ValueError(f"{pattern} fits no file of pyresque: mend APART or SHARED")
            named[reason] += [(path, name) for path in paths for name in names.split(", ")]
    return named


def counted() -> tuple[dict[Path, int], dict[str, int], dict[Path, int]]:
    """The lines of each file; those that are apart, by reason; and those of each file that are shared.

    Raises:
        ValueError: something is named that is not there, or named twice.
    """
    files = {path: code_lines(path) for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".py", ".lua")}
    kept: dict[Path, set[int]] = {}
    for path, name in (piece for listed in pieces(SHARED).values() for piece in listed):
        kept.setdefault(path, set()).update(code_lines(path, name))
    left = {path: set(lines) for path, lines in files.items()}
    apart: dict[str, int] = {}
    for reason, listed in pieces(APART).items():
        for path, name in listed:
            lines = code_lines(path, name) - (set() if name else kept.get(path, set()))
            if not lines <= left[path]:
                raise ValueError(f"{path.name} {name} is named twice: mend APART or SHARED")
            left[path] -= lines
            apart[reason] = apart.get(reason, 0) + len(lines)
    return {path: len(lines) for path, lines in files.items()}, apart, {p: len(n) for p, n in left.items()}


def main() -> None:
    """Print the counts."""
    if "--ruby" in sys.argv:
        for name, number in ruby(Path(sys.argv[sys.argv.index("--ruby") + 1])).items():
            print(f"{number:6,} {name}")
        return
    files, apart, shared = counted()
    for reason, number in apart.items():
        print(f"{number:6,} {reason}")
    print(f"{sum(files.values()):6,} all of pyresque")
    print(f"{sum(shared.values()):6,} what Ruby has, too, where it takes {sum(RUBY.values()):,}")
    if "-v" in sys.argv:
        for path, number in shared.items():
            if number:
                print(f"    {number:4} {path.relative_to(PACKAGE)}")


if __name__ == "__main__":
    main()
