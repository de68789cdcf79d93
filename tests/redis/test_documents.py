"""The Python of README.md and docs runs, on a real Redis, as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyresque.testing.redis_server import DevRedis
from tests.documents import DOCUMENTS, NOT_RUN, ROOT, Block, blocks
from tests.redis.document_runner import file_of

PYTHON = {
    name: found for name in DOCUMENTS if (found := [one for one in blocks(name) if one.language == "python"])
}

MODELS = """
from dataclasses import dataclass

class Session:
    def __enter__(self): return self
    def __exit__(self, *error): pass

@dataclass
class User:
    id: int

class Order(User): pass

@dataclass
class Money:
    amount: int
    currency: str
"""

THUMBNAIL = """
from pyresque import active_job

@active_job.job("ThumbnailJob", queue="images")
def thumbnail(photo, size="small", at=None): pass
"""

REASONS = {
    "docs/dashboard.md": ["it needs a project of Django's"],
    "docs/jobs.md": ["it needs Django"],
}
"""Which blocks are not run, and why: the marks of the documents once more, so that none comes in passing."""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application that the documents speak of: its jobs as the README has them, and its models."""
    folder = tmp_path_factory.mktemp("application")
    (folder / "app").mkdir()
    files = (("README.md", "app/jobs.py", THUMBNAIL), ("docs/tutorial.md", "jobs.py", ""))
    for document, name, more in files:
        [jobs] = [block for block in PYTHON[document] if file_of(block)]
        assert file_of(jobs) == name
        (folder / name).write_text(jobs.text + more, "utf-8")
    (folder / "app/models.py").write_text(MODELS, "utf-8")
    (folder / "a.csv").write_text("1,2\n", "utf-8")
    return folder


@pytest.mark.parametrize("document", PYTHON)
def test_the_python_of_a_document_runs(document: str, server: DevRedis, application: Path) -> None:
    """Every block that is not marked, in the order in which it is read."""
    server.empty()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.redis.document_runner", document, server.url],
        cwd=application,
        env={**os.environ, "PYTHONPATH": f"{application}{os.pathsep}{ROOT}", "PYRESQUE_REDIS": server.url},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert ran == [f"ran {block.line}" for block in PYTHON[document] if not block.not_run]


def test_what_is_not_run_has_a_reason() -> None:
    """Each mark stands above a block of Python and is counted here."""
    marked = {name: [one.not_run for one in found if one.not_run] for name, found in PYTHON.items()}
    assert {name: reasons for name, reasons in marked.items() if reasons} == REASONS
    lines = [line.strip() for name in DOCUMENTS for line in (ROOT / name).read_text("utf-8").splitlines()]
    assert sum(bool(NOT_RUN.fullmatch(line)) for line in lines) == sum(map(len, REASONS.values()))


def test_a_block_that_fails_is_told_with_its_line(server: DevRedis, application: Path) -> None:
    """The runner ends with the line of the document: a typing error in an example would be seen."""
    from tests.redis.document_runner import run

    with pytest.raises(NameError) as caught:
        run(Block("some.md", 40, "python", "x = 1\nresqeu.info()\n"), server.url, {})
    assert caught.traceback[-1].lineno + 1 == 42
