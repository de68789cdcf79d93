"""`pyresque completion`: a script for each shell, which completes commands and options."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyresque.cli.completion import SHELLS
from tests.unit.cli.in_process import run
from tests.unit.cli.program import ROOT, Program


@pytest.fixture
def shell_env(tmp_path: Path) -> dict[str, str]:
    """An environment in which the command `pyresque` is this one."""
    command = tmp_path / "bin/pyresque"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pyresque "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("wor", {"work"}),
        ("failed re", {"remove", "retry"}),
        ("work --requeue", {"--requeue-on-shutdown"}),
        ("completion ", set(SHELLS)),
        ("", {"work", "scheduler", "init"}),
    ],
)
def test_bash_completes(shell_env: dict[str, str], words: str, found: set[str]) -> None:
    """Commands, commands of commands, options, and words that are given."""
    script = f"""
    eval "$(pyresque completion bash)"
    COMP_WORDS=(pyresque {words} {'""' if words[-1:] in ("", " ") else ""})
    COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _pyresque_completion pyresque
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=shell_env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found <= set(done.stdout.split())
    assert all(word.startswith(words.split(" ")[-1]) for word in done.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(tmp_path: Path, shell: str) -> None:
    """The script is for this shell, and what it asks for is answered, whatever the settings are."""
    (tmp_path / "pyresque.toml").write_text("not toml")
    script = run("completion", shell).stdout
    assert f"_PYRESQUE_COMPLETE={shell}_complete" in script
    asked = {"COMP_WORDS": "pyresque work --dra", "COMP_CWORD": "--dra" if shell == "fish" else "2"}
    done = Program(tmp_path).run(_PYRESQUE_COMPLETE=f"{shell}_complete", **asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--drain" in done.stdout


def test_each_script_goes_through_its_own_shell() -> None:
    """Where that shell is there: it is read without an error."""
    for shell in SHELLS:
        if shutil.which(shell):
            script = run("completion", shell).stdout
            subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)
