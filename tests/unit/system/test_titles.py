"""Process titles: Ruby's `ps` must take ours for a worker's (docs/protocol/core.md#process-titles)."""

import re
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("prefix", "text", "title"),
    [
        ("", "Waiting for a,b", "pyresque-1.2.3: Waiting for a,b"),
        ("app ", "Paused", "app pyresque-1.2.3: Paused"),
        ("", "Waiting for resque-web", "pyresque-1.2.3: Waiting for resque web"),
        ("resque-web", "Processing é", "resque webpyresque-1.2.3: Processing é"),
    ],
)
def test_the_title_that_ps_shows(prefix, text, title):
    """In a process of its own: what /proc shows after `show`, and that the patterns of Ruby find it."""
    code = (
        "import sys; from pyresque.system.titles import Titles\n"
        "Titles('1.2.3', sys.argv[1]).show(sys.argv[2])\n"
        "sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read())"
    )
    result = subprocess.run([sys.executable, "-c", code, prefix, text], capture_output=True, check=True)
    shown = result.stdout.rstrip(b"\0").decode()
    assert shown == title
    assert re.search("resque-[0-9]", shown)
    assert "resque-web" not in shown
