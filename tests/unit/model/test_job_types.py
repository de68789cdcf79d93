"""The types of the public API, as mypy sees them in a user's code."""

import re
import subprocess
import sys
from pathlib import Path

CALLS = Path(__file__).parents[1] / "typing/calls.py"
ROOT = Path(__file__).parents[3]


def test_mypy_refuses_exactly_the_wrong_calls(tmp_path):
    """`mypy --strict` over calls.py: an error on each line marked `# error`, and on no other."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",  # as a user's code is checked, and not as our tests are
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(tmp_path),
        str(CALLS),
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    refused = {int(line) for line in re.findall(r"calls\.py:(\d+): error", result.stdout)}
    lines = enumerate(CALLS.read_text("utf-8").splitlines(), 1)
    marked = {number for number, line in lines if line.endswith("# error")}
    assert (refused - marked, marked - refused) == (set(), set()), result.stdout
    elsewhere = [line for line in result.stdout.splitlines() if "error:" in line and "calls.py" not in line]
    assert elsewhere == []
