"""What a job that changes its process leaves to the next one, in each mode (docs/jobs.md)."""

from __future__ import annotations

import json

import pytest

from pyresque import Resque
from tests.redis.test_arguments import MODES
from tests.unit.cli.program import Program

JOBS = """
import contextvars, decimal, json, locale, os, resource, sys, threading, time
from pyresque import job

VARIABLE = contextvars.ContextVar("VARIABLE", default="new")
NEVER = threading.Event()
os.environ["CHANGED"] = "new"
os.environ["TZ"] = "UTC"
os.umask(0o022)
json.patched = "new"

@job(queue="q")
DEF change():
    os.chdir("/")
    os.umask(0o077)
    os.environ["CHANGED"] = "old"
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    decimal.getcontext().prec = 5
    json.patched = "old"
    sys.path.append("/changed")
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    VARIABLE.set("old")
    threading.Thread(target=NEVER.wait, name="left", daemon=True).start()

@job(queue="q")
DEF look():
    umask = os.umask(0)
    os.umask(umask)
    found = {
        "directory": os.getcwd() == "/",
        "umask": umask == 0o077,
        "environment": os.environ["CHANGED"] == "old",
        "time zone": time.tzname[0] != "UTC",
        "locale": locale.setlocale(locale.LC_ALL) != START,
        "decimal": decimal.getcontext().prec == 5,
        "patch": json.patched == "old",
        "path": "/changed" in sys.path,
        "limit": resource.getrlimit(resource.RLIMIT_CORE) != LIMIT,
        "thread": any(one.name == "left" for one in threading.enumerate()),
        "variable": VARIABLE.get() == "old",
    }
    with open(os.environ["NOTES"], "w") as file:
        json.dump(found, file)

START = locale.setlocale(locale.LC_ALL)
LIMIT = resource.getrlimit(resource.RLIMIT_CORE)
"""


@pytest.mark.parametrize("mode", list(MODES))
def test_what_the_next_job_finds(mode: str, program: Program, resque: Resque) -> None:
    """A process of its own leaves nothing; a shared one leaves all, and an async job no context variable."""
    program.jobs(JOBS.replace("DEF", "async def" if mode == "async" else "def"))
    resque.enqueue("change", queue="q")
    resque.enqueue("look", queue="q")
    flags = ["--async-concurrency", "1"] if mode == "async" else MODES[mode]
    notes = program.folder / "notes"
    done = program.run("work", "--burst", "-q", "q", "-r", "jobs", *flags, NOTES=str(notes))
    assert (done.returncode, resque.stat("failed"), resque.stat("processed")) == (0, 0, 2), done.stderr
    found = json.loads(notes.read_text())
    stays = mode != "fork"
    expected = dict.fromkeys(found, stays)
    if mode == "async":
        expected |= {"variable": False, "decimal": False}
    assert found == expected
