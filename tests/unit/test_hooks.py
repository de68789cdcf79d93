"""Hooks: which are found, in which order, and how they are called (docs/protocol/core.md#job-hooks)."""

import asyncio
import contextlib
import functools
import re
from pathlib import Path

import pytest

from pyresque import hooks
from pyresque.hooks import JOB_HOOKS, SCHEDULE_HOOKS, WorkerHooks, call, call_around, job_hooks, worker_hooks


def names(source, kind):
    return [hook.__name__ for hook in job_hooks([source], kind)]


def test_a_method_is_a_hook_if_its_name_begins_so():
    """`before_performance` is a before_perform hook; `always` and `alwaysish` are always hooks."""

    class Job:
        def before_perform(self): ...
        def before_performance(self): ...
        def before_perform_a(self): ...
        def before_enqueue_a(self): ...
        def _before_perform(self): ...
        def alwaysish(self): ...
        def always(self): ...

        before_perform_data = 5

    assert names(Job(), "before_perform") == ["before_perform", "before_perform_a", "before_performance"]
    assert names(Job(), "always") == ["always", "alwaysish"]
    assert names(Job(), "on_failure") == []


def test_the_order_is_that_of_the_bytes_of_the_names():
    """Whoever defined them: the class, its bases, plugins; the bare name first."""

    class Base:
        def after_perform_b(self): ...
        def after_perform(self): ...

    class Job(Base):
        def after_perform_é(self): ...
        def after_perform_Z(self): ...
        def after_perform_a(self): ...

    class Plugin:
        def after_perform_aa(self): ...

    found = [hook.__name__ for hook in job_hooks([Job(), Plugin()], "after_perform")]
    assert found == [
        "after_perform", "after_perform_Z", "after_perform_a", "after_perform_aa", "after_perform_b",
        "after_perform_é",
    ]  # fmt: skip


def test_hooks_of_the_same_name_all_count():
    """A plugin's hook does not hide the class's own of that name; the class comes first."""

    class Job:
        def always(self):
            return "own"

    class Plugin:
        def always(self):
            return "plugin"

    assert [hook() for hook in job_hooks([Job(), Plugin(), Plugin()], "always")] == [
        "own",
        "plugin",
        "plugin",
    ]


def test_a_method_named_hooks_limits_them():
    """Only the names that it returns are considered, and only for its own object."""

    class Job:
        @staticmethod
        def hooks():
            return ["always_listed", "before_perform", "nothing_such"]

        def always_listed(self): ...
        def always_hidden(self): ...

    class Plugin:
        def always_plugin(self): ...

    assert [hook.__name__ for hook in job_hooks([Job(), Plugin()], "always")] == [
        "always_listed",
        "always_plugin",
    ]


def test_no_kind_of_job_hook_begins_with_another():
    """Else one method would be two kinds of hook."""
    kinds = JOB_HOOKS + SCHEDULE_HOOKS
    assert [(a, b) for a in kinds for b in kinds if a != b and a.startswith(b)] == []


def test_there_is_one_list_of_all_hooks():
    """Every name of a hook that the code uses is in it, and the text for users tells of each."""
    known = {*JOB_HOOKS, *SCHEDULE_HOOKS, *WorkerHooks.KINDS}
    folder = Path(hooks.__file__).parent
    ours = [path for path in folder.rglob("*.py") if "active_job" not in path.parts]
    used = {
        name for path in ours for name in re.findall(r'"((?:before|after|around)_[a-z_]+)"', path.read_text())
    }
    assert used <= known
    assert [name for name in known if name not in hooks.__doc__] == []
    page = (folder.parent / "docs/jobs.md").read_text()
    assert [name for name in known if f"`{name}`" not in page] == []


@pytest.mark.parametrize("kind", WorkerHooks.KINDS)
def test_an_async_worker_hook_runs(kind):
    """Its coroutine is run to its end, and what it raises comes up."""
    seen = []

    async def hook(*args):
        await asyncio.sleep(0)
        seen.append(args)

    async def fails(*args):
        await asyncio.sleep(0)
        raise LookupError(kind)

    mine = WorkerHooks()
    mine.add(kind, hook)
    mine.run(kind, 1)
    mine.run_safely(kind)
    assert seen == [(1,), ()]
    mine.add(kind, fails)
    with pytest.raises(LookupError, match=kind):
        mine.run(kind)


def test_call_runs_async_functions_to_their_end():
    """An `async def` hook or job is awaited; a plain one just called; both give their result."""

    async def later(a, b):
        await asyncio.sleep(0)
        return a + b

    async def fails():
        raise LookupError("x")

    assert call(later, 1, 2) == call(lambda a, b: a + b, 1, 2) == 3
    assert call(functools.partial(later, 1), 2) == 3
    with pytest.raises(LookupError):
        call(fails)


# --- around_perform --------------------------------------------------------------------------------


def runs(hook, inner=None):
    """What happens, in order, when a hook is called around a job."""
    seen = []

    def body():
        seen.append("job")
        if inner:
            raise inner

    call_around(hook(seen), ["arg"], body)
    return seen


def yielding(seen):
    def around(arg):
        seen.append(f"before {arg}")
        yield
        seen.append("after")

    return around


def calling(seen):
    def around(arg, job):
        seen.append(f"before {arg}")
        job()
        seen.append("after")

    return around


def skipping_generator(seen):
    def around(arg):
        if seen:
            yield

    return around


@pytest.mark.parametrize("hook", [yielding, calling])
def test_both_forms_of_an_around_hook(hook):
    """A generator that yields, or a function that takes the job behind the arguments."""
    assert runs(hook) == ["before arg", "job", "after"]


@pytest.mark.parametrize("hook", [lambda seen: lambda arg, job: None, skipping_generator])
def test_an_around_hook_may_skip_the_job(hook):
    """It does not yield, or does not call: the job is not run, and that is not an error."""
    assert runs(hook) == []


@pytest.mark.parametrize("hook", [yielding, calling])
def test_an_exception_of_the_job_goes_through(hook):
    """The hook that does not catch it is left by it, traceback and all."""
    error = LookupError("boom")
    with pytest.raises(LookupError) as caught:
        runs(hook, error)
    assert caught.value is error


def catching_generator(seen):
    def around(arg):
        try:
            yield
        except LookupError:
            seen.append("caught")

    return around


def catching_function(seen):
    def around(arg, job):
        try:
            job()
        except LookupError:
            seen.append("caught")

    return around


@pytest.mark.parametrize("hook", [catching_generator, catching_function])
def test_an_around_hook_may_catch_the_exception(hook):
    """Then the job has not failed."""
    assert runs(hook, LookupError("boom")) == ["job", "caught"]


def test_an_around_hook_may_raise_another_exception():
    """The new one is the failure, with the first as its context."""

    def replacing(seen):
        def around(arg):
            try:
                yield
            except LookupError as error:
                raise ValueError("instead") from error

        return around

    with pytest.raises(ValueError, match="instead") as caught:
        runs(replacing, LookupError("boom"))
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("error", [None, LookupError("boom")])
def test_an_around_hook_must_not_yield_twice(error):
    """A job runs once: a second yield is an error."""

    def twice(seen):
        def around(arg):
            with contextlib.suppress(LookupError):
                yield
            yield

        return around

    with pytest.raises(RuntimeError, match="yields more than once"):
        runs(twice, error)


def test_stop_iteration_of_the_job_is_its_failure():
    """An exception that generators treat in their own way is not swallowed."""
    with pytest.raises((StopIteration, RuntimeError)):
        runs(yielding, StopIteration("odd"))


# --- worker hooks ----------------------------------------------------------------------------------


def test_worker_hooks_run_in_order_of_registration():
    """All of a kind with their arguments; the first exception ends it."""
    registered, seen = WorkerHooks(), []
    registered.add("before_fork", lambda job: seen.append(("first", job)))
    registered.add("before_fork", lambda job: seen.append(("second", job)))
    registered.run("before_fork", "job")
    assert seen == [("first", "job"), ("second", "job")]

    def fails():
        raise LookupError

    registered.add("shutdown", fails)
    registered.add("shutdown", lambda: seen.append("never"))
    with pytest.raises(LookupError):
        registered.run("shutdown")
    assert "never" not in seen
    registered.run("worker_exit")
    assert [registered.has(kind) for kind in ("before_fork", "worker_exit")] == [True, False]


@pytest.mark.parametrize("kind", WorkerHooks.KINDS)
def test_each_worker_hook_has_a_decorator(kind):
    """`@hooks.before_fork` registers with the default hooks and hands the function back."""

    def function(): ...

    assert getattr(hooks, kind)(function) is function
    assert worker_hooks._hooks[kind].pop() is function


def test_the_decorators_are_documented():
    """Each says when and where it runs."""
    assert all(getattr(hooks, kind).__doc__ for kind in WorkerHooks.KINDS)
