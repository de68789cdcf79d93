"""Importing the user's jobs, in a process of its own each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.program import JOBS, ROOT, Program, one_line


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path, "redis://localhost:1/0")


WORK = ("work", "-q", "*", "--start-timeout", "0")
NOWHERE = 4
"""What the exit code is once the import has gone well: no Redis listens on port 1."""


@pytest.mark.parametrize("word", ["app.jobs", "app/jobs.py", "./app/jobs.py", "{}/app/jobs.py"])
def test_ways_to_name_a_module(program: Program, word: str) -> None:
    """A module in the current folder is found by its name and by its file."""
    program.jobs(JOBS, "app/jobs.py")
    done = program.run(*WORK, "-r", word.format(program.folder))
    assert done.returncode == NOWHERE, done.stderr


def test_a_file_elsewhere_finds_its_neighbours(program: Program, tmp_path: Path) -> None:
    """A file outside of the current folder is imported with its own folder on the path."""
    program.jobs("import neighbour", "there/jobs.py")
    program.jobs("", "there/neighbour.py")
    program.folder = tmp_path / "here"
    program.folder.mkdir()
    assert program.run(*WORK, "-r", "../there/jobs.py").returncode == NOWHERE


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("import no_such_library", "No module named 'no_such_library'", ":1)"),
        ("x = 1\ndef broken(:\n", "SyntaxError: invalid syntax", ":2)"),
        ("def f():\n    raise RuntimeError('first')\nf()", "RuntimeError: first", ":2)"),
        ("raise SystemExit(0)", "SystemExit: 0", ":1)"),
        ("raise SystemExit", "SystemExit (", ":1)"),
        ("from pyresque import job\njob(name='')(5)", "InvalidJob", ":2)"),
    ],
)
def test_a_module_that_fails(program: Program, text: str, reason: str, place: str) -> None:
    """What a module raises is told in one line with file and line number, and the exit code is 3."""
    program.jobs(text)
    done = program.run(*WORK, "-r", "jobs")
    assert done.returncode == 3
    assert one_line(done.stderr)
    assert reason in done.stderr
    assert done.stderr.endswith(place + "\n")
    assert str(program.folder / "jobs.py") in done.stderr


SETTINGS = """
class ValidationError(ValueError):
    pass

def validate():
    text = "2 validation errors for Settings\\ndatabase_url\\n  Field required\\nport\\n  Not a number"
    raise ValidationError(text)
"""
REASONS = {
    "fields": (
        "import settings\n\nsettings.validate()\n",
        ["ValidationError: 2 validation errors for Settings (JOBS:3)",
         "database_url", "  Field required", "port", "  Not a number"],
    ),
    "causes": (
        "try:\n    try:\n        {}['x']\n"
        "    except KeyError as e:\n        raise LookupError('settings') from e\n"
        "except LookupError as e:\n    raise RuntimeError('boot failed') from e\n",
        ["RuntimeError: boot failed (JOBS:7)", "  caused by LookupError: settings (JOBS:5)",
         "  caused by KeyError: 'x' (JOBS:3)"],
    ),
    "a line in a library": (
        "import functools\nimport argparse\n\nargparse.ArgumentParser().add_argument('--x', action='nope')\n",
        ["ValueError: unknown action \"nope\" (JOBS:4)"],
    ),
    "notes": (
        "error = ValueError('first')\nerror.add_note('in line 17 of orders.csv')\nraise error\n",
        ["ValueError: first (JOBS:3)", "in line 17 of orders.csv"],
    ),
    "a group": (
        "raise ExceptionGroup('two', [ValueError('a'), KeyError('b')])\n",
        ["ExceptionGroup: two (2 sub-exceptions) (JOBS:1)",
         "  inside: ValueError: a", "  inside: KeyError: 'b'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), REASONS.values(), ids=REASONS)
def test_the_reason_is_told_with_all_that_led_to_it(program: Program, text: str, lines: list[str]) -> None:
    """Every line of the text, the causes, and the user's own line; settings that fail name their fields."""
    program.jobs(SETTINGS, "site-packages/settings.py")
    program.jobs(text)
    done = program.run(*WORK, "-r", "jobs", PYTHONPATH=f"{ROOT}:{program.folder / 'site-packages'}")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    jobs = str(program.folder / "jobs.py")
    assert done.stderr.splitlines() == [
        f"Error: cannot import jobs: {lines[0].replace('JOBS', jobs)}",
        *(line.replace("JOBS", jobs) for line in lines[1:]),
    ]


@pytest.mark.parametrize("word", ["jbos", "jobs.nothing", "jbos.py", "a b", "", ".", ".jobs", "jobs.py/x"])
def test_no_such_module(program: Program, word: str) -> None:
    """A mistyped module ends with exit code 3 and one line that names it."""
    program.jobs()
    done = program.run(*WORK, "-r", word)
    assert done.returncode == 3
    assert one_line(done.stderr)
    assert f"cannot import {word}:" in done.stderr


def test_a_file_with_a_taken_name(program: Program) -> None:
    """A file that is called like a module that is there already is not silently replaced by that."""
    program.jobs(JOBS, "logging.py")
    done = program.run(*WORK, "-r", "logging.py", PYTHONSAFEPATH="1")
    assert done.returncode == 3
    assert "another module is called logging" in done.stderr


def test_very_verbose_shows_the_traceback(program: Program) -> None:
    """With -vv the whole traceback is there for whoever looks for it."""
    program.jobs("1/0")
    done = program.run(*WORK, "-r", "jobs", "-vv")
    assert done.returncode == 3
    assert "Traceback" in done.stdout
