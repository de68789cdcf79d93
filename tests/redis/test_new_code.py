"""HUP: a pool gets new code while its workers work; a single worker leaves."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from pyresque import Resque
from tests.redis.pools import JOBS, Pool, Started, gone
from tests.unit.cli.program import Program, until

NEW = JOBS.replace('print(text, "in', 'print("new", text, "in')
SECOND = """
import pathlib
_file = pathlib.Path(__file__).with_name("imports")
_number = _file.stat().st_size + 1 if _file.exists() else 1
_file.write_bytes(b"." * _number)
"""
"""What counts how often a module has been imported; number 2 is the trial of the first HUP, 3 its pool."""


def say(pool: Pool, text: str) -> None:
    """Let a worker print a text, and wait until it has."""
    before = pool.resque.stat("processed")
    pool.resque.enqueue("SayJob", text, queue="q")
    until(lambda: pool.resque.stat("processed") > before)


def children(pool: Pool) -> set[int]:
    """The children of the supervisor."""
    pid = pool.process.pid
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def trial(pool: Pool) -> list[int]:
    """The process in which the new code is tried, if there is one."""
    return [one for one in children(pool) if "--trial" in pool.title(one)]


def replaced(pool: Pool, old: set[int], count: int) -> None:
    """Wait until so many workers have come that are none of the old ones."""
    until(lambda: len(pool.workers() - old) == count)


# --- good code -----------------------------------------------------------------------------------------


def test_workers_with_new_code_come_while_an_old_job_runs(
    start: Started, program: Program, resque: Resque
) -> None:
    """However long it takes: it ends with its own code, and its place is had by a new worker then."""
    pool = start("-n", "3", "-v")
    old = pool.full(3)
    pool.begin("a")
    program.jobs(NEW)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    say(pool, "code")
    assert len(pool.workers() & old) == 1
    pool.finish("a")
    replaced(pool, old, 3)
    until(lambda: all(map(gone, old)))
    status, out = pool.end()
    assert status == 0
    assert re.findall(r"imported by (\d+)", out) == [str(pool.process.pid)] * 2
    assert "new code in worker" in out
    assert "all workers have the new code" in out
    assert (resque.stat("processed"), resque.failures.count()) == (2, 0)


def test_the_supervisor_stays(start: Started, program: Program) -> None:
    """The same process, with no other children than its workers, and a title that names them."""
    pool = start("-n", "2", "-v", RESQUE_PROCLINE_PREFIX="app ")
    old = pool.full(2)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    until(lambda: children(pool) == pool.workers())
    until(lambda: re.findall(r"\d+(?=[,\]])", pool.title()) == [str(one) for one in sorted(pool.workers())])
    assert pool.title().startswith("app pyresque-pool-")
    assert pool.end()[0] == 0


def test_never_more_workers_than_the_file_says(start: Started, program: Program, resque: Resque) -> None:
    """A list with one worker may be there so that its jobs run one after the other."""
    program.jobs("q: 1\nother: 1\n", "pool.yml")
    pool = start("-c", "pool.yml", queues=())
    old = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    resque.enqueue("SayJob", "later", queue="q")
    assert {one.id.split(":")[2] for one in resque.workers() if int(one.pid) not in old} == {"other"}
    assert resque.size("q") == 1
    pool.finish("a")
    until(lambda: resque.stat("processed") == 2)
    assert pool.end()[0] == 0


def test_an_async_worker_is_replaced_at_once(start: Started, program: Program, resque: Resque) -> None:
    """Its other places would lie idle until its last job is over."""
    text = "import asyncio, pathlib\nfrom pyresque import job\n@job(name='WaitJob')\nasync def wait(name):\n"
    text += "    pathlib.Path(f'{name}.begun').touch()\n"
    text += "    while not pathlib.Path(name).exists(): await asyncio.sleep(0.01)\n"
    program.jobs(text)
    program.jobs("q: 1\n", "pool.yml")
    pool = start("-c", "pool.yml", "--async-concurrency", "2", queues=())
    old = pool.full(1)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    pool.begin("b")
    assert old <= pool.workers()
    pool.finish("a")
    until(lambda: all(map(gone, old)))
    pool.finish("b")
    until(lambda: resque.stat("processed") == 2)
    assert (pool.end()[0], resque.failures.count()) == (0, 0)


def test_hup_reads_the_pool_file_again(start: Started, program: Program) -> None:
    """What the workers work on, and how many there are, may have changed."""
    program.jobs("mail: 3\n", "pool.yml")
    pool = start("-c", "pool.yml", queues=())
    old = pool.full(3)
    program.jobs("mail: 1\nmail,high: 2\n'*': 1\n", "pool.yml")
    pool.send(signal.SIGHUP)
    until(lambda: all(map(gone, old)))
    pool.full(4)
    found = sorted(one.id.split(":", 2)[2] for one in pool.resque.workers())
    assert found == ["*", "mail", "mail,high", "mail,high"]
    assert pool.end()[0] == 0


def test_hup_goes_where_the_folder_leads_now(
    start: Started, program: Program, resque: Resque, tmp_path: Path
) -> None:
    """A deploy that moves the link `current` to a new release is followed, by new workers only."""
    for name in ("one", "two"):
        Program(tmp_path / name).jobs(
            f"print('release {name}', flush=True)\n" + JOBS.replace("print(text,", "print('in', os.getcwd(),")
        )
    program.folder = current = tmp_path / "current"
    current.symlink_to("one")
    pool = start("-n", "2", PWD=str(current))
    old = pool.full(2)
    say(pool, "")
    current.unlink()
    current.symlink_to("two")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    until(lambda: all(map(gone, old)))
    say(pool, "")
    status, out = pool.end()
    assert status == 0
    assert re.findall(r"release \w+", out) == ["release one", "release two"]
    assert re.findall(rf"in {tmp_path}/(\w+)", out) == ["one", "two"]


def test_new_code_finds_the_variables_of_the_start(start: Started, program: Program) -> None:
    """And not what the old code has put there (load_dotenv leaves alone what is there already)."""
    program.jobs("import os\nprint('seen', os.environ.setdefault('MODE', 'mine'), flush=True)\n" + JOBS)
    pool = start("-n", "2")
    old = pool.full(2)
    program.jobs("import os\nprint('seen', os.environ.setdefault('MODE', 'new'), flush=True)\n" + JOBS)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    assert re.findall(r"seen (\w+)", pool.end()[1]) == ["mine", "new"]


def test_a_pause_outlasts_a_hup(start: Started, program: Program, resque: Resque) -> None:
    """The new workers are paused as well, until CONT."""
    pool = start("-n", "2", "--interval", "0.1")
    old = pool.full(2)
    pool.send(signal.SIGUSR2)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    until(lambda: all("Paused" in pool.title(one) for one in pool.workers() - old))
    resque.enqueue("SayJob", 1, queue="q")
    pool.send(signal.SIGCONT)
    until(lambda: resque.stat("processed") == 1)
    assert pool.end()[0] == 0


def test_code_that_handles_signals_itself(start: Started, program: Program) -> None:
    """What it does to them when it is imported, the pool undoes: it hears the next HUP and TERM."""
    deaf = "import signal\nfor one in (1, 2, 3, 10, 12, 15, 17): signal.signal(one, signal.SIG_IGN)\n"
    program.jobs(deaf + "signal.set_wakeup_fd(-1)\n" + JOBS)
    pool = start("-n", "2")
    old = pool.full(2)
    for _ in range(2):
        pool.send(signal.SIGHUP)
        replaced(pool, old, 2)
        until(lambda old=old: not pool.workers() & old)  # type: ignore[misc]
        old = pool.workers()
    assert pool.end()[0] == 0


# --- code that cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nosuch\n", r"cannot import jobs: ModuleNotFoundError.*nosuch"),
        ("def f(:\n", r"cannot import jobs: SyntaxError: .*jobs\.py:1\)"),
        (
            "x = 1\nraise LookupError('no price')\n",
            r"cannot import jobs: LookupError: no price \(.*jobs\.py:2\)",
        ),
        (
            "import sys\nsys.exit('no database')\n",
            r"cannot import jobs: SystemExit: no database \(.*jobs\.py:2",
        ),
        ("raise KeyboardInterrupt\n", r"the program ended while it was loaded \(exit status 1\)"),
        ("import os\nos._exit(0)\n", r"the program ended while it was loaded \(exit status 0\)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTTIN)\n", r"the program wants the terminal"),
        ("import os\nos.kill(os.getpid(), 9)\n", r"the program ended while it was loaded \(Killed\)"),
        ("import os\nos.kill(0, 9)\n", r"the program ended while it was loaded \(Killed\)"),
    ],
)
def test_code_that_cannot_be_loaded(
    start: Started, program: Program, resque: Resque, code: str, why: str
) -> None:
    """The old workers go on, those that die are replaced with the old code, and the log says why."""
    pool = start("-n", "2")
    old = pool.full(2)
    program.jobs(code)
    pool.send(signal.SIGHUP)
    told = ""
    while not re.search(f"the workers go on with the old: {why}", told):
        line = pool.process.stderr.readline()  # type: ignore[union-attr]
        assert line, told
        told += line
    assert "Traceback" not in told or "KeyboardInterrupt" in code
    assert pool.workers() == old
    os.kill(min(old), signal.SIGKILL)
    replaced(pool, old, 1)
    say(pool, "old")
    program.jobs(NEW)
    before = pool.workers()
    pool.send(signal.SIGHUP)
    replaced(pool, before, 2)
    say(pool, "code")
    status, out = pool.end()
    assert status == 0
    assert "\nold in worker" in out
    assert "new code in worker" in out


def test_a_pool_file_that_cannot_be_read(start: Started, program: Program) -> None:
    """It is told as at a start, and changes nothing."""
    program.jobs("q: 2\n", "pool.yml")
    pool = start("-c", "pool.yml", queues=())
    old = pool.full(2)
    program.jobs("q: many\n", "pool.yml")
    pool.send(signal.SIGHUP)
    lines = iter(pool.process.stderr.readline, "")  # type: ignore[union-attr]
    assert any("the pool file pool.yml gives q 'many' workers" in line for line in lines)
    assert pool.workers() == old
    assert pool.end()[0] == 0


def test_workers_that_cannot_begin_with_the_new_code(start: Started, program: Program) -> None:
    """A hook that raises shows only when a worker begins: as long as none gets ready, old ones work on."""
    pool = start("-n", "3")
    old = pool.full(3)
    bad = "from pyresque import hooks\n@hooks.before_first_fork\ndef fails(): raise LookupError('no')\n"
    program.jobs(NEW + bad)
    pool.send(signal.SIGHUP)
    lines = iter(pool.process.stderr.readline, "")  # type: ignore[union-attr]
    for _ in range(4):  # times that a new worker has died
        next(line for line in lines if "died" in line)
    assert pool.workers() & old
    say(pool, "old")
    program.jobs(NEW)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 3)
    status, out = pool.end()
    assert status == 0
    assert "\nold in worker" in out


def test_code_that_loads_only_when_it_is_tried(start: Started, program: Program) -> None:
    """A deploy may go on between the trial and the pool: the old workers work on until it can be loaded."""
    program.jobs(SECOND + "if _number == 3: raise LookupError('too early')\n" + JOBS)
    pool = start("-n", "2")
    old = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    pool.finish("a")
    replaced(pool, old, 2)
    status, out = pool.end()
    assert status == 0
    assert re.search(r"with the old; in \d s the new one is tried again: .*LookupError: too early", out)


# --- at the same time ----------------------------------------------------------------------------------


def test_hup_in_a_row(start: Started, program: Program, resque: Resque) -> None:
    """Whether it comes while the code is tried, loaded, or workers are replaced: the last code is used."""
    pool = start("-n", "2")
    pool.full(2)
    pool.begin("a")
    for _ in range(5):
        pool.send(signal.SIGHUP)
        until(lambda: trial(pool))
    old = pool.workers()
    program.jobs(NEW)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    say(pool, "code")
    pool.finish("a")
    until(lambda: all(map(gone, old)))
    pool.full(2)
    status, out = pool.end()
    assert status == 0
    assert "new code in worker" in out
    assert (resque.stat("processed"), resque.failures.count()) == (2, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("hangs_at", [2, 3])
def test_code_that_never_comes_to_its_end(
    start: Started, program: Program, number: int, hangs_at: int
) -> None:
    """It can be tried anew, and ends with the pool: in the trial, and in the pool itself."""
    program.jobs(SECOND + f"import time\nwhile _number == {hangs_at}: time.sleep(1)\n" + JOBS)
    pool = start("-n", "2")
    old = pool.full(2)
    pool.send(signal.SIGHUP)
    until(lambda: (program.folder / "imports").stat().st_size == hangs_at)
    seen = trial(pool)
    assert len(seen) == (hangs_at == 2)
    status, _ = pool.end(number)
    assert status == 0
    assert all(map(gone, [*old, *seen]))
    assert pool.workers() == set()


def test_a_trial_that_hangs_gives_way_to_the_next(start: Started, program: Program) -> None:
    """The code was mended meanwhile."""
    pool = start("-n", "2")
    old = pool.full(2)
    program.jobs("import time\nwhile True: time.sleep(1)\n")
    pool.send(signal.SIGHUP)
    until(lambda: trial(pool))
    (hanging,) = trial(pool)
    program.jobs(NEW)
    pool.send(signal.SIGHUP)
    replaced(pool, old, 2)
    assert gone(hanging)
    assert pool.end()[0] == 0


def test_term_wins_over_hup(start: Started, resque: Resque) -> None:
    """A pool whose workers are being replaced, and that is told to end, ends; old jobs have their drain."""
    pool = start("-n", "2", "--drain", "1000")
    old = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    pool.send(signal.SIGTERM)
    until(lambda: len(pool.workers()) == 1)
    pool.send(signal.SIGHUP)
    pool.finish("a")
    assert pool.end(None)[0] == 0
    assert (resque.stat("processed"), resque.failures.count()) == (1, 0)


def test_an_old_worker_that_dies(start: Started, resque: Resque) -> None:
    """While it is waited for: a new one has its place, and its job is recorded."""
    pool = start("-n", "2")
    old = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    (busy,) = pool.workers() & old
    os.kill(busy, signal.SIGKILL)
    replaced(pool, old, 2)
    until(lambda: resque.failures.count() == 1)
    assert pool.end()[0] == 0


def test_the_supervisor_dies(start: Started, resque: Resque) -> None:
    """Killed after a HUP: workers of both kinds learn of it, finish what they have, and leave."""
    pool = start("-n", "2")
    old = pool.full(2)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    replaced(pool, old, 1)
    everybody = pool.workers()
    pool.process.kill()
    until(lambda: len(pool.workers()) == 1)
    pool.finish("a")
    until(lambda: all(map(gone, everybody)))
    assert (resque.stat("processed"), resque.failures.count(), pool.workers()) == (1, 0, set())


# --- a single worker -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [(), ("--no-fork",), ("--jobs-per-fork", "5")])
def test_a_single_worker_leaves(start: Started, resque: Resque, mode: tuple[str, ...]) -> None:
    """Its job is finished first, and it says what it does; whoever supervises it starts it anew."""
    pool = start(*mode)
    pool.begin("a")
    pool.send(signal.SIGHUP)
    pool.finish("a")
    status, out = pool.end(None)
    assert status == 0
    assert "HUP: the worker leaves when its job is done" in out
    assert (resque.stat("processed"), resque.failures.count(), resque.workers()) == (1, 0, [])
