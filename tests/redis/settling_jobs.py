"""Jobs whose end is hard to write down, for test_settlement.py."""

import asyncio
import builtins
import logging
import os
from pathlib import Path

from pyresque import Retry, job

IN_LOOP = os.environ.get("MODE") == "async"


def note(*words):
    with open("log", "ab", buffering=0) as log:
        log.write((" ".join(map(str, words)) + "\n").encode())


def made(name, act, **options):
    """A job of this name that waits for the file NAME, if it is told to, and then acts."""

    async def perform(number, waits=False, *more):
        note("begin", number)
        while waits and not Path(str(number)).exists():
            await asyncio.sleep(0.005)
        note("end", number)
        act(number)

    def perform_plain(number, waits=False, *more):
        asyncio.run(perform(number, waits))

    job(queue="q", name=name, **options)(perform if IN_LOOP else perform_plain)


def _raise(error):
    raise error


class Odd:
    """A policy for retries whose answers nobody can use; told apart by `way`."""

    quiet = False

    def __init__(self, way):
        self.way = way

    def wants(self, error):
        return True

    def identifier(self, args):
        return str(args[0])

    def expiry(self, attempt):
        return {"expiry": 10**16, "no expiry": 0, "below": -5}.get(self.way)

    def delay(self, attempt):
        return 1e300 if self.way == "delay" else 600.0


made("Done", lambda number: None)
made("Fails", lambda number: _raise(LookupError("as planned")))
made("Large", lambda number: _raise(LookupError("as planned" + "x" * (2 << 20))))
made("Deep", lambda number: _deep(number, 100_000))
made("Later", lambda number: _raise(LookupError("as planned" + "x" * 60_000)), retry=Retry(backoff=600))
made(
    "Forever", lambda number: _raise(LookupError("a")), retry=Retry(limit=9, backoff=600, expire_after=10**16)
)
for way in ("expiry", "no expiry", "below", "delay"):
    made(f"Odd_{way}", lambda number: _raise(LookupError("as planned")), retry=Odd(way))


def _deep(number, depth):
    return _deep(number, depth - 1) + 1


class Nasty(logging.Filter):
    """Raises as a job's end is logged."""

    def filter(self, record):
        if str(record.msg).startswith(("done", "%s failed")):
            raise getattr(builtins, os.environ["NASTY"])
        return True


if "NASTY" in os.environ:
    logging.getLogger("pyresque.worker").addFilter(Nasty())
