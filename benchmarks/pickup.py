"""From the call of `enqueue` to the first line of the job: an idle worker on `critical,*,!slow`, 20 queues.

    python benchmarks/pickup.py [--samples N]

Prints the median and the 99th percentile of pyresque with and without fork and, where there is one, of
Ruby Resque that polls every 0.1 s, in one run; and how many commands an idle pyresque worker sends.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis, running

HERE = Path(__file__).parent
WORKER = """
import os, sys
from pyresque import Resque, Worker, job
from pyresque.config import WorkerOptions
sys.path.insert(0, sys.argv[2])
from peers import note
job(queue="q7", name="BenchJob")(note)
options = WorkerOptions(fork_per_job=sys.argv[1] == "fork")
Worker(Resque(os.environ["REDIS_URL"]), ["critical", "*", "!slow"], options).work()
"""


def samples(server: DevRedis, command: list[str], count: int) -> list[float]:
    """Milliseconds of each sample."""
    resque = Resque(server.url)
    resque.link.execute("FLUSHALL")
    for number in range(20):
        resque.link.execute("SADD", "resque:queues", f"q{number}")
    taken = []
    with tempfile.NamedTemporaryFile() as out:
        env = {
            **os.environ,
            "REDIS_URL": server.url,
            "BENCH_OUT": out.name,
            "QUEUE": "critical,*,!slow",
            "INTERVAL": "0.1",
        }
        worker = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not resque.workers():
            time.sleep(0.05)
        for number in range(count):
            time.sleep(random.uniform(0.05, 0.15))
            sent = time.time()
            resque.enqueue("BenchJob", number, queue="q7")
            while len(data := Path(out.name).read_bytes()) < 8 * (number + 1):
                time.sleep(0.001)
            taken.append((struct.unpack("<d", data[-8:])[0] - sent) * 1000)
        worker.terminate()
        worker.wait()
    return taken


def commands_per_second(server: DevRedis) -> float:
    """Commands that an idle worker sends."""
    resque = Resque(server.url)
    resque.link.execute("FLUSHALL")
    env = {**os.environ, "REDIS_URL": server.url}
    worker = subprocess.Popen([sys.executable, "-c", WORKER, "fork", str(HERE)], env=env)
    while not resque.workers():
        time.sleep(0.05)
    time.sleep(2)

    def count() -> int:
        text = resque.link.execute("INFO", "stats").decode()
        return int(text.split("total_commands_processed:")[1].split()[0])

    before = count()
    time.sleep(20)
    sent = count() - before - 1
    worker.terminate()
    worker.wait()
    return sent / 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=200)
    options = parser.parse_args()
    with running() as server:
        rows = {mode: [sys.executable, "-c", WORKER, mode, str(HERE)] for mode in ("nofork", "fork")}
        ruby = os.environ.get("PYRESQUE_RUBY", "ruby")
        if shutil.which(ruby):
            program = 'require ARGV[0]; Resque::Worker.new(*ENV["QUEUE"].split(",")).work(0.1)'
            rows["Ruby Resque, INTERVAL=0.1"] = [ruby, "-W0", "-e", program, str(HERE / "resque.rb")]
        for name, command in rows.items():
            taken = sorted(samples(server, command, options.samples))
            late = taken[int(len(taken) * 0.99) - 1]
            print(f"{name:28} median {statistics.median(taken):8.2f} ms   99th percentile {late:8.2f} ms")
        print(f"an idle worker sends {commands_per_second(server):.2f} commands/s (inside scripts too)")


if __name__ == "__main__":
    main()
