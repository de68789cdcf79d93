"""A job's class: what can be one, the object behind a class with `perform`, and the queue that it goes to."""

import functools

import pytest

from pyresque.errors import InvalidJob, NoQueueError
from pyresque.model.job_class import JobClass, check_code, check_timeout, queue_for, where_of


def plain(): ...


def yields():
    yield 1


async def asynchronous(): ...


class Static:
    @staticmethod
    def perform(a): ...


class OfObject:
    def perform(self, a):
        return self, a


class Method:
    def work(self): ...


class Bare:
    pass


@pytest.mark.parametrize("code", [plain, asynchronous, Static, OfObject, functools.lru_cache(plain)])
def test_functions_and_classes_with_perform_are_jobs(code):
    check_code(code)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (Bare, "has no perform"),
        (7, "neither a function nor a class"),
        (yields, "yields, so calling it would run nothing"),
        (Method.work, "is a method, and a worker has no object"),
        (staticmethod(plain), "write it below @staticmethod"),
        (functools.partial(plain), "has no name of its own"),
    ],
)
def test_other_code_is_refused_with_what_to_do(code, text):
    with pytest.raises(InvalidJob, match=text):
        check_code(code)


def test_a_partial_may_be_named():
    check_code(functools.partial(plain), is_named=True)


def test_a_perform_that_takes_self_gets_an_object_and_another_does_not():
    owner, argument = JobClass("A", None, OfObject).perform(1)
    assert (type(owner), argument) == (OfObject, 1)
    assert JobClass("A", None, Static).perform is Static.perform


def test_a_class_that_cannot_be_made_says_so():
    class Needy(OfObject):
        def __init__(self, needed): ...

    with pytest.raises(
        InvalidJob, match=r"Needy cannot be made to call its perform .*put @staticmethod above"
    ):
        _ = JobClass("A", None, Needy).perform


@pytest.mark.parametrize("timeout", [None, 0, 1, 0.5])
def test_a_timeout_is_seconds_or_none(timeout):
    check_timeout(timeout, "x")


@pytest.mark.parametrize("timeout", [-1, "5", True, float("inf"), float("nan")])
def test_what_is_not_a_number_of_seconds_is_no_timeout(timeout):
    with pytest.raises(InvalidJob, match=r"^x: timeout=.* is not a number of seconds"):
        check_timeout(timeout, "x")


def test_the_queue_that_is_given_wins_over_the_jobs_own():
    job = JobClass("Mail", "mail", plain)
    assert (queue_for(job, "Mail", None), queue_for(job, "Mail", "other")) == ("mail", "other")
    for known, queue in ((None, None), (JobClass("Mail", None, plain), None), (job, 7)):
        with pytest.raises(NoQueueError):
            queue_for(known, "Mail", queue)


def test_limits_are_those_of_the_options():
    job = JobClass("Mail", None, plain, options={"rate_limit": (10, 60_000), "max_running": 2})
    assert job.limits == ("Mail", 10, 60_000, 2)
    assert JobClass("Mail", None, plain).limits == ("Mail", 0, 0, 0)


def test_where_code_comes_from():
    assert where_of(plain) == f"{__name__}.plain"
    assert where_of(Method.work) == f"{__name__}.Method.work"
