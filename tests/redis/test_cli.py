"""The program's commands on a real Redis: what they print, what they change, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque
from tests.faultproxy import FaultProxy
from tests.unit.cli.program import ROOT, Program, one_line, until

RUBYS_ID = "rubyhost:4711:images,mail"


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- enqueue ----------------------------------------------------------------------------------------


def test_enqueue_writes_what_ruby_writes(program: Program, resque: Resque) -> None:
    """Arguments are JSON where they can be, else texts; negative numbers are no options."""
    done = program.run(
        "enqueue", "-q", "reports", "Reports::Monthly", "2026", "-11", "ü", '{"a":[1]}', '"42"', "NaN"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'enqueued Reports::Monthly [2026,-11,"ü",{"a":[1]},"42","NaN"] on queue reports\n'
    assert resque.link.execute("LRANGE", "resque:queue:reports", 0, -1) == [
        '{"class":"Reports::Monthly","args":[2026,-11,"ü",{"a":[1]},"42","NaN"]}'.encode()
    ]
    assert resque.queues() == ["reports"]


def test_enqueue_takes_words_with_dashes_behind_two_dashes(program: Program, resque: Resque) -> None:
    """Behind -- everything is an argument."""
    assert program.run("enqueue", "-q", "x", "SomeJob", "--", "--force", "-5").returncode == 0
    assert resque.peek("x") == [{"class": "SomeJob", "args": ["--force", -5]}]


def test_enqueue_knows_the_queue_of_an_imported_job(program: Program, resque: Resque) -> None:
    """With -r the job's own queue is used, and -q wins over it."""
    program.jobs()
    assert program.run("enqueue", "-r", "jobs", "ConvertJob", "1").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "-q", "other", "ConvertJob", "2").returncode == 0
    assert resque.peek("images") == [{"class": "ConvertJob", "args": [1]}]
    assert resque.peek("other") == [{"class": "ConvertJob", "args": [2]}]


def test_enqueue_without_a_queue(program: Program, resque: Resque) -> None:
    """A job whose queue nobody knows is wrong usage, and is told how to give one."""
    for words in (["SomeJob"], ["-q", "", "SomeJob"]):
        done = program.run("enqueue", *words)
        assert done.returncode == 2
        assert one_line(done.stderr)
        assert "write -q QUEUE" in done.stderr
    assert resque.queues() == []


def test_enqueue_of_a_job_that_is_not_there(program: Program, resque: Resque) -> None:
    """The name of a function, or a typo: those that the module has are listed."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "convert", "1")
    assert done.returncode == 2
    assert one_line(done.stderr)
    assert "no job is named convert here, but BrokenJob, ConvertJob, RefusedJob" in done.stderr
    program.jobs("from pyresque import job\njob(name='Homeless')(lambda: None)\n", "homeless.py")
    done = program.run("enqueue", "-r", "homeless", "Homeless")
    assert done.returncode == 2
    assert "Homeless has none of its own: write -q QUEUE" in done.stderr
    assert resque.queues() == []


def test_enqueue_of_an_active_job(program: Program, resque: Resque) -> None:
    """It goes on its queue in the wrapper without which nobody would run it."""
    program.jobs(
        "from pyresque import active_job\n"
        "@active_job.job('SyncImport', queue='imports')\n"
        "def sync(number: int): print('synced', number)\n"
    )
    assert program.run("enqueue", "-r", "jobs", "SyncImport", "5").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "-q", "other", "SyncImport", "6").returncode == 0
    assert program.run("enqueue", "-r", "jobs", "SyncImport", "five").returncode == 1
    assert (resque.size("imports"), resque.size("other")) == (1, 1)
    done = program.run("work", "-q", "*", "-r", "jobs", "--burst")
    assert sorted(done.stdout.split("\n")) == ["", "synced 5", "synced 6"]
    assert resque.failures.count() == 0


def test_enqueue_refused_by_a_hook(program: Program, resque: Resque) -> None:
    """When a before_enqueue hook says no, nothing is enqueued and the exit code is 1."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "RefusedJob")
    assert done.returncode == 1
    assert "hook of RefusedJob refused it" in done.stderr
    assert resque.size("images") == 0


def test_enqueue_with_wrong_arguments(program: Program, resque: Resque) -> None:
    """A registered job is not enqueued with arguments that its function cannot take."""
    program.jobs()
    done = program.run("enqueue", "-r", "jobs", "ConvertJob", "1", "png", "3")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert resque.size("images") == 0


# --- looking ----------------------------------------------------------------------------------------


def test_info(program: Program, resque: Resque) -> None:
    """`info --json` is one document with what Resque.info says; else a list of the same names."""
    resque.enqueue("SomeJob", queue="x")
    assert lines(program.run("info", "--json")) == [resque.info()]
    shown = program.run("info").stdout.splitlines()
    assert [line.split()[0] for line in shown] == list(resque.info())
    assert "pending      1" in shown


def test_queues(program: Program, resque: Resque) -> None:
    """`queues` lists names and sizes, names made safe for the terminal."""
    assert program.run("queues").stdout == "no queues\n"
    resque.enqueue("SomeJob", queue="évil\x1b[2J")
    resque.enqueue("SomeJob", queue="x")
    assert lines(program.run("queues", "--json")) == [
        {"queue": "x", "size": 1},
        {"queue": "évil\x1b[2J", "size": 1},
    ]
    assert program.run("queues").stdout == "QUEUE        JOBS\nx            1\névil\\x1b[2J  1\n"


def test_peek(program: Program, resque: Resque) -> None:
    """`peek` shows jobs, and elements that are none, from a place on; they stay in their queue."""
    resque.enqueue_many([("SomeJob", n) for n in range(3)], queue="x")
    resque.link.execute("RPUSH", "resque:queue:x", b"no \x1b json \xff")
    found = lines(program.run("peek", "x", "2", "5", "--json"))
    assert found == [
        {"class": "SomeJob", "args": [2]},
        {"class": None, "args": None, "text": "no \x1b json \\xff"},
    ]
    shown = program.run("peek", "x", "1").stdout.splitlines()
    assert [line.split()[:2] for line in shown[1:]] == [["1", "SomeJob"], ["2", "SomeJob"], ["3", "(no"]]
    assert "\x1b" not in "".join(shown)
    assert resque.size("x") == 4
    assert program.run("peek", "nothing").stdout == "nothing in queue nothing\n"


def test_long_arguments_are_shortened(program: Program, resque: Resque) -> None:
    """A job with long arguments takes one line of a table, and all of it stands in the JSON."""
    resque.enqueue("SomeJob", "x" * 5000, queue="x")
    assert max(map(len, program.run("peek", "x").stdout.splitlines())) < 150
    assert lines(program.run("peek", "x", "--json"))[0]["args"] == ["x" * 5000]


def register(resque: Resque, working: object = None) -> None:
    """A Ruby worker's books."""
    resque.link.execute("SADD", "resque:workers", RUBYS_ID)
    resque.link.execute("SET", f"resque:worker:{RUBYS_ID}:started", "2026-11-24 10:00:00 +0100")
    if working:
        resque.link.execute("SET", f"resque:worker:{RUBYS_ID}", json.dumps(working))


def test_workers(program: Program, resque: Resque) -> None:
    """`workers` shows the workers of either language and what they do; the keys are always the same."""
    assert program.run("workers").stdout == "no workers\n"
    register(resque)
    (idle,) = lines(program.run("workers", "--json"))
    payload = {"class": "RubyJob", "args": [1]}
    register(resque, {"queue": "images", "run_at": "2026-11-24T09:00:01Z", "payload": payload})
    (busy,) = lines(program.run("workers", "list", "--json"))
    assert list(idle) == list(busy)
    assert (idle["id"], idle["state"], idle["class"]) == (RUBYS_ID, "idle", None)
    assert (busy["state"], busy["class"], busy["args"], busy["queue"]) == (
        "working",
        "RubyJob",
        [1],
        "images",
    )
    shown = program.run("workers").stdout.splitlines()
    assert shown[1].split()[:5] == [RUBYS_ID, "working", "RubyJob", "on", "images"]


def test_workers_remove(program: Program, resque: Resque) -> None:
    """`workers remove` takes a worker out of the books; its job becomes a failure, as in Ruby."""
    register(resque, {"queue": "images", "run_at": "now", "payload": {"class": "RubyJob", "args": [1]}})
    done = program.run("workers", "remove", RUBYS_ID)
    assert (done.returncode, done.stdout) == (0, f"removed {RUBYS_ID}\n")
    assert resque.workers() == []
    (record,) = resque.failures.list()
    assert (record.class_name, record.text("exception")) == ("RubyJob", "Resque::DirtyExit")


def test_workers_remove_of_nobody(program: Program) -> None:
    """A worker that is not registered cannot be removed: exit code 1."""
    done = program.run("workers", "remove", "nobody:1:x")
    assert done.returncode == 1
    assert one_line(done.stderr)


# --- all of them ------------------------------------------------------------------------------------


def test_namespace_and_redis_may_stand_anywhere(program: Program, proxy: FaultProxy) -> None:
    """The common options are taken before and after the command; the later wins, then the environment."""
    place = f"127.0.0.1:{proxy.port}"
    program.run("enqueue", "-q", "x", "SomeJob", "--namespace", "app")
    for words, env in (
        (["--namespace", "app", "queues"], {}),
        (["--redis", "localhost:1", "queues", "--redis", f"{place}/app"], {"RESQUE_NAMESPACE": "other"}),
        (["queues"], {"REDIS_URL": f"{place}/app"}),
        (["queues"], {"REDIS_URL": place, "RESQUE_NAMESPACE": "app"}),
        (["queues"], {"REDIS_URL": "", "RESQUE_REDIS_URL": f"{place}/app"}),
    ):
        assert lines(program.run(*words, "--json", **env)) == [{"queue": "x", "size": 1}]
    assert lines(program.run("queues", "--json")) == []


def test_a_closed_pipe(program: Program, resque: Resque) -> None:
    """When whoever reads the output goes away there is no traceback."""
    resque.enqueue_many([("SomeJob", "x" * 1000)] * 1000, queue="x")
    with program.start("peek", "x", "0", "1000", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", [("info",), ("peek", "x", "0", "1000", "--json"), ("--help",)])
def test_a_full_disk(program: Program, resque: Resque, words: tuple[str, ...]) -> None:
    """What cannot be written is told in one line."""
    resque.enqueue_many([("SomeJob", "x" * 1000)] * 100, queue="x")
    command = [sys.executable, "-m", "pyresque", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "REDIS_URL": str(program.url)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "Error: cannot write: No space left on device\n")


BROKEN = [">/dev/full", "2>/dev/full", ">/dev/full 2>&1", "| true", "2>&1 | true", ">&-", "2>&-", ">&- 2>&-"]
"""A full disk, a pipe that nobody reads any more, a stream that was never there."""


def shell(program: Program, command: str) -> subprocess.Popen[bytes]:
    """`pyresque` with such streams; the exit code is its own, also before a pipe."""
    line = f"{sys.executable} -m pyresque {command}"
    return subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", line], cwd=program.folder, stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "REDIS_URL": str(program.url)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("words", [*(f"-vv {streams}" for streams in BROKEN), "-vv --logfile /dev/full"])
def test_a_scheduler_does_its_work_whatever_its_streams_are(
    program: Program, resque: Resque, words: str
) -> None:
    """It fires, and ends with 0 when it is asked to."""
    resque.set_schedule("tick", every="1s", job="Tick", queue="q")
    with shell(program, f"scheduler --pidfile pid {words}") as process:
        until(lambda: resque.size("q") > 0)
        os.kill(int((program.folder / "pid").read_text()), signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in told) == (0, False)


@pytest.mark.parametrize("streams", ["2>/dev/full", ">/dev/full 2>&1", "2>&1 | true", ">&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("info --redis redis://127.0.0.1:1/0", 4), ("info --nosuch", 2), ("work -q q -r nosuch", 3),
        ("scheduler --schedule nosuch.yml", 2), ("failed show nosuch", 1),
    ],
)  # fmt: skip
def test_an_error_that_cannot_be_told_has_its_exit_code(
    program: Program, command: str, code: int, streams: str
) -> None:
    """The one that it has on a terminal, and no traceback."""
    with shell(program, f"{command} {streams}") as process:
        told = process.communicate(timeout=60)
    assert (process.returncode, told) == (code, (b"", b""))


def test_a_terminal_without_letters(program: Program, resque: Resque) -> None:
    """An encoding that lacks a letter costs the letter, not the output."""
    resque.enqueue("SomeJob", queue="日本")
    assert "\\u65e5\\u672c" in program.run("queues", PYTHONIOENCODING="iso-8859-1").stdout


def test_python_m_pyresque_is_the_program() -> None:
    """`python -m pyresque` works."""
    done = subprocess.run(
        [sys.executable, "-m", "pyresque", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pyresque ")
