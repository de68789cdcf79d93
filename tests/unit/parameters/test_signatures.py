"""What a function takes, seen through its decorators, methods and partials."""

import functools

import pytest

from pyresque.errors import InvalidJob
from pyresque.parameters.signatures import globals_of, innermost_of, layers_of, taken_by


def work(number: int, name="x", *, lang="en"): ...


def passing_on(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


def loading(function):
    @functools.wraps(function)
    def inner(user_id):
        return function(user_id)

    return inner


def adding(function):
    @functools.wraps(function)
    def inner(session, *args, **kwargs):
        return function(*args, **kwargs)

    return inner


class Service:
    def work(self, number: int): ...

    def __call__(self, number: int): ...


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (work, "(number: int, name='x', *, lang='en')"),
        (passing_on(work), "(number: int, name='x', *, lang='en')"),
        (functools.cache(work), "(number: int, name='x', *, lang='en')"),
        (passing_on(passing_on(work)), "(number: int, name='x', *, lang='en')"),
        (loading(work), "(user_id)"),
        (Service().work, "(number: int)"),
        (Service(), "(number: int)"),
        (functools.partial(work, 1), "(name='x', *, lang='en')"),
        (functools.partial(work, name="y"), "(number: int, *, name='y', lang='en')"),
        (functools.partial(work, lang="de"), "(number: int, name='x', *, lang='de')"),
        (functools.partialmethod(work, 1).func, "(number: int, name='x', *, lang='en')"),
    ],
)
def test_what_it_takes(function, text):
    assert str(taken_by(function, "x")) == text


def test_a_decorator_is_told_apart_from_the_function():
    assert not taken_by(work, "x").decorated
    assert (taken_by(loading(work), "x").decorated, taken_by(loading(work), "x").passed_on) == (True, False)
    assert taken_by(passing_on(work), "x").passed_on


def test_what_a_decorator_adds_may_come_before_what_the_function_takes():
    taken = taken_by(adding(work), "x")
    assert [parameter.name for parameter in taken.longer] == ["session", "number", "name"]


def test_what_is_behind_decorators():
    wrapped = passing_on(loading(work))
    assert innermost_of(wrapped) is work
    assert innermost_of(functools.partial(Service().work)) is Service.work
    assert layers_of(wrapped)[-1] is work
    assert len(layers_of(wrapped)) == 3
    assert globals_of(wrapped)["Service"] is Service


def test_a_decorator_of_itself_ends_the_search():
    def endless(): ...

    vars(endless)["__wrapped__"] = endless
    assert len(layers_of(endless)) < 100
    assert str(taken_by(endless, "x")) == "()"


def test_code_that_does_not_tell_what_it_takes_is_refused():
    with pytest.raises(InvalidJob, match=r"^app\.jobs: what it takes cannot be told .*put @job above"):
        taken_by(iter, "app.jobs")
