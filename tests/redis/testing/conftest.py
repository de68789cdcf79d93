"""Jobs that say what becomes of them."""

import time

import pytest

from pyresque import job
from pyresque.errors import DontPerform


@pytest.fixture
def seen():
    return []


@pytest.fixture
def mail(resque, seen):
    """A job with hooks that says everything."""

    @job(queue="mail", name="Mail", registry=resque.registry)
    class Mail:
        def perform(self, to, options=None):
            seen.append(("perform", to, options))
            if to == "nobody":
                raise LookupError("no such address")

        def before_enqueue(self, to, options=None):
            seen.append(("before_enqueue", to, options))
            return to != "refused"

        def before_perform(self, to, options=None):
            if to == "later":
                raise DontPerform

        def on_failure(self, error, *args):
            seen.append(("on_failure", type(error).__name__))

        def always(self, *args):
            seen.append(("always",))

    return Mail


@pytest.fixture
def log(resque):
    """Jobs that say when they run, on the clock of the test."""
    said = []

    @job(queue="q", name="Say", registry=resque.registry)
    def say(word, again=0):
        said.append((word, round((time.time() - start) / 50) * 50))  # delays are cut to whole seconds
        if again:
            resque.enqueue_in(100, say, word, again - 1)

    start = time.time()
    return say, said


def keys(resque):
    return resque.link.execute("KEYS", "*")
