"""What a failure record says of an exception: its name, its text, its backtrace (core.md 11, 14.1)."""

import json
import re

import pytest

from pyresque import DontPerform, job
from pyresque.errors import (
    BackendError,
    DirtyExit,
    HookError,
    MalformedPayload,
    NoQueueError,
    PruneDeadWorkerDirtyExit,
    SignalException,
    TermException,
    UnknownJobClass,
    WrongArguments,
)  # fmt: skip
from pyresque.failure.describe import backtrace_lines, error_message, error_name
from pyresque.perform import ReservedJob
from pyresque.wire.records import Payload


class Deferred(DontPerform):
    """A subclass, as users make them."""


class Custom(Exception):
    class Inner(Exception): ...


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError(), "ValueError"), (KeyboardInterrupt(), "Interrupt"), (SystemExit(), "SystemExit"),
        (json.JSONDecodeError("", "", 0), "json.decoder.JSONDecodeError"), (Custom(), f"{__name__}.Custom"),
        (Custom.Inner(), f"{__name__}.Custom.Inner"), (DirtyExit(), "Resque::DirtyExit"),
        (PruneDeadWorkerDirtyExit(), "Resque::PruneDeadWorkerDirtyExit"),
        (TermException(), "Resque::TermException"),
        (SignalException(), "SignalException"), (DontPerform(), "Resque::Job::DontPerform"),
        (Deferred(), "Resque::Job::DontPerform"), (BackendError(), "Resque::Failure::Multiple::BackendError"),
        (HookError(), "RuntimeError"), (WrongArguments(), "ArgumentError"), (UnknownJobClass(), "NameError"),
        (NoQueueError(), "Resque::NoQueueError"), (MalformedPayload(), "Resque::Helpers::DecodeException"),
    ],
)  # fmt: skip
def test_names_of_exceptions(error, name):
    """Ruby's name for what Ruby knows, the Python name with its module for the rest."""
    assert error_name(error) == name


@pytest.mark.parametrize(
    ("error", "text"),
    [(ValueError("a"), "a"), (ValueError(), ""), (ValueError(1, "b"), "(1, 'b')"), (KeyError("k"), "k"),
     (KeyError(1, 2), "(1, 2)"), (SystemExit(), "exit"), (SystemExit(2), "exit"), (SystemExit("why"), "exit"),
     (DontPerform(), "Resque::Job::DontPerform"), (DontPerform("why"), "why"),
     (OSError(2, "No"), "[Errno 2] No")],
)  # fmt: skip
def test_texts_of_exceptions(error, text):
    """What a reader of the record needs; never an empty one where Ruby has none."""
    assert error_message(error) == text


def test_a_text_that_cannot_be_had():
    """Whatever `__str__` does, there is a text."""

    class Nasty(Exception):
        def __str__(self):
            raise LookupError

    assert error_message(Nasty()) == "(Nasty without readable text)"


def failure_of(registry, *args):
    """What the job J has failed with."""
    raw = json.dumps({"class": "J", "args": args}).encode()
    return ReservedJob.of("q", Payload.parse(raw), registry).run()


def inner():
    raise ValueError("boom")


def test_a_backtrace_is_ruby_s_form_without_our_frames(registry):
    """Innermost first, `file:line:in `function'`, from the job's function on."""

    @job(name="J", registry=registry)
    def work(number):
        inner()

    lines = backtrace_lines(failure_of(registry, "plain"))
    assert [re.sub(r":\d+:", ":N:", line) for line in lines] == [
        f"{__file__}:N:in `inner'",
        f"{__file__}:N:in `work'",
    ]


def test_a_backtrace_tells_the_cause(registry):
    """The cause stands below, with its own lines; `from None` hides it."""

    @job(name="J", registry=registry)
    def work(how):
        try:
            inner()
        except ValueError as error:
            if how == "hidden":
                raise LookupError("second") from None
            raise LookupError("second") from error

    lines = backtrace_lines(failure_of(registry, "told"))
    assert lines[1] == "caused by ValueError: boom"
    assert len(lines) == 4
    assert len(backtrace_lines(failure_of(registry, "hidden"))) == 1


def test_an_error_without_traceback_has_no_lines():
    """As the dirty exits, which nobody raised."""
    assert backtrace_lines(DirtyExit("x")) == []
