"""`pyresque work` as a process of its own: jobs done, signals, settings, how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from pyresque import Resque
from tests.unit.cli.program import Program, fill, one_line, until


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def test_burst(program: Program, resque: Resque) -> None:
    """--burst works until nothing is left that this worker knows, records what failed, and exits with 0."""
    fill(resque)
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst")
    assert done.returncode == 0
    assert done.stdout == "converted 1 png\nconverted 2 webp\n"
    assert resque.peek("images", 0, 9) == [{"class": "RubyOnlyJob", "args": []}]
    assert [one.class_name for one in resque.failures.list()] == ["BrokenJob"]
    assert resque.workers() == []
    assert resque.stat("processed") == 3


def test_burst_wins_over_the_intervals_of_the_environment(program: Program, resque: Resque) -> None:
    """--burst leaves when idle whatever INTERVAL and its kin say."""
    fill(resque)
    done = program.run(
        "work", "-q", "*", "-r", "jobs", "--burst", INTERVAL="60", MAX_INTERVAL="60", MIN_INTERVAL="60"
    )
    assert done.returncode == 0
    assert resque.stat("processed") == 3


def test_queues_of_the_environment(program: Program, resque: Resque) -> None:
    """QUEUES, else QUEUE names the queues where -q does not; INTERVAL=0 leaves when idle, as in Ruby."""
    fill(resque)
    assert (
        program.run("work", "-r", "jobs", QUEUES="nothing, other", QUEUE="images", INTERVAL="0").returncode
        == 0
    )
    assert resque.size("other") == 0
    assert resque.size("images") == 3


def test_several_lists_and_exclusions(program: Program, resque: Resque) -> None:
    """-q may be given several times, with commas and exclusions."""
    fill(resque)
    done = program.run("work", "-q", "other,more", "-q", "*", "-q", "!images", "-r", "jobs", "--burst")
    assert done.stdout == "converted 2 webp\n"
    assert resque.size("images") == 3


@pytest.mark.parametrize(
    ("policy", "waiting", "failed"),
    [
        ("leave", {"images": 1, "other": 0}, ["BrokenJob"]),
        ("fail", {"images": 0, "other": 0}, ["BrokenJob", "RubyOnlyJob"]),
        ("park=later", {"images": 0, "later": 1, "other": 0}, ["BrokenJob"]),
    ],
)
def test_unknown(
    program: Program, resque: Resque, policy: str, waiting: dict[str, int], failed: list[str]
) -> None:
    """--unknown says what becomes of a job whose class is not registered."""
    fill(resque)
    assert program.run("work", "-q", "*", "-r", "jobs", "--burst", "--unknown", policy).returncode == 0
    assert resque.queue_sizes() == waiting
    assert [one.class_name for one in resque.failures.list()] == failed


@pytest.mark.parametrize("words", [[], ["--no-fork"]])
def test_no_fork(program: Program, resque: Resque, words: list[str]) -> None:
    """With --no-fork a job runs in the worker's process, else in a child."""
    program.jobs(
        "import os\nfrom pyresque import job\nprint(os.getpid())\n"
        "@job(name='PidJob')\ndef pid(): print(os.getpid())\n"
    )
    resque.enqueue("PidJob", queue="x")
    mine, jobs = program.run("work", "-q", "x", "-r", "jobs", "--burst", *words).stdout.split()
    assert (mine == jobs) == bool(words)


def test_failure_backend(program: Program, resque: Resque) -> None:
    """--failure-backend, else FAILURE_BACKEND says in which list failures lie."""
    resque.enqueue("BrokenJob", queue="images")
    program.run("work", "-q", "*", "-r", "jobs", "--burst", "--failure-backend", "redis_multi_queue")
    resque.enqueue("BrokenJob", queue="images")
    program.run("work", "-q", "*", "-r", "jobs", "--burst", FAILURE_BACKEND="redis_multi_queue")
    assert resque.failures.count(list_name="images_failed") == 2
    assert resque.failures.count(list_name="failed") == 0


def test_log_lines(program: Program) -> None:
    """By default nothing is said; VERBOSE or -v says `*** text`, VVERBOSE or -vv adds time and pid."""
    words = ("work", "-q", "*", "-r", "jobs", "--burst")
    assert program.run(*words).stdout == ""
    for done in (
        program.run(*words, "-v"),
        program.run(*words, VERBOSE="1"),
        program.run(*words, LOGGING=""),
    ):
        assert all(line.startswith("*** ") for line in done.stdout.splitlines())
        assert done.stdout
    for done in (program.run(*words, "-vv"), program.run(*words, VVERBOSE="")):
        pattern = r"\*\* \[\d\d:\d\d:\d\d \d{4}-\d\d-\d\d\] \d+: .+"
        assert done.stdout
        for line in done.stdout.splitlines():
            assert re.fullmatch(pattern, line)


def test_a_worker_without_jobs_is_warned(program: Program) -> None:
    """A worker that knows no job says so on stderr: -r was forgotten."""
    done = program.run("work", "-q", "*", "--burst")
    assert done.returncode == 0
    assert "no job is registered" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_the_worker_well(program: Program, resque: Resque, number: int) -> None:
    """TERM, INT and QUIT make an idle worker leave the books and exit with 0."""
    with program.start("work", "-q", "*", "-r", "jobs") as process:
        until(resque.workers)
        assert end(process, number) == 0
    assert resque.workers() == []


# --- several processes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "env"), [(["-n", "3"], {}), (["--concurrency", "3"], {"COUNT": "9"}), ([], {"COUNT": "3"})]
)
def test_a_pool(program: Program, resque: Resque, words: list[str], env: dict[str, str]) -> None:
    """--concurrency, else COUNT starts so many workers; a TERM to the program ends them all well."""
    with program.start("work", "-q", "*", "-r", "jobs", *words, **env) as process:
        until(lambda: len(resque.workers()) == 3)
        assert end(process) == 0
    assert resque.workers() == []


def test_a_pool_in_burst(program: Program, resque: Resque) -> None:
    """A pool with --burst ends when all its workers have nothing left to do."""
    resque.enqueue_many([("ConvertJob", n) for n in range(20)], queue="images")
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst", "-n", "3")
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == sorted(f"converted {n} png" for n in range(20))


def test_a_pool_passes_pause_and_continue_on(program: Program, resque: Resque) -> None:
    """USR2 pauses every worker of a pool, CONT lets them go on."""
    with program.start("work", "-q", "*", "-r", "jobs", "-n", "2", "--interval", "0.1") as process:
        until(lambda: len(resque.workers()) == 2)
        process.send_signal(signal.SIGUSR2)
        until(
            lambda: all("Paused" in Path(f"/proc/{one.pid}/cmdline").read_text() for one in resque.workers())
        )
        resque.enqueue("ConvertJob", 1, queue="images")
        process.send_signal(signal.SIGCONT)
        until(lambda: resque.stat("processed") == 1)
        assert end(process) == 0


def test_a_pool_of_a_file(program: Program, resque: Resque) -> None:
    """-c runs the workers of a resque-pool.yml, with what the environment lays over it."""
    program.jobs("images: 1\n'*,!slow': 1\nproduction:\n  images: 2\n  mail: 0\n", "pool.yml")
    with program.start("work", "-r", "jobs", "-c", "pool.yml", RACK_ENV="production") as process:
        until(lambda: len(resque.workers()) == 3)
        assert sorted(one.queues for one in resque.workers()) == [["*"], ["images"], ["images"]]
        assert end(process) == 0


@pytest.mark.parametrize(
    ("words", "env", "queues"),
    [
        ([], {}, [["mail"], ["mail"]]),
        (["-q", "x"], {}, [["x"]]),
        ([], {"QUEUE": "y", "COUNT": "3"}, [["y"]] * 3),
        (["-c", "other.yml"], {"QUEUE": "y"}, [["high", "low"]]),
    ],
)
def test_where_the_pool_comes_from(
    program: Program, resque: Resque, words: list[str], env: dict[str, str], queues: list[list[str]]
) -> None:
    """-q or -c, else QUEUE, else the file that RESQUE_POOL_CONFIG names."""
    program.jobs("mail: 2\n", "pool.yml")
    program.jobs("high,low: 1\n", "other.yml")
    with program.start("work", "-r", "jobs", *words, RESQUE_POOL_CONFIG="pool.yml", **env) as process:
        until(lambda: len(resque.workers()) == len(queues))
        assert [one.queues for one in resque.workers()] == queues
        assert end(process) == 0


# --- limits, timeouts and their like -----------------------------------------------------------------

SLOW = """
import os, time
from pyresque import job

@job(name="PidJob")
def pid(): print(os.getpid(), flush=True)

@job(name="SlowJob")
def slow():
    print("begun", flush=True)
    time.sleep(1000)
"""


def test_max_jobs(program: Program, resque: Resque) -> None:
    """--max-jobs: the worker leaves after so many, and the rest stay."""
    resque.enqueue_many([("ConvertJob", n) for n in range(5)], queue="images")
    done = program.run("work", "-q", "*", "-r", "jobs", "--max-jobs", "2")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["converted 0 png", "converted 1 png"]
    assert resque.size("images") == 3


def test_max_idle(program: Program, resque: Resque) -> None:
    """--max-idle: the worker leaves after so long without a job."""
    resque.enqueue("ConvertJob", 1, queue="images")
    assert program.run("work", "-q", "*", "-r", "jobs", "--max-idle", "0.1").returncode == 0
    assert resque.stat("processed") == 1


def test_max_rss(program: Program, resque: Resque) -> None:
    """--max-rss: a worker that has grown beyond it leaves between two jobs."""
    program.jobs(
        "from pyresque import job\nkept = []\n"
        "@job(name='GrowJob')\ndef grow(): kept.append(b'x' * (100 << 20))\n"
    )
    resque.enqueue_many([("GrowJob",)] * 9, queue="q")
    assert program.run("work", "-q", "q", "-r", "jobs", "--no-fork", "--max-rss", "250").returncode == 0
    assert 0 < resque.stat("processed") < 4


def test_max_rss_that_is_too_small(program: Program) -> None:
    """A limit that the imported application is beyond already would never let a job run: said at once."""
    done = program.run("work", "-q", "q", "-r", "jobs", "--max-rss", "1")
    assert done.returncode == 2
    assert "--max-rss must be greater" in done.stderr
    assert one_line(done.stderr)


def test_jobs_per_fork(program: Program, resque: Resque) -> None:
    """--jobs-per-fork: so many jobs, one after the other, in one process."""
    program.jobs(SLOW)
    resque.enqueue_many([("PidJob",)] * 6, queue="q")
    done = program.run("work", "-q", "q", "-r", "jobs", "--burst", "--jobs-per-fork", "3")
    pids = done.stdout.split()
    assert len(pids) == 6
    assert len(set(pids)) == 2


def test_timeout(program: Program, resque: Resque) -> None:
    """--timeout ends a job that takes longer, and the failure says where it stood."""
    program.jobs(SLOW)
    resque.enqueue("SlowJob", queue="q")
    assert program.run("work", "-q", "q", "-r", "jobs", "--burst", "--timeout", "0.3").returncode == 0
    (failure,) = resque.failures.list()
    assert "did not end within its timeout of 0.3 seconds" in failure.value["error"]
    assert "jobs.py:11:in `slow'" in failure.backtrace[0]


def test_drain(program: Program, resque: Resque) -> None:
    """--drain: a job that runs when TERM comes has so long to finish."""
    program.jobs(SLOW.replace("1000", "0.3"))
    resque.enqueue("SlowJob", queue="q")
    with program.start("work", "-q", "q", "-r", "jobs", "--drain", "30") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert end(process) == 0
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)


def test_requeue_on_shutdown(program: Program, resque: Resque) -> None:
    """--requeue-on-shutdown: the job that TERM ends is not a failure, and waits for another worker."""
    program.jobs(SLOW)
    resque.enqueue("SlowJob", queue="q")
    with program.start("work", "-q", "q", "-r", "jobs", "--requeue-on-shutdown", "--drain", "0.5") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert end(process) == 0
    assert (resque.size("q"), resque.failures.count()) == (1, 0)


@pytest.mark.parametrize(("policy", "waiting", "failed"), [("fail", 0, 1), ("requeue=1", 1, 0)])
def test_recover(program: Program, resque: Resque, policy: str, waiting: int, failed: int) -> None:
    """--recover says what becomes of the job of a pyresque worker that was killed."""
    program.jobs(SLOW)
    resque.enqueue("SlowJob", queue="q")
    with program.start("work", "-q", "q", "-r", "jobs") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
    resque.link.execute("DEL", "resque:pruning_dead_workers_in_progress")
    program.jobs("")
    assert program.run("work", "-q", "q", "-r", "jobs", "--burst", "--recover", policy).returncode == 0
    assert (resque.size("q"), resque.failures.count()) == (waiting, failed)


HARM = """
import logging, sys
from pyresque import job

class Hostile:
    def __getattr__(self, name):
        raise KeyboardInterrupt

def remove():
    del sys.stdout, sys.stderr

def replace():
    sys.stdout = sys.stderr = Hostile()

def level():
    for name in ("pyresque", "pyresque.worker"):
        logger = logging.getLogger(name)
        logger.setLevel("DEBUG")
        logger.level = "DEBUG"

@job(queue="q", name="Harm")
def harm(kind):
    globals()[kind]()
"""


@pytest.mark.parametrize("kind", ["remove", "replace", "level"])
def test_what_a_job_leaves_behind_in_the_process(program: Program, resque: Resque, kind: str) -> None:
    """A job in the worker's own process may change streams and loggers: the work is done, exit code 0."""
    program.jobs(HARM, "harm.py")
    for _ in range(2):
        resque.push("q", {"class": "Harm", "args": [kind]})
    done = program.run("work", "-q", "q", "-r", "harm", "--burst", "--no-fork")
    assert done.returncode == 0, done.stderr
    assert (resque.stat("processed"), resque.size("q"), resque.workers()) == (2, 0, [])
