"""Without real-time signals, as on macOS: a job hears that it is to end, and tells where it stands."""

import os
import subprocess
import sys

import pytest

JOBS = """
import os, pathlib, signal, time
from pyresque import JobTimeout, job

@job(queue="q", name="Heeds")
def heeds():
    time.sleep(600)

@job(queue="q", name="GoesOn")
def goes_on():
    while True:
        try:
            stands_here()
        except JobTimeout:
            pass

def stands_here():
    time.sleep(600)

@job(queue="q", name="IsKilled")
def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)
"""
PROGRAM = "import signal; del signal.SIGRTMIN, signal.SIGRTMAX; from pyresque.cli import main; main()"


@pytest.mark.parametrize("mode", [[], ["--jobs-per-fork", "2"], ["--no-fork"]])
def test_a_late_job(resque, server, tmp_path, mode):
    """With the signals that are left."""
    (tmp_path / "portable_jobs.py").write_text(JOBS)
    names = ["Heeds", "IsKilled", "GoesOn"] if "--no-fork" not in mode else ["Heeds", "GoesOn"]
    for name in names:
        resque.link.execute("RPUSH", "resque:queue:q", f'{{"class":"{name}","args":[]}}')
    words = [
        "work",
        "-q",
        "q",
        "-r",
        "portable_jobs",
        "--timeout",
        "0.3",
        "--timeout-grace",
        "0.3",
        "--burst",
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--redis", server.url, *words, *mode],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    records = {one.value["payload"]["class"]: one.value for one in resque.failures.list()}
    assert sorted(records) == sorted(names), done.stdout + done.stderr
    assert records["Heeds"]["exception"] == "pyresque.JobTimeout"
    assert records["GoesOn"]["exception"] == "Resque::DirtyExit"
    if "IsKilled" in records:
        assert "SIGKILL (signal 9)" in records["IsKilled"]["error"]
        assert "stands_here" in str(records["GoesOn"]["backtrace"])
