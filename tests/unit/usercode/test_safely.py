"""What is asked of objects of the user's: nothing that they do comes of it, but signals get through."""

import signal
import sys

import pytest

from pyresque.errors import SignalException, TermException
from pyresque.usercode.guards import by_signal
from pyresque.usercode.safely import cause_of, cut, flush_output, is_by_signal, text_of, tried
from tests.hostile import EXCEPTIONS, RESULTS, BadStream, BadText, Says, raising


@pytest.mark.parametrize("make", [*EXCEPTIONS.values(), *RESULTS.values()], ids=[*EXCEPTIONS, *RESULTS])
def test_anything_has_a_text(in_a_worker, make):
    """A plain one."""
    assert type(text_of(make())) is str


def test_the_text_of_a_text_is_its_own():
    """Whatever the class of it does."""
    assert text_of(BadText("bad")) == "bad"


def test_a_text_that_recurses_for_ever():
    """Is no crash of the process, however deep a job has allowed calls to be."""
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(10**6)
        assert text_of(EXCEPTIONS["recurses when shown"]()) == "(Says without readable text)"
        assert sys.getrecursionlimit() == 10**6
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("kind", [TermException, SignalException, KeyboardInterrupt])
def test_a_signal_gets_through(in_a_worker, kind):
    """What a signal handler raises in the middle of it is not taken for what the object raises."""
    assert text_of(Says(raising(kind("x")))) == "(Says without readable text)"
    with pytest.raises(kind):
        text_of(Says(raising(by_signal(kind("x")))))


def test_a_key_press_gets_through():
    """Where Python's own handler is in place, a KeyboardInterrupt is the user's Ctrl-C."""
    # A shell ignores it for what runs in its background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert is_by_signal(KeyboardInterrupt())
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_keyboard_interrupt_in_a_worker(in_a_worker):
    """Is one of the user's own, unless a handler of ours has raised it."""
    assert not is_by_signal(KeyboardInterrupt())
    assert is_by_signal(by_signal(KeyboardInterrupt()))


def test_what_is_tried_comes_as_values():
    """And whoever goes on is in no handler."""
    error = LookupError("x")
    assert tried(raising(error)) == (None, error)
    assert sys.exc_info() == (None, None, None)
    assert tried(lambda a, b: a + b, 1, 2) == (3, None)


def test_causes():
    """What Python shows: the cause, else the context unless that is hidden; never the error itself."""
    one, other = ValueError(), LookupError()
    one.__context__ = other
    assert cause_of(one) is other
    one.__suppress_context__ = True
    assert cause_of(one) is None
    one.__cause__ = one
    assert cause_of(one) is None
    assert cause_of(EXCEPTIONS["no trace"]()) is None


def test_long_texts_are_cut():
    """With their length told."""
    assert cut("abc", 3) == "abc"
    assert cut("x" * 1_000_000, 5) == "xxxxx... (1,000,000 characters)"


@pytest.mark.parametrize(
    "error", [OSError(), ValueError(), SystemExit(), KeyboardInterrupt(), GeneratorExit()]
)
def test_streams_are_flushed_as_far_as_that_goes(in_a_worker, monkeypatch, error):
    """One that cannot be flushed does not keep the other from it."""
    flushed = []
    monkeypatch.setattr(sys, "stdout", BadStream(error))
    monkeypatch.setattr(sys, "stderr", type("S", (), {"flush": lambda self: flushed.append(1)})())
    flush_output()
    assert flushed == [1]
    monkeypatch.setattr(sys, "stdout", None)
    flush_output()
    assert flushed == [1, 1]
