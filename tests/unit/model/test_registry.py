"""@job and the registry: class names on the wire, Python callables, and arguments that fit."""

import datetime
import enum
import functools
import importlib.util
import math
import sys
from typing import Any, Literal

import msgspec
import pytest

from pyresque import job
from pyresque.errors import InvalidJob, WrongArguments
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry, default_registry
from pyresque.wire.encoding import decode


def add(registry, **settings):
    return job(registry=registry, **settings)


# --- @job ------------------------------------------------------------------------------------------


def test_the_decorated_stays_what_it_is(registry):
    """A function or class is handed back unchanged, and can be called as before."""

    def double(number: int) -> int:
        return number * 2

    class Archive:
        @staticmethod
        def perform(): ...

    assert add(registry)(double) is double
    assert double(4) == 8
    assert add(registry)(Archive) is Archive


def test_names_and_queues(registry):
    """name= is the class name on the wire, else the Python name; a class may have its queue as attribute."""

    @add(registry, queue="images", name="Images::Convert")
    def convert(): ...

    @add(registry)
    def plain(): ...

    @add(registry)
    class Own:
        queue = "own"

        def perform(self): ...

    @add(registry, queue="given")
    class Given:
        queue = "own"

        def perform(self): ...

    found = [registry.of(one) for one in (convert, plain, Own, Given)]
    assert [(one.name, one.queue) for one in found] == [
        ("Images::Convert", "images"), ("plain", None), ("Own", "own"), ("Given", "given"),
    ]  # fmt: skip
    assert registry.names() == ("Images::Convert", "plain", "Own", "Given")


def test_without_a_registry_the_default_one_is_filled():
    """@job alone registers where every Resque and Worker looks."""
    before = dict(default_registry._by_name)
    try:

        @job(queue="q", name="Test::OfTheDefaultRegistry")
        def here(): ...

        assert default_registry.find("Test::OfTheDefaultRegistry").target is here
    finally:
        default_registry._by_name.clear()
        default_registry._by_name.update(before)


@pytest.mark.parametrize(
    ("written", "name"),
    [("OkJob", "OkJob"), ("::OkJob", "OkJob"), ("ok-job", "OkJob"), ("OK-JOB", "OkJob"), ("okjob", None),
     ("A::B", "A::B"), ("::A::B", "A::B"), ("::::OkJob", None), ("Ok", None), ("", None), ("OkJob ", None)],
)  # fmt: skip
def test_names_are_found_as_ruby_writes_them(registry, written, name):
    """A leading `::` and the dashed form mean the class; anything else must be the exact name."""
    for one in ("OkJob", "A::B"):
        add(registry, name=one)(lambda: None)
    found = registry.find(written)
    assert (found.name if found else None) == name


def test_of_knows_only_the_registered_object(registry):
    """Not an equal one, and not one that was never registered."""

    def one(): ...

    def other(): ...

    add(registry)(one)
    assert registry.of(one).target is one
    assert registry.of(other) is registry.of("one") is registry.of(None) is None


def test_two_jobs_of_one_name_are_refused(registry):
    """Other code under a name that is taken: the text names both places."""

    def first(): ...

    def second(): ...

    add(registry, name="Same")(first)
    with pytest.raises(InvalidJob, match=r"two jobs are named Same: .*first and .*second"):
        add(registry, name="Same")(second)
    assert registry.find("Same").target is first


def test_a_module_that_is_imported_twice_is_no_conflict(registry, tmp_path, monkeypatch):
    """The same code under another module name (a script and its import) takes the place of the first."""
    path = tmp_path / "jobs_twice.py"
    path.write_text(
        "def register(job, registry):\n    @job(registry=registry)\n    def work(): ...\n    return work\n"
    )
    made = []
    for name in ("jobs_twice_a", "jobs_twice_b"):
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        made.append(module.register(job, registry))
    assert registry.find("work").target is made[1]


def test_registries_are_apart(registry):
    """A job of one registry is unknown to another."""
    other = Registry(WorkerHooks())
    target = add(registry, name="Here")(lambda: None)
    assert (other.of(target), other.names()) == (None, ())


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\0b"])
def test_names_that_could_not_stand_on_the_wire(registry, name):
    """Quotes, backslashes and NUL are in no class name."""
    with pytest.raises(InvalidJob, match="not a class name"):
        add(registry, name=name)(lambda: None)


def test_a_class_without_perform_is_refused(registry):
    """The text says what to write."""
    with pytest.raises(InvalidJob, match="has no perform"):

        @add(registry)
        class Nothing: ...

    with pytest.raises(InvalidJob, match="has no perform"):

        @add(registry)
        class NotCallable:
            perform = 5


def test_what_a_function_takes_must_be_known(registry):
    """A builtin that does not tell is refused with what to do; a class that cannot be made, too."""
    with pytest.raises(InvalidJob, match="what it takes cannot be told"):
        add(registry)(max)
    with pytest.raises(InvalidJob, match="cannot be made to call its perform"):

        @add(registry)
        class Needs:
            def __init__(self, db): ...

            def perform(self): ...


def test_what_has_no_name_needs_one(registry):
    """A partial, and an object that can be called."""

    class Caller:
        def __call__(self, n): ...

    for target in (functools.partial(four, 1), Caller()):
        with pytest.raises(InvalidJob, match=r"has no name of its own.*@job\(name="):
            add(registry)(target)
        assert add(registry, name=f"Named{id(target)}")(target) is target


def test_a_bound_method_is_known_again(registry):
    """It is another object whenever it is asked for; that of another object is another job."""

    class Service:
        def run(self, n): ...

    one, other = Service(), Service()
    add(registry, name="Run")(one.run)
    assert registry.of(one.run).name == "Run"
    assert registry.of(other.run) is None


class Queue(enum.Enum):
    MAIL = "mail"


class TextQueue(str, enum.Enum):  # noqa: UP042 (a StrEnum tells its value)
    MAIL = "mail"


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "another"


@pytest.mark.parametrize("name", [Queue.MAIL, TextQueue.MAIL, Text("mail")])
def test_a_name_may_be_an_enum(registry, name):
    """It means its value, whatever it says of itself."""

    @add(registry, queue=name, name=name)
    def here(): ...

    @add(registry)
    class Own:
        queue = name

        def perform(self): ...

    for job_, expected in ((registry.of(here), ("mail", "mail")), (registry.of(Own), ("Own", "mail"))):
        assert (job_.name, job_.queue) == expected
        assert (type(job_.name), type(job_.queue)) == (str, str)


# --- perform ---------------------------------------------------------------------------------------


def test_every_way_to_write_perform(registry):
    """Static, class and instance methods are called with the job's arguments only."""

    @add(registry, name="Static")
    class Static:
        @staticmethod
        def perform(number):
            return ("static", number)

    @add(registry, name="OfClass")
    class OfClass:
        @classmethod
        def perform(cls, number):
            return (cls, number)

    @add(registry, name="OfObject")
    class OfObject:
        def perform(self, number):
            return (type(self), number)

    class Base:
        def perform(self, number):
            return ("base", number)

    @add(registry, name="Inherited")
    class Inherited(Base): ...

    results = [registry.of(one).perform(1) for one in (Static, OfClass, OfObject, Inherited)]
    assert results == [("static", 1), (OfClass, 1), (OfObject, 1), ("base", 1)]


def test_hooks_of_a_class_and_of_plugins_are_found(registry):
    """Both are looked at; a function's hooks are those of its plugins only."""

    class Plugin:
        def before_perform_plugin(self): ...

    @add(registry, plugins=[Plugin()])
    class Work:
        def perform(self): ...

        def before_perform_own(self): ...

    @add(registry, plugins=[Plugin()])
    def function(): ...

    names = lambda target: [hook.__name__ for hook in registry.of(target).hooks("before_perform")]  # noqa: E731
    assert names(Work) == ["before_perform_own", "before_perform_plugin"]
    assert names(function) == ["before_perform_plugin"]


# --- positions: at enqueue -------------------------------------------------------------------------


def four(a, b=2, c=3, *rest): ...


@pytest.mark.parametrize(
    ("args", "kwargs", "positions"),
    [((1,), {}, [1]), ((1, 5), {}, [1, 5]), ((), {"a": 1}, [1, 2, 3]), ((1,), {"c": 9}, [1, 2, 9]),
     ((1,), {"c": 9, "b": 8}, [1, 8, 9]), ((1, 2, 3, 4, 5), {}, [1, 2, 3, 4, 5])],
)  # fmt: skip
def test_keywords_become_positions(registry, args, kwargs, positions):
    """Defaults are written out only where a keyword asks for it."""
    add(registry)(four)
    assert registry.of(four).parameters.written(args, kwargs) == positions


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1,), {"a": 1}), ((1,), {"x": 1})])
def test_calls_that_do_not_fit_are_refused(registry, args, kwargs):
    """The text shows the job and its signature."""
    add(registry, name="Four")(four)
    with pytest.raises(WrongArguments, match=r"Four.*\(a, b=2, c=3, \*rest\)"):
        registry.of(four).parameters.written(args, kwargs)


# --- converted: at work ----------------------------------------------------------------------------


class Point(msgspec.Struct):
    x: int
    y: int = 0


CONVERSIONS = [
    (int, 5, 5), (float, 5, 5.0), (str, "x", "x"), (bool, True, True), (list[int], [1, 2], [1, 2]),
    (tuple[int, str], [1, "a"], (1, "a")), (set[int], [1, 1], {1}), (dict[str, int], {"a": 1}, {"a": 1}),
    (int | None, None, None), (Literal["a", "b"], "b", "b"), (Point, {"x": 1}, Point(1)),
    (Any, [object], [object]),
    (datetime.date, "2026-11-24", datetime.date(2026, 11, 24)), (bytes, "AAE=", b"\0\1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "expected"), CONVERSIONS)
def test_arguments_become_what_is_annotated(registry, kind, given, expected):
    """From the JSON value to the type that the parameter says, as msgspec converts."""

    def work(value): ...

    work.__annotations__ = {"value": kind}
    add(registry)(work)
    [converted] = registry.of(work).parameters.arguments([given])[0]
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given"),
    [(int, "5"), (int, 5.5), (int, True), (str, 5), (list[int], [1, "x"]), (Point, {"y": 1}),
     (Literal["a"], "b"),
     (int, None), (datetime.date, "tomorrow"), (bool, 1)],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_named(registry, kind, given):
    """The text says which argument of which job, and why."""

    def work(first, value): ...

    work.__annotations__ = {"value": kind}
    add(registry, name="Work")(work)
    with pytest.raises(WrongArguments, match=r"^argument value of Work: \w"):
        registry.of(work).parameters.arguments([1, given])[0]


@pytest.mark.parametrize("args", [[], [1, 2, 3]])
def test_the_number_of_arguments_is_checked(registry, args):
    """Too few or too many: the text shows what the job takes."""

    @add(registry, name="Work")
    def work(a, b="x"): ...

    with pytest.raises(WrongArguments, match=r"Work takes \(a, b='x'\)"):
        registry.of(work).parameters.arguments(args)[0]


def test_defaults_stay_the_function_s_own(registry):
    """An argument that was not sent is not passed."""

    @add(registry)
    def work(a: int, b: str = "x"): ...

    assert registry.of(work).parameters.arguments([1])[0] == [1]


def test_variadic_arguments_are_each_checked(registry):
    """`*numbers: int` means every one of them."""

    @add(registry, name="Work")
    def work(first: str, *numbers: int): ...

    assert registry.of(work).parameters.arguments(["a", 1, 2])[0] == ["a", 1, 2]
    with pytest.raises(WrongArguments, match="argument numbers of Work"):
        registry.of(work).parameters.arguments(["a", 1, "2"])[0]


def test_a_number_beyond_floats_is_a_float(registry):
    """Infinite, as it is for Ruby; alone and inside of something."""

    @job(registry=registry)
    def work(one: float, more: list[float], other: dict[str, float | None]) -> None: ...

    args = decode(b'[1E400,[-1e999,1],{"a":1e400}]')
    assert registry.of(work).parameters.arguments(args)[0] == [math.inf, [-math.inf, 1.0], {"a": math.inf}]
    with pytest.raises(WrongArguments, match=r"\$\[0\]"):
        registry.of(work).parameters.arguments([1, ["x", args[0]], {}])


def test_a_parameter_without_annotation_takes_anything(registry):
    """No annotation, no check, no change."""

    @add(registry)
    def work(value): ...

    for value in (None, 1, [{}], "x"):
        assert registry.of(work).parameters.arguments([value])[0] == [value]


def test_annotations_that_are_text_are_resolved(registry):
    """As `from __future__ import annotations` leaves them; what only a type checker knows is not checked."""

    @add(registry, name="Work")
    def work(value: "int"): ...

    with pytest.raises(WrongArguments):
        registry.of(work).parameters.arguments(["x"])[0]

    @add(registry)
    def unresolved(value: "OnlyForTypeCheckers"): ...  # type: ignore[name-defined]  # noqa: F821

    assert registry.of(unresolved).parameters.arguments(["x"])[0] == ["x"]


def test_an_annotation_that_json_cannot_become(registry):
    """A type that msgspec does not know fails the job with advice, not with a crash."""

    class Strange:
        def __init__(self, a, b): ...

    def work(value): ...

    work.__annotations__ = {"value": Strange}
    add(registry, name="Work")(work)
    with pytest.raises(WrongArguments, match="argument value of Work"):
        registry.of(work).parameters.arguments(["x"])[0]


# --- mistakes ----------------------------------------------------------------------------------------


def test_job_wants_parentheses_and_names(registry):
    """`@job` alone and `@job("queue")` say what to write."""
    for wrong in (test_job_wants_parentheses_and_names, "images"):
        with pytest.raises(InvalidJob, match=r"write @job\(queue="):
            job(wrong)


def test_a_method_is_no_job(registry):
    """No worker has the object; of @staticmethod the function below it is the job."""
    with pytest.raises(InvalidJob, match="is a method"):

        class Wrong:
            @add(registry)
            def convert(self, number): ...

    for kind in (staticmethod, classmethod):
        with pytest.raises(InvalidJob, match="stands above @"):
            add(registry, name="Above")(kind(lambda number: None))

    class Right:
        @staticmethod
        @add(registry)
        def convert(number): ...

    assert registry.of(Right.convert).name == "convert"


def test_code_that_yields_is_no_job(registry):
    """Calling it would run nothing, and the job would count as done."""

    def plain():
        yield

    async def asynchronous():
        yield

    class Perform:
        @staticmethod
        def perform():
            yield

    for target in (plain, asynchronous, Perform):
        with pytest.raises(InvalidJob, match="yields"):
            add(registry)(target)


def test_what_is_no_function_is_no_job(registry):
    """And a lambda needs a name."""
    with pytest.raises(InvalidJob, match="neither a function nor a class"):
        add(registry)(5)
    with pytest.raises(InvalidJob, match="a lambda has no name"):
        add(registry)(lambda: None)
    add(registry, name="Named")(lambda: None)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"name": 5}, "not a class name"),
        ({"queue": 5}, "queue=5 is not a queue"),
        ({"queue": ["a"]}, "is not a queue"),
        ({"timeout": "5"}, "timeout='5' is not a number of seconds"),
        ({"timeout": -5}, "not a number of seconds"),
        ({"timeout": float("nan")}, "not a number of seconds"),
        ({"timeout": True}, "not a number of seconds"),
    ],
)
def test_options_of_a_wrong_kind(registry, settings, told):
    """They are refused where they are written: in a worker they would end it, or each job."""

    def convert(): ...

    with pytest.raises(InvalidJob, match=told):
        add(registry, **settings)(convert)
    assert registry.names() == ()
