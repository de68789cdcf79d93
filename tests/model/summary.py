"""The last word of a run of tests: how much of the model was played."""

from __future__ import annotations

from typing import Any

PLAYED = "model"
"""A property of a test: how many runs of a world it has played, and how many moments they have."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what all tests have played, in whichever process that was."""
    reports = terminalreporter.getreports("passed")
    played = [value for report in reports for name, value in report.user_properties if name == PLAYED]
    if played:
        runs, moments = (sum(each) for each in zip(*played, strict=True))
        terminalreporter.write_line(f"model: {len(played)} worlds, {runs:,} runs, {moments:,} moments")
