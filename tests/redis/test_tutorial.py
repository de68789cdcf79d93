"""docs/tutorial.md, played: its files are written into a new project, its commands are typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pyresque import Resque
from tests.documents import Block, blocks, commands
from tests.unit.cli.program import Program

BLOCKS = list(blocks("docs/tutorial.md"))


def only(language: str, text: str) -> Block:
    [found] = [block for block in BLOCKS if block.language == language and text in block.text]
    return found


def typed(text: str) -> list[list[str]]:
    """The commands of ours that the reader types, in order, without those that go on until they are ended."""
    found = [words[1:] for words in commands(text) if words[0] == "pyresque"]
    return [words for words in found if words != ["dev"]]


def test_the_tutorial(resque: Resque, program: Program, tmp_path: Path) -> None:
    """From an empty folder to a job that is tested, scheduled and tried again."""
    (program.folder / "jobs.py").unlink()
    shop = Program(tmp_path / "shop", program.url)
    shop.folder.mkdir()
    first, *later = [block for block in BLOCKS if block.language == "console"]
    assert typed(first.text) == [["init"]]
    assert shop.run("init").returncode == 0

    steps = [words for block in later for words in typed(block.text)]
    assert [words[0] for words in steps] == ["enqueue", "enqueue", "failed", "delayed", "enqueue", "schedule"]
    greet, load, failed, delayed, invoice, diff = steps
    for words in (greet, load):
        assert shop.run(*words).returncode == 0
    assert "Hello, Ada!" in shop.run("work", "--burst").stdout
    assert "FileNotFoundError" in shop.run(*failed).stdout
    assert "ImportFile" in shop.run(*delayed).stdout

    (shop.folder / "jobs.py").write_text(only("python", "# jobs.py").text)
    (shop.folder / "tests/test_jobs.py").write_text(only("python", "def test_").text)
    (shop.folder / "schedule.yml").write_text(only("yaml", "# schedule.yml").text)
    assert shop.run(*invoice).returncode == 0
    shop.run("work", "--burst")
    assert resque.is_delayed("SendInvoice", 1, "2026-11-30")
    (shop.folder / "outbox").mkdir()
    resque.enqueue_delayed("SendInvoice", 1, "2026-11-30")
    shop.run("work", "--burst")
    assert (shop.folder / "outbox/1.txt").read_text() == "invoice 1 of 30 November 2026"

    compared = shop.run(*diff)
    assert (compared.stdout.split(":")[0].split(), compared.returncode) == (["file", "count", "invoices"], 1)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=shop.folder, env=env, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr
