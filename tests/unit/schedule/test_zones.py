"""Time zones where the machine's own zone data has gaps, or is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

LEGACY = ["EST5EDT", "CET", "MET", "US/Pacific", "Asia/Calcutta"]
"""What Debian has moved to the package tzdata-legacy, which few machines have."""

CODE = """
import sys
from zoneinfo import TZPATH
from pyresque.active_job.arguments.zones import _rails_zones, rails_zone
from pyresque.scheduler import Cron
from pyresque.schedule.zones import find_zone
assert TZPATH == (sys.argv[1],), TZPATH
for name in sys.argv[2:]:
    assert find_zone(name)[1].key == name
    Cron(f"0 3 * * * {name}")
assert all(rails_zone(name) for name in _rails_zones())
"""


@pytest.mark.parametrize("own", [(), ("UTC", "Europe/Berlin")], ids=["no zones", "some zones"])
def test_zones_that_the_machine_lacks_come_from_the_package_tzdata(
    own: tuple[str, ...], tmp_path: Path
) -> None:
    """All that Ruby knows, for cron lines and for Active Job's zones alike."""
    for name in own:
        there = tmp_path / name
        there.parent.mkdir(exist_ok=True)
        there.write_bytes((resources.files("tzdata") / "zoneinfo" / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), *LEGACY],
        env={"PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
