"""`python -m pyresque` is the program."""

import subprocess
import sys

from pyresque import __version__


def test_it_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "pyresque", "--version"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"pyresque {__version__}\n", "")
