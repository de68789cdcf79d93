"""What a worker process does: jobs, hooks, signals, pruning (docs/protocol/core.md#the-work-loop)."""

from __future__ import annotations

import signal
import socket

from tests.interop.traces.jobs import HookTrace
from tests.interop.traces.play import Play, Process, Scenario, scenario, until


def working(name: str, docstring: str, **env: str) -> Scenario:
    """A scenario that is nothing but a worker with INTERVAL=0 on what is there."""

    def run(play: Play) -> None:
        play.work(**env)

    run.__name__, run.__doc__ = name, docstring
    return scenario(run)


working("worker_success", "A job that returns.")
working("worker_success_no_fork", "A job that returns, in the worker's own process.", FORK_PER_JOB="false")
working("worker_failure", "A job that raises.")
working(
    "worker_failure_multi_queue", "A job that raises, into `Q_failed`.", FAILURE_BACKEND="redis_multi_queue"
)
working("worker_args_forms", "`args` missing, null, a string; another key order and an extra key.")
working("worker_dont_perform", "before_perform raises `DontPerform`.")
working("worker_unknown_class", "With the default `--unknown leave`.")
working("worker_unknown_class__fail", "With `--unknown fail`, as Ruby does.", TRACE_UNKNOWN="fail")
working("queue_list_order", "A literal list in its order.", QUEUE="b,a,ghost")
working("wildcard_with_negation", "A pattern and an exclusion.", QUEUE="*,!low_*")
working("invalid_json_payload", "An element whose JSON is cut off.")
working("duplicate_key_payload", "An element that has a key twice.")
working("always_hook_success", "always hooks after success.")
working("always_hook_failure", "always hooks after a failure.")
working("always_hook_dont_perform", "always hooks after `DontPerform` and a skipped perform; one raises.")
working("always_hook_raises_after_success", "An always hook raises after success.")
working("always_hook_raises_after_failure", "An always hook raises after a failure, and after on_failure.")
working("always_hook_child_gone", "KILL, `os._exit(3)`, `sys.exit()`: always hooks run only after the last.")
working("child_sigkill", "A job kills its own process.")
working("child_exit_bang", "A job ends its process with status 3 and reports nothing.")
working("dirty_exit_hook_raises", "on_failure raises in the parent, after a killed child.")
working("prune_expired_worker_with_job", "A worker without a heartbeat for 300 s is pruned at start.")
working("prune_same_host_dead_pid", "A worker of this host without a process is pruned, if its queues match.")
working("prune_lock_held", "No worker is pruned while another one holds the lock.")
working("heartbeat_wrong_type_at_start", "`workers:heartbeat` is a string at start.")
working(
    "failure_id_shared_by_backends",
    "`Multiple` over four backends.",
    TRACE_BACKENDS="Redis,RedisMultiQueue,IdBackend,PlainBackend",
)


@scenario
def multiple_backend_raises(play: Play) -> None:
    """`Multiple` with two backends that raise: the third one records the failure, and the worker goes on."""
    play.work(TRACE_BACKENDS="RaisingBackend,Redis,RaisingBackend2")
    told = 'Some backends raise error: RaisingBackend:IOError:"backend is down"; RaisingBackend2:KeyError:'
    assert f"Received exception when reporting failure: {told}" in play.log


@scenario
def job_hooks_success(play: Play) -> None:
    """`enqueue`, then a worker: all hooks run in order."""
    play.resque.enqueue(HookTrace, "ok")
    play.work()


@scenario
def job_hooks_failure(play: Play) -> None:
    """All hooks in order, with a job that raises."""
    play.resque.enqueue(HookTrace, "fail")
    play.work()


# --- signals ---------------------------------------------------------------------------------------


@scenario
def term_default(play: Play) -> None:
    """TERM while a job runs: the child is killed, the worker leaves."""
    with play.worker(RESQUE_TERM_TIMEOUT="4") as worker:  # Ruby's default: who sets it wants Ruby's way
        until(lambda: worker.job_has_begun, "the job runs")
        worker.signal(signal.SIGTERM)


@scenario
def term_with_term_child(play: Play) -> None:
    """TERM with TERM_CHILD: `TermException` in the job."""
    with play.worker(TERM_CHILD="1") as worker:
        until(lambda: worker.job_has_begun, "the job runs")
        worker.signal(signal.SIGTERM)


@scenario
def quit_while_working(play: Play) -> None:
    """QUIT while a job runs: the job finishes, the next one stays on its queue."""
    with play.worker() as worker:
        until(lambda: worker.job_has_begun, "the job runs")
        worker.signal(signal.SIGQUIT)


def processed(play: Play) -> bool:
    """Whether a job has been done."""
    return play.admin.get("resque:stat:processed") == b"1"


@scenario
def pause_usr2_cont(play: Play) -> None:
    """USR2 pauses, CONT resumes; the process title shows it."""
    with play.worker() as worker:
        until(lambda: worker.title.endswith(": Waiting for jobs"), "the worker idles")
        worker.signal(signal.SIGUSR2)
        until(lambda: worker.title.endswith(": Paused"), "the worker pauses")
        play.admin.sadd("resque:queues", "jobs")
        play.admin.rpush("resque:queue:jobs", '{"class":"OkJob","args":[1]}')
        worker.signal(signal.SIGCONT)
        until(lambda: processed(play), "the job is done")
        worker.signal(signal.SIGQUIT)


@scenario
def pause_all_workers(play: Play) -> None:
    """`pause-all-workers` holds ` TRUE `: nothing is taken until it is gone."""
    with play.worker() as worker:
        until(lambda: worker.title.endswith(": Paused"), "the worker pauses")
        assert play.admin.llen("resque:queue:jobs") == 1
        play.admin.delete("resque:pause-all-workers")
        until(lambda: processed(play), "the job is done")
        worker.signal(signal.SIGQUIT)


# --- the heartbeat ---------------------------------------------------------------------------------


def beats(play: Play, worker: Process, queues: str = "jobs") -> bool:
    """Whether the worker's heartbeat is there, and the worker registered."""
    one = f"{socket.gethostname()}:{worker.pid}:{queues}"
    both = play.admin.hexists("resque:workers:heartbeat", one) and play.admin.sismember("resque:workers", one)
    return bool(both)


def spoil_heartbeats(play: Play, worker: Process) -> None:
    """Put a string in the place of the heartbeats; return when two beats have failed."""
    until(lambda: beats(play, worker), "the first beat")
    play.admin.set("resque:workers:heartbeat", "x")
    until(lambda: worker.log.count("Failed to heartbeat: WRONGTYPE") >= 2, "two beats have failed")


def lock_expires(play: Play) -> None:
    """With a heartbeat interval of a second the lock of the pruner lasts a second."""
    until(lambda: not play.admin.exists("resque:pruning_dead_workers_in_progress"), "the lock is gone")


@scenario
def register_heartbeat_unregister(play: Play) -> None:
    """An idle worker with a short heartbeat interval, then QUIT."""
    with play.worker(QUEUE="jobs,low", TRACE_HEARTBEAT="0.2") as worker:
        until(lambda: beats(play, worker, "jobs,low"), "the first beat")
        play.admin.delete("resque:workers:heartbeat")
        until(lambda: beats(play, worker, "jobs,low"), "the next beat")
        worker.signal(signal.SIGQUIT)
    lock_expires(play)


@scenario
def heartbeat_survives_error(play: Play) -> None:
    """Heartbeats fail with WRONGTYPE for a while. The failures are logged, and the heartbeat resumes."""
    with play.worker(TRACE_HEARTBEAT="0.2") as worker:
        spoil_heartbeats(play, worker)
        play.admin.delete("resque:workers:heartbeat")
        until(lambda: beats(play, worker), "the next beat")
        worker.signal(signal.SIGQUIT)
    lock_expires(play)


@scenario
def heartbeat_wrong_type_at_shutdown(play: Play) -> None:
    """`workers:heartbeat` is a string when QUIT comes."""
    with play.worker(TRACE_HEARTBEAT="0.2") as worker:
        spoil_heartbeats(play, worker)
        worker.signal(signal.SIGQUIT)
    lock_expires(play)
