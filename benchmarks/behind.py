"""What it costs to take jobs that stand behind others' jobs on one queue.

    python benchmarks/behind.py [--jobs N]

A worker without fork takes jobs from behind 20,000, 100,000 and 200,000 of a class that it does not know,
written as Ruby writes JSON and with blanks. Prints the processor time of Redis, as a ratio to that of our
jobs with nothing before them, and what each foreign job costs: the same when there are more, or more of ours.
"""

from __future__ import annotations

import argparse
import os

from pyresque import Resque, job
from pyresque.config import WorkerOptions
from pyresque.registry import Registry
from pyresque.testing.redis_server import DevRedis, running
from pyresque.worker.loop import Worker

FORMS = {
    "as Ruby writes it": b'{"class":"Foreign","args":[%d]}',
    "with blanks": b'{"class": "Foreign", "args": [%d]}',
}
COUNTS = (0, 20_000, 100_000, 200_000)


def busy(resque: Resque) -> float:
    """Seconds of processor time that Redis has taken."""
    lines = dict(
        line.split(":") for line in resque.link.execute("INFO", "cpu").decode().split() if ":" in line
    )
    return float(lines["used_cpu_user"]) + float(lines["used_cpu_sys"])


def taken(server: DevRedis, form: bytes, others: int, ours: int) -> float:
    """Seconds of processor time of Redis for taking all of our jobs from behind the others."""
    resque = Resque(server.url, registry=Registry())

    @job(queue="q", name="Ours", registry=resque.registry)
    def one(number: int) -> None:
        pass

    resque.link.execute("FLUSHALL")
    for first in range(0, others, 5000):
        resque.link.execute("RPUSH", "resque:queue:q", *(form % n for n in range(first, first + 5000)))
    resque.enqueue_many([(one, n) for n in range(ours)])
    before, pid = busy(resque), os.fork()
    if pid == 0:
        Worker(resque, ["q"], WorkerOptions(fork_per_job=False)).work(0)
        os._exit(0)
    os.waitpid(pid, 0)
    if resque.size("q") != others:
        raise SystemExit(f"{resque.size('q')} jobs are left of {others}")
    return busy(resque) - before


def main() -> None:
    """Print a row for each form and number of others' jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=500)
    wanted = parser.parse_args().jobs
    with running() as server:
        taken(server, FORMS["as Ruby writes it"], 0, wanted)  # so that the scripts are there
        alone = taken(server, FORMS["as Ruby writes it"], 0, wanted)
        for name, form in FORMS.items():
            for others in COUNTS[1:]:
                for ours in (wanted, 2 * wanted):
                    seconds = taken(server, form, others, ours)
                    each = (seconds - alone * ours / wanted) / others * 1e6
                    ratio = seconds / alone
                    print(
                        f"{ours} jobs behind {others} {name}: {ratio:.1f} x, {each:.2f} us for each of these"
                    )


if __name__ == "__main__":
    main()
