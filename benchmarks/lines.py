"""How much code pyresque is, beside the Ruby that it replaces: `python benchmarks/lines.py` (-v: each file).

Lines of code: without blank lines, comments and docstrings. `RUBY` has the gems whose work pyresque does, in
the newest versions that the tests run; `python benchmarks/lines.py --ruby DIR` counts those in DIR the same
way, without what `NOT_RUBY` names. `APART` names what these gems do not do.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

import pyresque

PACKAGE = Path(pyresque.__file__).parent
RUBY = {
    "resque-3.2.0": 2_241,
    "resque-scheduler-5.1.1": 1_405,
    "resque-retry-1.9.0": 439,
    "fugit-1.14.0": 1_644,
    "raabro-1.5.0": 462,
    "rufus-scheduler-3.9.2": 1_045,
    "et-orbi-1.4.2": 783,
    "activejob-8.1.4.1": 1_854,
    "globalid-1.4.0": 417,
}

NOT_RUBY = re.compile(
    r"server|web_|vendor|generators|test_?help|test_case|fixture|signed|verifier|event_subscriber"
    r"|queue_adapters/(?!resque|abstract|inline|test)"
    r"|failure/(airbrake|thoughtbot)"
)
"""Web pages, generators, help for tests, signed GlobalIDs, other queues, failures sent to services."""

APART = {
    "a Redis client (redis-rb is not counted either)": ("store/connection/*.py",),
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
        "worker/aio/*.py", "worker/job_loop.py", "worker/lazy_job_loop.py",
    ),
    "jobs of classes that a worker does not know are left to others": ("worker/unknown_jobs.py",),
    "types of the verbs, for type checkers": ("model/job_types.py",),
    "resque-pool: many workers under one supervisor, new code on HUP": ("worker/pool/*.py",),
    "resque-lock-timeout, resque-loner, resque-status, resque-pause": (
        "plugins/lock.py", "plugins/status.py", "plugins/pausing.py", "plugins/job_of_plugin.py",
        "store/locks.py",
        "store/statuses.py", "store/pauses.py", "store/lua/lock.lua", "store/lua/unlock.lua",
        "store/lua/push_guarded.lua", "store/lua/rename_lock_owner.lua", "store/lua/parts/lock_holders.lua",
        "store/lua/parts/guards.lua",
    ),
    "a job is reserved in one step, and settled in one: no kill and no lost reply loses or doubles it": (
        "store/reservation.py", "store/lua/reserve.lua", "store/lua/reserve_element.lua",
        "store/lua/settle.lua", "store/lua/settle_apart.lua", "store/lua/settle_and_reserve.lua",
        "worker/reserver.py", "worker/settlement.py", "worker/current_job.py",
    ),
    "a command whose reply was lost is sent again, and counts once": (
        "store/script.py", "store/effects.py", "store/lua/parts/once.lua", "store/lua/parts/effects.lua",
    ),
    "workers and schedulers outlive outages of Redis": ("worker/outages.py", "system/waiting.py"),
    "a job's process ends with its worker": ("system/parent.py",),
    "no two workers have one id": ("worker/registrar.py", "store/lua/claim_worker_ids.lua"),
    "limits of time and memory, and what a job that does not end is doing": (
        "worker/limits.py", "worker/time_limit.py", "worker/stack_dump.py", "worker/stop_notice.py",
        "system/oom.py",
    ),
    "what cannot be queued or run is put aside instead of lost": (
        "wire/aside_links.py", "store/lua/parts/aside.lua", "store/lua/parts/aside_links.lua",
        "store/lua/restore_aside.lua",
    ),
    "a retry by hand knows of the automatic one": (
        "client/next_retry.py", "store/retries.py", "failure/copies.py", "store/lua/bring_forward.lua",
        "store/lua/parts/retried_marks.lua", "cli/failed_retry.py", "cli/failed_text.py",
    ),
    "many elements removed without keeping others waiting": (
        "store/removal.py", "store/lua/remove_marked.lua",
    ),
    "code of the application cannot harm its worker": (
        "usercode/*.py", "system/descriptors.py", "system/signal_handlers.py", "log.py",
    ),
    "breakpoint() and input() in a job": ("system/terminal.py",),
    "commands beyond those of Ruby's rake tasks and `resque`": (
        "cli/delayed.py", "cli/failed.py", "cli/schedule.py", "cli/queue.py", "cli/enqueue.py",
        "cli/output.py", "cli/failed_act.py", "cli/by_id.py", "cli/groups.py", "cli/selecting.py",
        "cli/moments.py", "cli/named_job.py", "cli/dequeue.py", "cli/confirm.py", "cli/progress.py",
        "cli/json_output.py",
    ),
    "looking and acting: selections, groups, health, what waits and nobody knows": (
        "client/delayed_selection.py", "client/failure_selection.py", "client/health.py",
        "client/health_problems.py", "client/look_at_health.py", "client/missed_runs.py", "client/pausing.py",
        "client/put_back.py", "client/queued_jobs.py", "client/retries.py", "client/schedule_entries.py",
        "client/scheduler_status.py", "client/selection.py", "client/unknown_classes.py",
        "client/worker_signs.py", "model/unknown_job.py", "store/ages.py", "store/moving.py",
        "store/lua/empty_queue.lua", "store/lua/move_scattered.lua", "store/lua/parts/scattered.lua",
        "store/lua/requeue_failures.lua", "worker/by_hand.py", "cli/health.py", "cli/health_text.py",
        "cli/jobs.py", "cli/live_screen.py", "cli/schedule_changes.py", "cli/schedule_file.py",
        "cli/scheduler_status.py", "cli/worker_actions.py",
    ),
    "settings files, a project to begin with, completion, `dev`": (
        "config/setting_kinds.py", "config/setting_table.py", "config/settings.py", "config/settings_file.py",
        "cli/completion.py", "cli/config.py", "cli/configurable.py", "cli/dev.py", "cli/dev_processes.py",
        "cli/init.py", "cli/watched_files.py",
    ),
    "what a worker says: its start, failures, what waits, the lines and prints of jobs": (
        "cli/banner.py", "cli/log_file.py", "cli/log_lines.py", "cli/log_options.py", "cli/log_prints.py",
        "cli/log_stream.py", "cli/log_warnings.py", "model/job_tags.py", "wire/python_text.py",
        "worker/beginning.py", "worker/left_log.py", "worker/notices.py", "worker/outcome_log.py",
        "worker/waiting_classes.py",
    ),
    "job ids and results, expiry, uniqueness, limits": (
        "client/job_handle.py", "model/enqueue_options.py", "model/tracking.py", "model/unique.py",
        "store/lua/parts/class_limits.lua", "store/lua/parts/new_status.lua", "wire/extra_keys.py",
        "worker/tracking.py",
    ),
    "an async client": ("client/async_resque.py",),
    "the dashboard": ("web/*.py",),
    "the demo, and help for the tests of applications": ("demo.py", "cli/demo.py", "testing/*.py"),
}  # fmt: skip

_SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(path: Path) -> int:
    """The lines of a Python or Lua file that hold code."""
    text = path.read_text("utf-8")
    if path.suffix == ".lua":
        return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("--"))
    documentation: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - documentation)


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
            for path in (gem / "lib").rglob("*.r*")
            if path.suffix in (".rb", ".rake") and not NOT_RUBY.search(str(path.relative_to(gem)))
        )
        for gem in gems
    }


def counted() -> tuple[dict[Path, int], dict[str, list[Path]]]:
    """The lines of each file, and the files that are apart, by reason.

    Raises:
        ValueError: a pattern fits no file, or a file is named twice.
    """
    files = {path: code_lines(path) for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".py", ".lua")}
    apart: dict[str, list[Path]] = {}
    for reason, patterns in APART.items():
        for pattern in patterns:
            paths = [path for path in PACKAGE.glob(pattern) if path in files]
            if not paths:
                raise ValueError(f"{pattern} fits no file of pyresque: mend APART")
            apart.setdefault(reason, []).extend(paths)
    named = Counter(path for paths in apart.values() for path in paths)
    if twice := [str(path) for path, times in named.items() if times > 1]:
        raise ValueError(f"named twice in APART: {', '.join(twice)}")
    return files, apart


def main() -> None:
    """Print the counts."""
    if "--ruby" in sys.argv:
        for name, lines in ruby(Path(sys.argv[sys.argv.index("--ruby") + 1])).items():
            print(f"{lines:6,} {name}")
        return
    files, apart = counted()
    shared = dict(files)
    for reason, paths in apart.items():
        lines = sum(shared.pop(path) for path in paths)
        print(f"{lines:6,} {reason}")
    print(f"{sum(files.values()):6,} all of pyresque")
    print(f"{sum(shared.values()):6,} what Ruby has, too, where it takes {sum(RUBY.values()):,}")
    if "-v" in sys.argv:
        for path, count in shared.items():
            print(f"    {count:4} {path.relative_to(PACKAGE)}")


if __name__ == "__main__":
    main()
