"""The live Ruby of a test run: chosen once, used by all of its processes, told in its last line.

With pytest-xdist the tests run in several processes. They agree by a folder, the board: whoever needs Ruby
first chooses it there, the others read what was chosen, and the process that started the run gives it back.

The Ruby is chosen when the tests have been collected, not within a test: building an image takes longer
than any test may.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.interop import choice
from tests.interop.choice import Found

_ALSO = {"failed": "failed", "error": "errors", "skipped": "skipped"}


class Board:
    """Where the processes of a test run agree on a Ruby."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "chosen.json"

    def chosen(self) -> tuple[Found | None, list[str]] | None:
        """The Ruby that was chosen and the reasons; None where nobody needed one."""
        if not self._file.exists():
            return None
        found, reasons = json.loads(self._file.read_text())
        return (Found(**{**found, "command": tuple(found["command"])}) if found else None), reasons

    def choose(self) -> None:
        """Choose, unless another process has."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._file.exists():
                found, reasons = choice.choose()
                self._file.write_text(json.dumps([asdict(found) if found else None, reasons]))


class LiveRuby:
    """The hooks of one process of the run; `worker` says that another process has started it."""

    def __init__(self, board: Board, worker: bool) -> None:
        self.board = board
        self._worker = worker
        self._outcomes: Counter[str] = Counter()

    @pytest.hookimpl(optionalhook=True)  # of pytest-xdist
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["live_ruby_board"] = str(self.board.folder)

    @pytest.hookimpl(tryfirst=True)  # before -m deselects
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if "found_ruby" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.live_ruby)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        wanted = any(item.get_closest_marker("live_ruby") for item in session.items)
        if wanted and not session.config.option.collectonly:
            self.board.choose()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "live_ruby" not in report.keywords:
            return
        if report.when == "call" or (report.when == "setup" and report.skipped):
            self._outcomes[report.outcome] += 1
        elif report.failed:
            self._outcomes["error"] += 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # the very last line but for the counts
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        yield
        chosen = self.board.chosen()
        if chosen is not None:
            terminalreporter.write_line(self._told(*chosen))

    def pytest_unconfigure(self) -> None:
        if self._worker:
            return
        found, _ = self.board.chosen() or (None, [])
        if found is not None:
            choice.release(found)
        shutil.rmtree(self.board.folder, ignore_errors=True)

    def _told(self, found: Found | None, reasons: list[str]) -> str:
        ran = self._outcomes["passed"] + self._outcomes["failed"]
        counts = [f"{ran} cases ran, {self._outcomes['passed']} passed"]
        counts += [f"{self._outcomes[what]} {word}" for what, word in _ALSO.items() if self._outcomes[what]]
        what = f"live Ruby: {found.text}" if found else "live Ruby: none, only the recorded traces"
        why = f" [{'; '.join(reasons)}]" if reasons else ""
        return f"{what}: {', '.join(counts)}{why}"


def pytest_configure(config: pytest.Config) -> None:
    """Take part in a run, or begin one."""
    given = getattr(config, "workerinput", {}).get("live_ruby_board")
    board = Board(Path(given or tempfile.mkdtemp(prefix="pyresque-live-ruby-")))
    config.pluginmanager.register(LiveRuby(board, given is not None), "pyresque-live-ruby")


@pytest.fixture(scope="session")
def found_ruby(request: pytest.FixtureRequest) -> Found:
    """The Ruby of this run, in which Resque runs."""
    plugin: Any = request.config.pluginmanager.getplugin("pyresque-live-ruby")
    found, reasons = plugin.board.chosen()
    if found is None:
        # Who asks for a certain Ruby wants to hear that it is none.
        asked_for = os.environ.get("PYRESQUE_RUBY", "none") != "none"
        (pytest.fail if asked_for else pytest.skip)(f"no Ruby in which Resque runs: {'; '.join(reasons)}")
    return found
