"""Exceptions: the tree, and the names that records show for them."""

import pytest

from pyresque import errors
from pyresque.errors import RedisUnavailable


@pytest.mark.parametrize(
    ("name", "ruby_name"),
    [("DirtyExit", "Resque::DirtyExit"), ("PruneDeadWorkerDirtyExit", "Resque::PruneDeadWorkerDirtyExit"),
     ("TermException", "Resque::TermException"), ("SignalException", "SignalException"),
     ("DontPerform", "Resque::Job::DontPerform"), ("HookError", "RuntimeError"),
     ("BackendError", "Resque::Failure::Multiple::BackendError"), ("NoQueueError", "Resque::NoQueueError"),
     ("NoClassError", "Resque::NoClassError"), ("UnknownJobClass", "NameError"), ("ResqueError", None)],
)  # fmt: skip
def test_ruby_names(name, ruby_name):
    """The class names of docs/protocol/core.md#error-texts."""
    assert getattr(errors, name).ruby_name == ruby_name


def test_the_drawn_tree_is_the_real_one():
    """Each class stands in the docstring with its true parent above it."""
    trail, drawn = [], {}
    for line in errors.__doc__.splitlines():
        name = line.strip("│├└─ .").split(" ")[0].rstrip(".")
        if line.startswith("    ") and hasattr(errors, name):
            depth = (len(line) - len(line.lstrip("│├└─ ")) - 4) // 4
            drawn[name] = trail[depth - 1] if depth else "Exception"
            trail[depth:] = [name]
    real = {name: kind.__bases__[0].__name__ for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert drawn == real


@pytest.mark.parametrize("maybe_done", [True, False])
def test_redis_unavailable_says_whether_it_may_have_run(maybe_done):
    """The one thing that a caller must know before trying again."""
    error = RedisUnavailable("away", maybe_done=maybe_done)
    assert (str(error), error.maybe_done) == ("away", maybe_done)
