"""A reserved job: its hooks in Ruby's order and semantics (docs/protocol/core.md#job-hooks)."""

import asyncio
import json

import pytest

from pyresque import DontPerform, job
from pyresque.errors import (
    DirtyExit,
    HookError,
    TermException,
    UnknownJobClass,
    WrongArguments,
)  # fmt: skip
from pyresque.failure.describe import backtrace_lines, error_message, error_name
from pyresque.model.perform import ReservedJob
from pyresque.wire.records import JOB_WRAPPER, Payload


@pytest.fixture
def seen():
    return []


def reserved(registry, name="J", args=(1,)):
    raw = json.dumps({"class": name, "args": list(args)}).encode()
    return ReservedJob.of("q", Payload.parse(raw), registry)


def add_hooked(registry, seen, **raising):
    """Register a class J that has two hooks of each kind; `raising` names those that raise, and what."""

    def step(name):
        seen.append(name)
        if name in raising:
            raise raising[name]

    @job(name="J", registry=registry)
    class J:
        def perform(self, number):
            step("perform")

        def around_perform_a(self, number):
            step("around_a")
            yield
            step("around_a_after")

        def around_perform_b(self, number, run):
            step("around_b")
            run()
            step("around_b_after")

    for kind in ("before_perform", "after_perform", "on_failure", "always"):
        for name in (f"{kind}_a", f"{kind}_b"):
            setattr(J, name, lambda self, *args, name=name: step(name))
    return J


ALL = [
    "before_perform_a", "before_perform_b", "around_a", "around_b", "perform", "around_b_after",
    "around_a_after",
    "after_perform_a", "after_perform_b", "always_a", "always_b",
]  # fmt: skip


def test_the_order_of_a_success(registry, seen):
    """before, around from the outside in, perform, out again, after, always; by name within each kind."""
    add_hooked(registry, seen)
    assert reserved(registry).run() is None
    assert seen == ALL


@pytest.mark.parametrize(
    "place",
    ["before_perform_a", "before_perform_b", "around_a", "around_b", "perform", "around_b_after",
    "around_a_after",
     "after_perform_a", "after_perform_b"],
)  # fmt: skip
def test_the_order_of_a_failure(registry, seen, place):
    """Whatever raises before always: the steps behind it are skipped, then on_failure and always run."""
    error = LookupError("boom")
    add_hooked(registry, seen, **{place: error})
    assert reserved(registry).run() is error
    assert seen == [*ALL[: ALL.index(place) + 1], "on_failure_a", "on_failure_b", "always_a", "always_b"]


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), TermException("SIGTERM"), GeneratorExit()]
)
def test_everything_that_ends_a_job_is_its_failure(registry, seen, error):
    """Exits and signals are failures like exceptions."""
    add_hooked(registry, seen, perform=error)
    assert reserved(registry).run() is error
    assert seen[-4:] == ["on_failure_a", "on_failure_b", "always_a", "always_b"]


class Deferred(DontPerform):
    """A subclass, as users make them."""


@pytest.mark.parametrize("error", [DontPerform(), Deferred("later")])
def test_dont_perform_in_a_before_hook(registry, seen, error):
    """The job ends there without a failure; only always runs."""
    add_hooked(registry, seen, before_perform_a=error)
    assert reserved(registry).run() is None
    assert seen == ["before_perform_a", "always_a", "always_b"]


@pytest.mark.parametrize("place", ["around_a", "around_b", "perform", "after_perform_a"])
def test_dont_perform_elsewhere_is_a_failure(registry, seen, place):
    """Only a before hook may say so."""
    error = DontPerform()
    add_hooked(registry, seen, **{place: error})
    assert reserved(registry).run() is error


def test_an_around_hook_that_skips_the_job(registry, seen):
    """perform is not run, but after_perform is, and the job is fine."""

    @job(name="J", registry=registry)
    class J:
        def perform(self):
            seen.append("perform")

        def around_perform(self, run):
            seen.append("around")

        def after_perform(self):
            seen.append("after")

    assert reserved(registry, args=()).run() is None
    assert seen == ["around", "after"]


def additional(where, name="LookupError", first="ValueError: boom"):
    return (
        f"Additional error ({name}: second) occurred in running {where} for job (Job{{q}} | J | [1])\n"
        f"Original error that caused job failure was {name}: {first}"
    )


def test_an_on_failure_hook_that_raises(registry, seen):
    """The rest of them are skipped; the record is the wrapping RuntimeError with both texts; always runs."""
    add_hooked(registry, seen, perform=ValueError("boom"), on_failure_a=LookupError("second"))
    error = reserved(registry).run()
    assert (error_name(error), error_message(error)) == ("RuntimeError", additional("failure hooks"))
    assert backtrace_lines(error) == []
    assert seen[-3:] == ["on_failure_a", "always_a", "always_b"]


def test_an_always_hook_that_raises_after_a_success(registry, seen):
    """An ordinary failure: on_failure runs after it, always not again."""
    error = LookupError("second")
    add_hooked(registry, seen, always_a=error)
    assert reserved(registry).run() is error
    assert seen == [*ALL[:-1], "on_failure_a", "on_failure_b"]


def test_an_always_hook_that_raises_after_dont_perform(registry, seen):
    """The same: the stopped job has failed now."""
    error = LookupError("second")
    add_hooked(registry, seen, before_perform_a=DontPerform(), always_a=error)
    assert reserved(registry).run() is error
    assert seen == ["before_perform_a", "always_a", "on_failure_a", "on_failure_b"]


def test_an_always_hook_that_raises_after_a_failure(registry, seen):
    """The wrapping error; on_failure has run already and does not again."""
    add_hooked(registry, seen, perform=ValueError("boom"), always_a=LookupError("second"))
    error = reserved(registry).run()
    assert (error_name(error), error_message(error)) == ("RuntimeError", additional("always hooks"))
    assert seen[-3:] == ["on_failure_a", "on_failure_b", "always_a"]


def test_on_failure_and_always_that_both_raise(registry, seen):
    """The second wrapping names the first as the error that was on its way."""
    add_hooked(
        registry,
        seen,
        perform=ValueError("boom"),
        on_failure_a=LookupError("second"),
        always_a=LookupError("second"),
    )
    error = reserved(registry).run()
    first = "RuntimeError: " + additional("failure hooks")
    assert error_message(error) == additional("always hooks", first=first)


def test_on_failure_with_the_wrong_number_of_parameters(registry, seen):
    """Counts as raising."""

    @job(name="J", registry=registry)
    class J:
        def perform(self, number):
            raise ValueError("boom")

        def on_failure(self):
            seen.append("never")

    error = reserved(registry).run()
    assert isinstance(error, HookError)
    assert "TypeError" in str(error)
    assert seen == []


def test_hooks_get_the_arguments_of_the_wire(registry, seen):
    """on_failure gets the exception first; all others the arguments."""

    @job(name="J", registry=registry)
    class J:
        def perform(self, *args):
            raise ValueError("boom")

        def before_perform(self, *args):
            seen.append(args)

        def on_failure(self, error, *args):
            seen.append((str(error), *args))

        def always(self, *args):
            seen.append(args)

    reserved(registry, args=(1, [2], {"a": None})).run()
    assert seen == [(1, [2], {"a": None}), ("boom", 1, [2], {"a": None}), (1, [2], {"a": None})]


def test_async_hooks_and_jobs(registry, seen):
    """Every hook but around_perform may be `async def`."""

    @job(name="J", registry=registry)
    class J:
        async def perform(self, number):
            seen.append("perform")

        async def before_perform(self, number):
            seen.append("before")

        async def after_perform(self, number):
            seen.append("after")

        async def always(self, number):
            seen.append("always")

    assert reserved(registry).run() is None
    assert seen == ["before", "perform", "after", "always"]


def test_arguments_that_do_not_fit(registry, seen):
    """The function is not called; on_failure and always run as for any failure."""

    @job(name="J", registry=registry)
    class J:
        def perform(self, number: int):
            seen.append("perform")

        def on_failure(self, error, *args):
            seen.append(type(error))

    assert isinstance(reserved(registry, args=("x",)).run(), WrongArguments)
    assert seen == [WrongArguments]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("args", [("x",), (), (1, 2)])
def test_hooks_around_a_job_see_arguments_that_do_not_fit(registry, seen, is_async, args):
    """As in Ruby: everything before `perform` has run then, and what is behind `yield` sees the error."""

    @job(name="J", registry=registry)
    class J:
        def perform(self, number: int):
            seen.append("perform")

        def before_perform(self, *args):
            seen.append("before")

        def around_perform_a(self, *args):
            seen.append("a")
            try:
                yield
            finally:
                seen.append("a after")

        def around_perform_b(self, *args_and_run):
            seen.append("b")
            try:
                args_and_run[-1]()
            except WrongArguments:
                seen.append("b sees it")
                raise
            seen.append("b after")

        def after_perform(self, *args):
            seen.append("after")

        def on_failure(self, error, *args):
            seen.append(type(error))

        def always(self, *args):
            seen.append("always")

    job_in_hand = reserved(registry, args=args)
    error = asyncio.run(job_in_hand.run_async(lambda error: error)) if is_async else job_in_hand.run()
    assert isinstance(error, WrongArguments)
    assert seen == ["before", "a", "b", "b sees it", "a after", WrongArguments, "always"]


def test_a_hook_around_a_job_may_take_care_of_wrong_arguments(registry, seen):
    """It is about what Ruby's is about: the whole of the job."""

    @job(name="J", registry=registry)
    class J:
        def perform(self, number: int): ...

        def around_perform(self, *args):
            try:
                yield
            except WrongArguments:
                seen.append("taken care of")

        def after_perform(self, *args):
            seen.append("after")

    assert reserved(registry, args=("x",)).run() is None
    assert seen == ["taken care of", "after"]


def test_a_class_that_nobody_registered(registry):
    """A failure of Ruby's name and beginning, that says what to do."""
    error = reserved(registry, "::A::B").run()
    assert error_name(error) == "NameError"
    assert error_message(error) == "uninitialized constant A::B: no @job with this name is registered"
    assert isinstance(reserved(registry, "").run(), UnknownJobClass)


def test_after_failure_runs_the_hooks_once(registry, seen):
    """For what happened to the job from outside: a dirty exit, a pruned worker."""
    add_hooked(registry, seen)
    error = DirtyExit("gone")
    assert reserved(registry).after_failure(error) is error
    assert seen == ["on_failure_a", "on_failure_b"]
    assert reserved(registry, "Unknown").after_failure(error) is error


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "[]"),
        ([1, "a", None, True, 1.0, {"a": [2]}], '[1, "a", nil, true, 1.0, {"a"=>[2]}]'),
        (["é\n#{x}"], '["é\\n\\#{x}"]'),
    ],
)
def test_a_job_as_ruby_shows_it(registry, args, text):
    """The form in the texts of hook errors: Ruby's inspect of the arguments."""
    assert reserved(registry, "J", args).as_in_ruby() == f"(Job{{q}} | J | {text})"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"class": "J", "args": [1, "a", None, True, {"a": [2]}]}, "J(1, 'a', None, True, {'a': [2]}) on q"),
        ({"class": "J"}, "J(None) on q"),
        ({"args": 5}, "(no class)(5) on q"),
        ({"class": "J", "args": ["x" * 9_000, 1]}, "J('" + "x" * 1_498 + "...) on q"),
        (
            {"class": JOB_WRAPPER, "args": [{"job_class": "Users::Mail", "arguments": [
                {"_aj_globalid": "gid://app/User/5"}, {"lang": "de", "_aj_symbol_keys": ["lang"]},
            ]}]},
            "Users::Mail('gid://app/User/5', {'lang': 'de'}) on q",
        ),
        ({"class": "J", "args": [[object(), 10**9000, float("nan")]]}, "J([<object>, <int>, nan]) on q"),
    ],
)  # fmt: skip
def test_a_job_as_the_log_shows_it(registry, payload, text):
    """As a call in Python; an Active Job by its own class and arguments; no value is asked for its text."""
    assert str(ReservedJob.of("q", Payload(b"", payload), registry)) == text
