"""What `work` says of its jobs, in every mode: failures with their traceback, at default verbosity, once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from pyresque import Resque
from tests.redis.active_job.test_running import wrapper
from tests.redis.bench import put
from tests.unit.cli.program import Program, until

MODES = {
    "fork": [],
    "no fork": ["--no-fork"],
    "async": ["--async-concurrency", "2"],
    "pool": ["-n", "1"],
}
JOBS = """
import logging
from pyresque import active_job, job
from pyresque.plugins import Retry

log = logging.getLogger("app.jobs")

@job(name="Sends", queue="q")
async def sends(name):
    print("printing to", name)
    log.info("sent %s", name)
    log.warning("slow %d", "text")

@job(name="Fails", queue="q")
async def fails(*args):
    try:
        {}["price"]
    except KeyError as error:
        raise ValueError("no price \\x1b[31m\\nsecond line") from error

@job(name="Again", queue="q", retry=Retry(limit=1, backoff=60))
async def again():
    raise ValueError("not yet")

@active_job.retry_on(OSError, wait=30)
@active_job.discard_on(KeyError)
@active_job.job("RailsJob", queue="q")
async def rails(what, **options):
    raise {"retry": OSError, "discard": KeyError}.get(what, TypeError)(what)
"""


def rails(what: str) -> str:
    options = {"lang": "de", "_aj_symbol_keys": ["lang"]}
    return wrapper(what, options, job_class="RailsJob", job_id="id-1")


def filled(program: Program, resque: Resque) -> None:
    program.jobs(JOBS)
    resque.enqueue("Sends", "Ada", queue="q")
    resque.enqueue("Fails", {"a": [None, True]}, queue="q")
    resque.enqueue("Again", queue="q")
    put(resque, rails("retry"), rails("discard"), rails("fail"))


def work(program: Program, *words: str, **env: str) -> Any:
    done = program.run("work", "-q", "q", "-r", "jobs", "--burst", *words, **env)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("mode_name", MODES)
def test_a_failure_is_told_with_its_traceback(program: Program, resque: Resque, mode_name: str) -> None:
    """On stderr, with time and level; as Python shows values; a retry with its next attempt."""
    filled(program, resque)
    told = work(program, *MODES[mode_name]).stderr
    head = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d %s \d+: "
    due = r"; the next attempt is due at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, in %s s$"
    for level, text in (
        ("ERROR", r"Fails\(\{'a': \[None, True\]\}\) on q failed: ValueError: no price \\x1b\[31m$"),
        ("WARNING", r"Again\(\) on q failed: ValueError: not yet" + due % "[56]\\d"),
        ("WARNING", r"RailsJob\('retry', \{'lang': 'de'\}\) on q failed: OSError: retry" + due % "[23]\\d"),
        ("WARNING", r"RailsJob\('discard', \{'lang': 'de'\}\) on q is discarded: KeyError: 'discard'$"),
        ("ERROR", r"RailsJob\('fail', \{'lang': 'de'\}\) on q failed: TypeError: fail$"),
    ):
        assert len(re.findall(head % level + text, told, re.MULTILINE)) == 1, (text, told)
    trace = told[told.index("Fails(") :]
    assert re.search(r'\n  File ".*jobs.py", line \d+, in fails\n    raise ValueError\("no price ', trace)
    assert "KeyError: 'price'\n\nwhich led to this one:\n" in trace
    assert "pyresque/model" not in told
    assert "JobWrapper" not in told
    assert re.search(
        r"INFO \d+: pyresque \S+: 1 worker starts as \S+\n  redis      127.0.0.1:\d+/0, namesp", told
    )
    mode = {"fork": "a process for each job", "no fork": "one job after", "async": "2 async jobs at a time"}
    assert f"\n  mode       {mode.get(mode_name, mode['fork'])}" in told
    assert "\n  jobs       q: Again, Fails, RailsJob, Sends\n" in told
    assert "\n  scheduler  none is master: " in told
    assert "\x1b" not in told


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_named_fields(program: Program, resque: Resque, form: str) -> None:
    """Every line tells of which job it is, the traceback in the same line."""
    filled(program, resque)
    done = work(program, "--log-format", form, "--log-level", "info")
    lines = [*fields_of(done.stdout, form), *fields_of(done.stderr, form)]
    for one in lines:
        assert {"timestamp", "severity", "progname", "logger", "pid", "message"} <= one.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", one["timestamp"])
    [final] = [one for one in lines if one["message"].startswith("RailsJob('fail'") and "error" in one]
    assert (final["class"], final["queue"], final["job_id"]) == ("RailsJob", "q", "id-1")
    assert (final["severity"], final["error"]) == ("ERROR", "TypeError: fail")
    assert final["exception"].startswith("Traceback (most recent call last):\n  File ")
    [again] = [one for one in lines if "next_attempt" in one and one["class"] == "Again"]
    assert again["severity"] == "WARNING"
    [sent] = [one for one in lines if one["logger"] == "app.jobs" and one["severity"] == "INFO"]
    assert (sent["message"], sent["class"], sent["queue"]) == ("sent Ada", "Sends", "q")
    [printed] = [one for one in lines if one["logger"] == "stdout"]
    assert (printed["message"], printed["class"], printed["queue"]) == ("printing to Ada", "Sends", "q")
    [start] = [one for one in lines if " 1 worker starts as " in one["message"]]
    assert start["queues"] == (["q"] if form == "json" else "q")
    assert start["mode"] == "a process for each job"


def fields_of(text: str, form: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if form == "json":
            yield json.loads(line)
        else:
            pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)
            assert " ".join(f"{name}={value}" for name, value in pairs) == line
            yield {name: json.loads(value) for name, value in pairs}


def test_a_file_takes_all_lines(program: Program, resque: Resque) -> None:
    """Of a pool, too: nothing is left for stdout and stderr but what jobs print."""
    filled(program, resque)
    done = work(program, "-n", "2", "--log-file", "log", "--log-level", "debug")
    assert (done.stdout, done.stderr) == ("printing to Ada\n", "")
    told = (program.folder / "log").read_text()
    assert " INFO " in told
    assert "ValueError: no price" in told


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("logging.basicConfig(format='MINE %(message)s')", [], "MINE Fails("),
        ("logging.getLogger().addHandler(logging.NullHandler())", [], ""),
        ("logging.info('read at once')", [], " ERROR "),
        ("logging.basicConfig(format='MINE %(message)s')", ["--log-format", "json"], "MINE Fails("),
    ],
)
def test_the_logging_of_the_application_wins(
    program: Program, resque: Resque, text: str, words: list[str], expected: str
) -> None:
    """With handlers of its own pyresque adds none; the bare basicConfig of `logging.info` is none."""
    program.jobs(f"import logging\n{text}\n{JOBS}")
    resque.enqueue("Fails", queue="q")
    resque.enqueue("Sends", "Ada", queue="q")
    told = work(program, *words).stderr
    assert expected in told
    assert told.count("Fails(") == bool(expected)
    assert ("slow" in told) == bool(expected)
    assert (" ERROR " in told) == (expected == " ERROR ")


def test_a_chosen_level_is_that_of_our_lines_in_the_logging_of_the_application(
    program: Program, resque: Resque
) -> None:
    """--log-level counts where the application says nothing of ours; of its own lines it decides."""
    program.jobs(f"import logging\nlogging.basicConfig(format='MINE %(message)s')\n{JOBS}")
    resque.enqueue("Sends", "Ada", queue="q")
    told = work(program, "--log-level", "info").stderr
    assert "MINE done: Sends('Ada') on q" in told
    assert "sent Ada" not in told


def test_the_level_of_the_jobs_lines(program: Program, resque: Resque) -> None:
    """A job's own lines are shown from the level on; one whose values do not fit is shown without them."""
    filled(program, resque)
    done = work(program, "--log-level", "INFO")
    assert re.search(r"^\S+ \S+ INFO \d+: app.jobs: sent Ada$", done.stdout, re.MULTILINE)
    assert re.search(r"^\S+ \S+ WARNING \d+: app.jobs: slow %d \(its values", done.stderr, re.MULTILINE)
    filled(program, resque)
    quiet = work(program, "--log-level", "error")
    assert "sent Ada" not in quiet.stdout
    assert "slow" not in quiet.stderr
    assert "Fails(" in quiet.stderr
    assert "RailsJob('retry'" not in quiet.stderr


def test_the_start_is_told(program: Program, resque: Resque) -> None:
    """Queues and counts of a pool, who is master, what nobody here listens to or knows; no password."""
    filled(program, resque)
    resque.enqueue("Sendz", queue="other")
    resque.link.execute("SET", "resque:resque:resque_scheduler_master_lock", "host:77")
    (program.folder / "pool.yml").write_text("other: 2\n'mail,more': 1\n")
    done = program.run("work", "-c", "pool.yml", "-r", "jobs", "--burst")
    assert done.returncode == 0
    assert done.stdout == ""
    for text in (
        ": 3 workers start as ",
        "\n  queues     other (2 workers)\n             mail, more (1 worker)\n",
        "\n  jobs       q (no worker here listens to it): Again, Fails, RailsJob, Sends\n",
        "\n  scheduler  host:77 is master\n",
    ):
        assert done.stderr.count(text) == 1, (text, done.stderr)
    assert (
        done.stderr.count("1 job of a class that is not registered here waits on other: Sendz: did you") == 1
    )
    assert str(urlsplit(program.url).password) not in done.stderr


@pytest.mark.parametrize("mode", ["fork", "no fork"])
def test_a_worker_whose_output_nobody_reads(program: Program, resque: Resque, mode: str) -> None:
    """The pipe is full after some failures: jobs go on, and TERM ends it. Lines are left out."""
    program.jobs(JOBS)
    resque.enqueue_many([("Fails", "x" * 3000, n) for n in range(60)], queue="q")
    worker = program.start("work", "-q", "q", "-r", "jobs", "--drain", "0", *MODES[mode])
    until(lambda: resque.stat("processed") == 60)
    worker.terminate()
    assert worker.wait(60) == 0
    assert resque.failures.count() == 60
    worker.communicate()
