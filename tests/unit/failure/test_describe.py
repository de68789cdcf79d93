"""What a failure record says of an exception: its name, its text, its backtrace.

See docs/protocol/core.md#the-failure-record.
"""

import asyncio
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyresque
from pyresque import DontPerform, job
from pyresque.errors import (
    BackendError,
    DirtyExit,
    HookError,
    InvalidJob,
    MalformedPayload,
    NoQueueError,
    PruneDeadWorkerDirtyExit,
    ResqueError,
    SignalException,
    TermException,
    UnknownJobClass,
    WrongArguments,
)  # fmt: skip
from pyresque.failure.describe import backtrace_lines, error_message, error_name, whole_message
from pyresque.failure.shortening import LINES
from pyresque.model.perform import ReservedJob
from pyresque.usercode.guards import by_signal
from pyresque.wire.records import Payload
from tests.hostile import EXCEPTIONS

quickly = settings(deadline=None, derandomize=True, database=None, max_examples=200)


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
    [(ValueError("a"), "a"), (ValueError(), "ValueError"), (ValueError(""), ""),
     (ValueError(1, "b"), "(1, 'b')"), (KeyError("k"), "k"),
     (KeyError(1, 2), "(1, 2)"), (SystemExit(), "exit"), (SystemExit(2), "exit"), (SystemExit("why"), "why"),
     (SystemExit((1, "two")), "(1, 'two')"), (SystemExit(1, "two"), "(1, 'two')"),
     (SystemExit(ValueError("bad")), "bad"), (SystemExit([]), "[]"), (SystemExit(False), "exit"),
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


def test_the_whole_chain_of_causes_is_told(registry):
    """Down to the root, each with its text and its lines."""

    @job(name="J", registry=registry)
    def work(_):
        try:
            try:
                try:
                    inner()
                except ValueError as error:
                    raise KeyError("config") from error
            except KeyError as error:
                raise LookupError("settings") from error
        except LookupError as error:
            raise RuntimeError("boot failed") from error

    lines = backtrace_lines(failure_of(registry, 1))
    told = [line for line in lines if line.startswith("caused by")]
    assert told == [
        "caused by LookupError: settings",
        "caused by KeyError: config",
        "caused by ValueError: boom",
    ]
    assert lines[-2].endswith("in `inner'")
    assert len(lines) == 3 + 5


def test_what_is_in_a_group_is_told(registry):
    """Class, text and line stand in the text; the frames in the backtrace, groups in groups too."""

    @job(name="J", registry=registry)
    async def work(_):
        async def bad():
            inner()

        async with asyncio.TaskGroup() as group:
            group.create_task(bad())

    error = failure_of(registry, 1)
    first, second = whole_message(error).splitlines()
    assert first == error_message(error) == "unhandled errors in a TaskGroup (1 sub-exception)"
    assert re.fullmatch(rf"ValueError: boom \({__file__}:\d+\)", second)
    lines = backtrace_lines(error)
    place = lines.index("inside: ValueError: boom")
    assert lines[place + 1].endswith("in `inner'")

    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("k")]), ValueError("v")])
    assert whole_message(nested).splitlines() == [
        "outer (2 sub-exceptions)", "ExceptionGroup: inner (1 sub-exception)", "KeyError: k", "ValueError: v",
    ]  # fmt: skip


def test_notes_are_told():
    """Those of the error in its text, those of a cause with the cause."""
    error, cause = ValueError("bad"), KeyError("k")
    error.add_note("while reading line 17 of orders.csv")
    cause.add_note("in a hurry")
    error.__cause__ = cause
    assert whole_message(error) == "bad\nwhile reading line 17 of orders.csv"
    assert backtrace_lines(error) == ["caused by KeyError: k\nin a hurry"]


def test_a_chain_without_end_has_an_end():
    """A ring of causes is told once; of very many the first and the last, the root, are told."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    assert backtrace_lines(one) == ["caused by KeyError: other"]
    error = ValueError("root")
    for number in range(3_000):
        further = ValueError(f"{number}")
        further.__cause__ = error
        error = further
    lines = backtrace_lines(error)
    assert (lines[0], lines[-1]) == ("caused by ValueError: 2998", "caused by ValueError: root")
    assert "... 2,960 errors between them are left out ..." in lines
    many = ExceptionGroup("many", [ValueError(str(number)) for number in range(5_000)])
    assert len(backtrace_lines(many)) <= LINES
    assert "... 4,980 more are left out ..." in whole_message(many)


def test_notes_and_members_of_odd_classes():
    """Whatever stands under their names, nothing is raised."""

    class Odd(ExceptionGroup):
        @property
        def exceptions(self):
            raise SystemExit

        def __getattribute__(self, name):
            if name in ("__notes__", "__dict__"):
                raise SystemExit(name)
            return super().__getattribute__(name)

    odd = Odd("odd", [ValueError("v")])
    assert "ValueError: v" in whole_message(odd)
    plain = ValueError("x")
    plain.__notes__ = 5
    assert whole_message(plain) == "x"
    plain.__notes__ = [object(), "note"]
    assert whole_message(plain).endswith("\nnote")


def test_an_error_without_traceback_has_no_lines():
    """As the dirty exits, which nobody raised."""
    assert backtrace_lines(DirtyExit("x")) == []


@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_whatever_an_exception_does(in_a_worker, make):
    """There are a name, a text and not too many lines, all of them plain texts."""
    try:
        raise make()
    except BaseException as raised:
        error = raised
    name, message, lines = error_name(error), error_message(error), backtrace_lines(error)
    assert [type(one) for one in (name, message, *lines)] == [str] * (2 + len(lines))
    assert name
    assert len(lines) <= LINES
    assert any("test_whatever_an_exception_does" in line for line in lines)


@quickly
@given(st.text(), st.text(min_size=1), st.integers(0, 3))
def test_any_text_and_name(text, name, causes):
    """What is short is told as it is."""
    kind = type("Named", (ResqueError,), {"ruby_name": name})
    error = kind(text)
    for _ in range(causes):
        error.__cause__ = kind(text)
    assert (error_name(error), error_message(error)) == (name, text)
    assert backtrace_lines(error) == ([f"caused by {name}: {text}"] if causes else [])


def test_a_long_backtrace_is_cut():
    """The inner end tells most; what is left out between the ends is told."""
    lines = backtrace_lines(EXCEPTIONS["deep trace"]())
    assert len(lines) == LINES
    assert lines[0] == "deep.py:3:in `f'"
    assert lines[-1].endswith("in `deep'")
    [told] = [line for line in lines if "left out" in line]
    assert (told, lines.index(told)) == ("... 19,003 lines are left out ...", 749)


def test_a_signal_has_the_text_that_it_has_in_ruby():
    """Interrupt comes with an empty one, and is named where the job itself raises it.

    See docs/protocol/core.md#signals.
    """
    assert error_message(by_signal(KeyboardInterrupt())) == ""
    assert error_message(by_signal(TermException("SIGTERM"))) == "SIGTERM"


def test_files_beside_the_library_are_the_users(registry):
    """Only what lies in our folder is ours, not what is called like it."""
    beside = str(Path(pyresque.__file__).parent) + "_jobs.py"
    space = {}
    exec(compile("def work(): raise ValueError('x')", beside, "exec"), space)
    job(name="J", registry=registry)(space["work"])
    assert backtrace_lines(failure_of(registry)) == [f"{beside}:1:in `work'"]


def test_an_error_that_was_passed_over_shows_where():
    """One that we have raised into the user's code, and that came no further than that."""
    try:
        job("no queue")
    except InvalidJob as raised:
        error = raised
    assert backtrace_lines(error)[-1].endswith("in `test_an_error_that_was_passed_over_shows_where'")
