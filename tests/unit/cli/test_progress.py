"""The line that says how far a long work is."""

import io

import pytest

from pyresque.cli import progress
from pyresque.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setattr(progress, "_AFTER", 0)
    monkeypatch.setattr(progress, "_EVERY", 0)
    screen = Terminal()

    def shown(work):
        """What stands on the screen after it. (Between the phases of a test pytest sets sys.stderr anew.)"""
        monkeypatch.setattr("sys.stderr", screen)
        work()
        return screen.getvalue()

    return shown


def test_it_counts_on_a_terminal_and_leaves_nothing(screen):
    def work():
        with Progress("removing", "failures", 8000) as told:
            told(500)
            told(8000)

    assert screen(work) == (
        "\rremoving 500 of 8000 failures\rremoving 8000 of 8000 failures\r" + " " * 30 + "\r"
    )


def test_without_a_total(screen):
    def work():
        with Progress("removing", "failures") as told:
            told(500)

    assert screen(work).startswith("\rremoving 500 failures\r")


def test_it_is_silent_where_nobody_looks(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(progress, "_AFTER", 0)
    monkeypatch.setattr("sys.stderr", pipe)
    with Progress("removing", "failures", 8000) as told:
        told(500)
    assert pipe.getvalue() == ""


def test_what_is_done_at_once_needs_no_line(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(progress, "_AFTER", 3600)
    monkeypatch.setattr("sys.stderr", screen)
    with Progress("removing", "failures", 8000) as told:
        told(500)
    assert screen.getvalue() == ""


def fails():
    with Progress("removing", "failures") as told:
        told(1)
        raise ValueError("no")


def test_it_is_gone_when_the_work_fails(screen):
    def work():
        with pytest.raises(ValueError, match="no"):
            fails()

    assert screen(work).endswith(" \r")
