"""The Makefile: `make` lists every target, and each does what it says even if a file has its name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Makefile").read_text("utf-8")
RULES = re.findall(r"^([^\s#.:=][^:=]*):(?!=)(.*)$", TEXT, re.MULTILINE)
TARGETS = {name: rest for names, rest in RULES for name in names.split() if not name.startswith("$")}


def phony() -> set[str]:
    """What .PHONY lists."""
    return {name for names in re.findall(r"^\.PHONY:(.*)$", TEXT, re.MULTILINE) for name in names.split()}


def test_the_targets_are_found() -> None:
    """Else the tests below would claim nothing."""
    assert {"help", "test", "lowest", "newest"} <= set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_a_text(target: str) -> None:
    """`##` and what it does."""
    assert re.search(r" ## \S", TARGETS[target]), f"make {target} is not explained"


def test_every_target_that_is_no_file_is_phony() -> None:
    """Else make says that there is nothing to be done, once a file or folder has its name."""
    assert phony() == set(TARGETS)


def run(*words: str) -> str:
    """What make prints."""
    return subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_lists_every_target() -> None:
    """`make` alone is `make help`, and prints each target with its text."""
    listed = run()
    assert run("help") == listed
    for target, rest in TARGETS.items():
        [line] = [line for line in listed.splitlines() if target in line.split("  ")[0].split()]
        assert line.endswith(rest.partition("## ")[2])


def test_the_tests_for_other_versions_are_there():
    """`.ci/versions` names files of tests: one that has moved would end it."""
    script = (ROOT / ".ci/versions").read_text()
    command = (
        script[script.index("ours=(") :].replace("exec ", "echo ").replace('"$venv/bin/python"', "python")
    )
    words = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=True, text=True, cwd=ROOT
    ).stdout.split()
    named = [word.removeprefix("--ignore=") for word in words if "tests/" in word]
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
