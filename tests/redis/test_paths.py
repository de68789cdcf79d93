"""How short the ways of a job are: functions and files that it passes through (benchmarks/paths.py).

Counted in a process of its own: where an application has loaded asyncio, a worker looks after its loop, too.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.paths import LIMITS

COUNT = """
import json, sys
from benchmarks.paths import measured
found = measured(sys.argv[1]).items()
print(json.dumps({name: [[*map(list, path.functions)], path.decoded] for name, path in found}))
"""


@pytest.fixture(scope="module")
def paths(server):
    done = subprocess.run(
        [sys.executable, "-c", COUNT, server.url],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", LIMITS)
def test_a_way_stays_short(paths, name):
    calls, _ = paths[name]
    functions, files = LIMITS[name]
    shown = "\n".join(f"{file} {function}" for file, function in calls)
    assert len(calls) <= functions, shown
    assert len({file for file, _ in calls}) <= files, shown


def test_nothing_is_decoded_on_its_way_to_redis(paths):
    """What was encoded for Redis is what is sent."""
    decoded = {name: times for name, (_, times) in paths.items() if name != "a job worked, no fork"}
    assert decoded == {"enqueue": 0, "enqueue_in": 0, "active_job.enqueue": 0}
