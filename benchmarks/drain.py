"""How fast a worker empties a queue: pyresque and its peers, interleaved in one run, as ratios.

python benchmarks/drain.py [--jobs N] [--repeat R] [--only NAME,...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyresque.testing.redis_server import DevRedis, running

HERE = Path(__file__).parent
RUBY = os.environ.get("PYRESQUE_RUBY", "ruby")


@dataclass(frozen=True)
class System:
    """A worker to measure: how to fill its queue, and how to run it until that is empty."""

    name: str
    fill: list[str]
    work: list[str]
    env: dict[str, str]
    share: float = 1.0
    """Part of the jobs that it gets: slow ones get fewer, so that a run ends."""


def python(script: str, *words: str) -> list[str]:
    """A command line for a script beside this one."""
    return [sys.executable, str(HERE / script), *words]


def systems() -> list[System]:
    """Everybody who can be measured here."""
    found = [
        System("pyresque fork", python("peers.py", "fill"), python("peers.py", "fork"), {}),
        System("pyresque fork, 10 jobs each", python("peers.py", "fill"), python("peers.py", "fork10"), {}),
        System("pyresque no fork", python("peers.py", "fill"), python("peers.py", "nofork"), {}, 5.0),
    ]
    if (
        shutil.which(RUBY)
        and subprocess.run([RUBY, "-e", 'require "resque"'], capture_output=True).returncode == 0
    ):
        ruby = [RUBY, "-W0", str(HERE / "resque.rb")]
        found.insert(0, System("Ruby Resque fork", [*ruby, "fill"], [*ruby, "work"], {}))
        found.insert(
            1, System("Ruby Resque no fork", [*ruby, "fill"], [*ruby, "work"], {"FORK_PER_JOB": "false"}, 2.0)
        )
    if importlib.util.find_spec("rq"):
        found.append(
            System("RQ Worker (fork)", python("peers.py", "rq-fill"), python("peers.py", "rq"), {}, 0.3)
        )
        found.append(
            System("RQ SimpleWorker", python("peers.py", "rq-fill"), python("peers.py", "rq-simple"), {}, 0.5)
        )
    if importlib.util.find_spec("huey"):
        found.append(
            System("Huey, 1 process", python("peers.py", "huey-fill"), python("peers.py", "huey"), {}, 3.0)
        )
    if importlib.util.find_spec("celery"):
        found.append(
            System("Celery solo", python("peers.py", "celery-fill"), python("peers.py", "celery"), {}, 1.0)
        )
    return found


def rate(system: System, server: DevRedis, jobs: int) -> float:
    """Jobs per second of one run."""
    count = max(50, int(jobs * system.share))
    with tempfile.NamedTemporaryFile() as out:
        env = {
            **os.environ,
            **system.env,
            "REDIS_URL": server.url,
            "BENCH_OUT": out.name,
            "BENCH_JOBS": str(count),
        }

        server.empty()
        subprocess.run(system.fill, env=env, check=True, capture_output=True)
        worker = subprocess.Popen(system.work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while len(data := Path(out.name).read_bytes()) < count * 8:
                if worker.poll() is not None and len(Path(out.name).read_bytes()) < count * 8:
                    raise SystemExit(f"{system.name} left after {len(data) // 8} of {count} jobs")
                subprocess.run(["sleep", "0.05"], check=True)
        finally:
            worker.terminate()
            worker.wait(timeout=20)
    times = sorted(struct.unpack(f"<{len(data) // 8}d", data))
    return (len(times) - 1) / (times[-1] - times[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", help="names, separated by commas, of which a part is enough")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else [""]
    chosen = [system for system in systems() if any(part in system.name for part in parts)]
    rates: dict[str, list[float]] = {system.name: [] for system in chosen}
    with running() as server:
        for turn in range(options.repeat):
            for system in random.sample(chosen, len(chosen)):
                rates[system.name].append(rate(system, server, options.jobs))
            print(f"repetition {turn + 1} of {options.repeat} done", file=sys.stderr)
    base = rates[chosen[0].name]
    print(
        f"{'system':32} {'jobs/s':>8} {'x ' + chosen[0].name:>20}   (medians of {options.repeat}, least-most)"
    )
    for name, values in rates.items():
        ratios = [value / one for value, one in zip(values, base, strict=True)]
        print(
            f"{name:32} {statistics.median(values):8.0f} {statistics.median(ratios):20.2f}   "
            f"({min(ratios):.2f}-{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
