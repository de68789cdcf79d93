"""The question before anything that destroys or repeats."""

import io

import click
import pytest

from pyresque.cli.confirm import agreed, confirmed


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def answer(monkeypatch):
    """What stands on stdin, and whether somebody sits there."""

    def answer(text, terminal=False):
        monkeypatch.setattr("sys.stdin", (Terminal if terminal else io.StringIO)(text))

    return answer


def test_yes_asks_nothing(answer, capsys):
    answer("")
    assert confirmed("remove 3 failures", yes=True, dry_run=False) is True
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("yes", [False, True])
def test_a_dry_run_only_says_what_would_be_done(answer, capsys, yes):
    """Also with --yes: a dry run never does anything."""
    answer("y\n")
    assert confirmed("remove 3 failures (2 Pay\x1b, 1 Ma\nil)", yes=yes, dry_run=True) is False
    assert capsys.readouterr() == ("would remove 3 failures (2 Pay\\x1b, 1 Ma\\nil)\n", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_answer_decides(answer, capsys, terminal):
    """Of who sits at a terminal, or of a program that pipes it in; the question is on stderr."""
    answer("y\n", terminal)
    assert confirmed("remove 3 failures", yes=False, dry_run=False) is True
    out, err = capsys.readouterr()
    assert (out.strip(), err.startswith("Remove 3 failures? [y/N]")) == ("", True)  # click 8.1: a blank
    for text in ("n\n", "\n"):
        answer(text, terminal)
        with pytest.raises(click.Abort):
            confirmed("remove 3 failures", yes=False, dry_run=False)


def test_nobody_is_there(answer):
    """In cron or a container: nothing is done, and the error says what to add."""
    answer("")
    with pytest.raises(click.ClickException, match="nothing was done; --yes") as error:
        confirmed("remove 3 failures", yes=False, dry_run=False)
    assert error.value.exit_code == 1


def test_the_end_of_a_terminal(answer):
    """Ctrl-D is an answer: no."""
    answer("", terminal=True)
    with pytest.raises(click.Abort):
        confirmed("remove 3 failures", yes=False, dry_run=False)


def test_agreed(answer):
    """Yes, no, or nobody."""
    for text, said in (("y\n", True), ("n\n", False), ("", None)):
        answer(text)
        assert agreed("Really?") is said
