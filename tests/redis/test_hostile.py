"""Code of the user's that does harm, wherever it runs: one record each, and the worker goes on."""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from pyresque import Resque, Worker, active_job, job
from pyresque.config import WorkerOptions
from pyresque.errors import DontPerform
from pyresque.failure import Backend, Multiple, Redis
from pyresque.failure.describe import error_name
from pyresque.plugins import Retry
from pyresque.usercode.guards import exit_now
from pyresque.wire.records import JOB_WRAPPER
from pyresque.worker.aio.worker import AsyncWorker
from tests.hostile import EXCEPTIONS, RESULTS, BadStream, BadText, Everything, Nothing, OfMeta
from tests.redis.bench import failed, note, seen

WORST = ("exits when shown", "neither true nor false", "hostile class", "no trace", "exit", "stop")
"""Those that are tried at every place with a process for each job, too; elsewhere all are."""

MODES = {
    "fork": WorkerOptions(),
    "jobs-per-fork": WorkerOptions(jobs_per_fork=7),
    "no-fork": WorkerOptions(fork_per_job=False),
    "async": WorkerOptions(),
}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Of coroutines that are never awaited, because an exception keeps them from it."""


class World:
    """Jobs of one kind, an Echo behind each, and the worker that works them off."""

    def __init__(self, resque: Resque, mode: str) -> None:
        self.resque = resque
        self.registry = resque.registry
        self.is_async = mode == "async"
        self.exceptions = {
            name: make
            for name, make in EXCEPTIONS.items()
            if mode not in ("fork", "jobs-per-fork") or name in WORST
        }
        self.options = MODES[mode]
        self.names: list[str] = []
        self._declare("Echo", lambda number: note(resque, number))

    def _declare(self, name: str, body: Any, **options: Any) -> None:
        async def later(*args: Any) -> Any:
            return body(*args)

        def now(*args: Any) -> Any:
            return body(*args)

        job(queue="q", name=name, registry=self.registry, **options)(later if self.is_async else now)

    def function(self, name: str, body: Any, args: Any = (), **options: Any) -> None:
        """Declare a job that is a function, and enqueue it."""
        self._declare(name, body, **options)
        self.enqueue(name, args)

    def of_class(self, name: str, args: Any = (), body: Any = None, **members: Any) -> None:
        """Declare a job that is a class with these members, and enqueue it."""

        async def later(self: Any, *args: Any) -> Any:
            return body(*args) if body else None

        def now(self: Any, *args: Any) -> Any:
            return body(*args) if body else None

        members.setdefault("perform", later if self.is_async else now)
        job(queue="q", name=name, registry=self.registry)(type("J", (), members))
        self.enqueue(name, args)

    def enqueue(self, name: str, args: Any = ()) -> None:
        """Enqueue a job, and an Echo behind it."""
        self.resque.push("q", {"class": name, "args": list(args)})
        self.resque.push("q", {"class": "Echo", "args": [len(self.names)]})
        self.names.append(name)

    def worked_off(
        self, resque: Resque | None = None, prepare: Callable[[], object] | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Run a worker until nothing is left; returns the records of each job. All others are done.

        Args:
            prepare: what its process does first.
        """
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.alarm(60)
                logging.getLogger().handlers[:] = [logging.StreamHandler()]
                if prepare is not None:
                    prepare()
                kind: Any = AsyncWorker if self.is_async else Worker
                places = (3,) if self.is_async else ()
                kind(resque or self.resque, ["q"], *places, options=self.options).work(0)
                status = 0
            except BaseException:
                with contextlib.suppress(BaseException):
                    traceback.print_exc()
            finally:
                exit_now(status)
        assert os.waitpid(pid, 0)[1] == 0, "the worker has ended by itself"
        assert self.resque.size("q") == 0
        assert sorted(map(int, seen(self.resque))) == list(range(len(self.names)))
        assert self.resque.stat("processed") == 2 * len(self.names)
        assert self.resque.workers() == []
        records: dict[str, list[dict[str, Any]]] = {name: [] for name in self.names}
        for record in failed(self.resque):
            wrapped = record["payload"]["class"] == JOB_WRAPPER
            name = record["payload"]["args"][0]["job_class"] if wrapped else record["payload"]["class"]
            records[name].append(record)
            assert record["exception"] != "Resque::DirtyExit", "its process could not tell what it failed of"
        return records


@pytest.fixture(params=MODES)
def world(request, resque):
    return World(resque, request.param)


def throws(make: Any) -> Any:
    def raises(*args: Any, **named: Any) -> Any:
        raise make()

    return raises


def one_each(records: dict[str, list[dict[str, Any]]]) -> None:
    assert {name: len(found) for name, found in records.items() if len(found) != 1} == {}


def test_a_job_that_raises(world):
    """Each exception is recorded under its name, with the line that raised it."""
    for name, make in EXCEPTIONS.items():
        world.function(name, throws(make))
    records = world.worked_off()
    one_each(records)
    for name, make in EXCEPTIONS.items():
        wrapped = world.is_async and name == "stop"  # Python itself makes that of it, in a coroutine
        wanted = "RuntimeError" if wrapped else error_name(make())
        assert records[name][0]["exception"][:10_000] == wanted[:10_000]  # what is longer is cut, and told
        assert any("in `raises'" in line for line in records[name][0]["backtrace"]) or name == "deep trace"


def test_a_job_that_returns_something_strange(world):
    """What it returns is its own business: the job is done."""
    for name, make in RESULTS.items():
        world.function(name, make)
        world.of_class(
            f"{name} of a hook",
            before_perform=lambda self, make=make: make(),
            always=lambda self, make=make: make(),
        )
    assert not any(world.worked_off().values())


def around_before(make):
    def around_perform(self):
        raise make()
        yield

    return {"around_perform": around_perform}


def around_behind(make):
    def around_perform(self):
        yield
        raise make()

    return {"around_perform": around_perform}


def around_instead(make):
    def around_perform(self):
        try:
            yield
        except DontPerform:
            raise make() from None

    return {"around_perform": around_perform, "body": throws(DontPerform)}


def around_with_function(make):
    def around_perform(self, run):
        run()
        raise make()

    return {"around_perform": around_perform}


def around_the_error(make):
    """The hook lets the job's error through: in a plain function, and where it yields."""

    def around_perform_a(self):
        yield

    def around_perform_b(self, run):
        run()

    return {"around_perform_a": around_perform_a, "around_perform_b": around_perform_b, "body": throws(make)}


CLASSES = {
    "before_perform": lambda make: {"before_perform": throws(make)},
    "after_perform": lambda make: {"after_perform": throws(make)},
    "always": lambda make: {"always": throws(make)},
    "on_failure": lambda make: {"on_failure": throws(make), "body": throws(LookupError)},
    "on_failure of itself": lambda make: {"on_failure": throws(make), "body": throws(make)},
    "always and on_failure": lambda make: {"always": throws(make), "on_failure": throws(make)},
    "around, before": around_before,
    "around, behind": around_behind,
    "around, instead": around_instead,
    "around, with a function": around_with_function,
    "around, let through": around_the_error,
    "hooks": lambda make: {"hooks": throws(make)},
    "names of hooks": lambda make: {"hooks": lambda self: [make()], "body": throws(LookupError)},
    "a hook that cannot be had": lambda make: {"before_perform": property(throws(make))},
}


@pytest.mark.parametrize("place", CLASSES)
def test_a_class_that_raises(world, place):
    """In any hook, or when it is asked for its hooks."""
    for name, make in world.exceptions.items():
        world.of_class(name, **CLASSES[place](make))
    one_each(world.worked_off())


def test_an_argument_that_cannot_be_made(world):
    """A type of the user's, in an annotation."""
    for name, make in world.exceptions.items():

        class Wanted(msgspec.Struct):
            number: int
            __post_init__ = throws(make)

        if world.is_async:

            async def body(wanted: Wanted) -> None: ...
        else:

            def body(wanted: Wanted) -> None: ...

        body.__annotations__["wanted"] = Wanted
        job(queue="q", name=name, registry=world.registry)(body)
        world.enqueue(name, [{"number": 1}])
    one_each(world.worked_off())


class Policy:
    """A `retry=` of the user's, of which one answer is bad."""

    def __init__(self, place: str, answer: Any) -> None:
        self._bad = {place: answer}

    def _answer(self, place: str, good: Any) -> Any:
        return self._bad[place]() if place in self._bad else good

    @property
    def quiet(self) -> bool:
        return self._answer("quiet", False)

    def wants(self, error: BaseException) -> bool:
        return self._answer("wants", False)

    def delay(self, attempt: int) -> float | None:
        return self._answer("delay", None)

    def identifier(self, args: Any) -> Any:
        return self._answer("identifier", "")

    def expiry(self, attempt: int) -> Any:
        return self._answer("expiry", None)


@pytest.mark.parametrize("place", ["quiet", "wants", "delay", "identifier", "expiry"])
def test_a_retry_that_raises(world, place):
    """The job is recorded as it failed, or is done; it is not tried again."""
    for name, make in world.exceptions.items():
        world.function(name, throws(LookupError), retry=Policy(place, throws(make)))
        world.function(f"{name}, done", lambda: None, retry=Policy(place, throws(make)))
    records = world.worked_off()
    assert all(len(found) == (0 if name.endswith("done") else 1) for name, found in records.items())


STRANGE = {
    "text": "soon", "none": None, "true": True, "number": 42, "float": 1.5, "nan": float("nan"),
    "infinite": float("inf"), "negative": -1e300, "huge": 10**4000, "list": [1, ["a", None]],
    "map": {"a": [1]}, "bytes": b"\xff", "object": object(), "class": object, "surrogate": "\ud800",
    "long": "x" * 1_000_000, "blank": " \n ", "everything": Everything(), "nothing": Nothing(),
    "bad text": BadText("bad"), "odd class": OfMeta,
}  # fmt: skip
STRANGE["cyclic"] = [STRANGE["list"]]
STRANGE["cyclic"].append(STRANGE["cyclic"])


@pytest.mark.parametrize("place", ["quiet", "wants", "delay", "identifier", "expiry"])
def test_a_retry_that_answers_with_anything(resque, place):
    """Whatever it gives, the job ends in one place: recorded, done, or to be tried again."""
    world = World(resque, "no-fork")
    for name, value in STRANGE.items():
        world.function(name, throws(LookupError), retry=Policy(place, lambda value=value: value))
        world.function(f"{name}, done", lambda: None, retry=Policy(place, lambda value=value: value))
    records = world.worked_off()
    assert all(len(found) == (0 if name.endswith("done") else 1) for name, found in records.items())


@pytest.mark.parametrize(
    ("value", "part"),
    [(42, ":42"), (1.0, ":1.0"), (True, ":true"), (None, ""), ([1, [2, None]], ":1:2:"),
     ({"a": 1}, ':{"a"=>1}'), ("a b", ":ab"), ("ü\ud800", ":ü?")],
)  # fmt: skip
def test_identify_gives_the_text_that_ruby_makes_of_it(resque, value, part):
    """The counter of the attempts is found by resque-retry under this name.

    See docs/protocol/core.md#resque-retry.
    """
    world = World(resque, "no-fork")
    world.function("J", throws(LookupError), retry=Retry(limit=1, backoff=3600, identify=lambda args: value))
    world.worked_off()
    assert resque.link.execute("GET", f"resque:resque-retry:J{part}".encode()) == b"0"


@pytest.mark.parametrize("place", ["save", "effects"])
@pytest.mark.parametrize("among_others", [False, True])
def test_a_backend_that_raises(world, server, place, among_others):
    """The failure is recorded in `failed` all the same, and once."""
    makes = world.exceptions

    class Broken(Backend):
        def _raise(self, failure: Any) -> None:
            raise next(makes[name]() for name in makes if f'"{name}"'.encode() in failure.payload)

        def save(self, failure: Any) -> None:
            if place == "save":
                self._raise(failure)

        def effects(self, failure: Any, keys: Any, style: Any) -> Any:
            return self._raise(failure) if place == "effects" else []

    for name in makes:
        world.function(name, throws(LookupError))
    backend = Multiple(Broken(), Redis()) if among_others else Broken()
    resque = Resque(server.url, registry=world.registry, failure=backend)
    one_each(world.worked_off(resque))


@pytest.mark.parametrize(
    "effects",
    [None, 5, "RPUSH", [()], [("RPUSH", object())], [("RPUSH", None)], [5], [("RPUSH", "key", "\ud800")], {}],
    ids=["none", "number", "text", "empty", "object", "nothing", "no command", "surrogate", "map"],
)
def test_a_backend_that_asks_for_what_cannot_be_done(resque, server, effects):
    """Commands that cannot be sent: the failure is recorded in `failed`."""

    class Strange(Backend):
        def effects(self, failure: Any, keys: Any, style: Any) -> Any:
            return effects

    world = World(resque, "no-fork")
    world.function("J", throws(LookupError))
    strange = Resque(server.url, registry=world.registry, failure=Strange())
    records = world.worked_off(strange)
    assert len(records["J"]) == (0 if effects == {} else 1)


@pytest.mark.parametrize("mode", ["fork", "jobs-per-fork"])
def test_an_after_fork_hook_that_raises(resque, mode):
    """Fails the job of that child, whatever it raises."""
    world = World(resque, mode)
    world.options = replace(world.options, jobs_per_fork=1)
    makes = dict(world.exceptions)

    def after_fork(reserved: Any) -> None:
        if reserved.payload.class_name in makes:
            raise makes[reserved.payload.class_name]()

    world.registry.worker_hooks.add("after_fork", after_fork)
    for name in makes:
        world.function(name, lambda: None)
    one_each(world.worked_off())


@pytest.mark.parametrize("kind", ["before_fork", "before_first_fork", "queue_empty", "worker_exit"])
@pytest.mark.parametrize("name", ["exit", "exits when shown", "hostile class", "no trace"])
def test_a_hook_that_ends_the_worker(resque, capfd, kind, name):
    """It is told, with its traceback, and the end is in good order: no job is lost, the books are clean."""
    world = World(resque, "fork")
    world.registry.worker_hooks.add(kind, throws(EXCEPTIONS[name]))
    world.function("J", lambda: note(resque, "ran"))
    with pytest.raises(AssertionError, match="ended by itself"):
        world.worked_off()
    out = capfd.readouterr().err
    assert f"a {kind} hook failed, so the worker ends" in out
    assert "in raises" in out
    assert resque.workers() == []
    places = resque.size("q"), len(failed(resque)), len(seen(resque))
    expected = {"before_fork": (1, 1, 0), "before_first_fork": (2, 0, 0)}
    assert places == expected.get(kind, (0, 0, 2))


def aj_payload(name: str, arguments: Any = ()) -> list[Any]:
    data = {"job_class": name, "job_id": "1", "queue_name": "q", "arguments": list(arguments)}
    return [{**data, "executions": 0, "exception_executions": {}, "locale": "en"}]


def aj_body(world: World, body: Any) -> Any:
    async def later(*args: Any) -> Any:
        return body(*args)

    def now(*args: Any) -> Any:
        return body(*args)

    return later if world.is_async else now


class Odd(type):
    """The class of an exception, as `retry_on` is given it: asked whether another one is of it, it raises."""

    make: Any = None

    def __subclasscheck__(cls, other: type) -> bool:
        if cls.make is None:
            return super().__subclasscheck__(other)
        raise cls.make()

    __instancecheck__ = __subclasscheck__


def odd(make: Any) -> Any:
    kind: Any = Odd("OddError", (Exception,), {})
    kind.make = make
    return kind


WRAPPED = {
    "perform": lambda make, declare: declare(throws(make)),
    "wait": lambda make, declare: declare(
        throws(LookupError), active_job.retry_on(LookupError, wait=throws(make))
    ),
    "then": lambda make, declare: declare(
        throws(LookupError), active_job.discard_on(LookupError, then=throws(make))
    ),
}


@pytest.mark.parametrize("place", WRAPPED)
def test_an_active_job_that_raises(world, place):
    """In its function, in the function of a wait, in that of a discard."""
    for make in world.exceptions.values():
        of_rails = f"J{len(world.names)}"

        def declare(body: Any, *above: Any, of_rails: str = of_rails) -> None:
            function = aj_body(world, body)
            for decorate in above:
                function = decorate(function)
            active_job.job(of_rails, queue="q", registry=world.registry)(function)

        WRAPPED[place](make, declare)
        world.enqueue(JOB_WRAPPER, aj_payload(of_rails))
        world.names[-1] = of_rails
    one_each(world.worked_off())


@pytest.mark.parametrize(
    "kind", ["before_perform", "around_perform", "after_perform", "after_discard", "resolver", "serializer"]
)
def test_what_is_declared_for_active_jobs_raises(world, kind):
    """Callbacks, resolvers and serializers."""
    for make in world.exceptions.values():
        of_rails, model = f"J{len(world.names)}", f"M{len(world.names)}"
        body = throws(LookupError) if kind == "after_discard" else lambda *args: None
        active_job.job(of_rails, queue="q", registry=world.registry)(aj_body(world, body))
        arguments: list[Any] = []
        if kind == "resolver":
            active_job.resolver(model, registry=world.registry)(lambda gid, make=make: throws(make)())
            arguments = [{"_aj_globalid": f"gid://app/{model}/1"}]
        elif kind == "serializer":
            active_job.serializer(model, registry=world.registry)(throws(make))
            arguments = [{"_aj_serialized": model}]
        else:
            getattr(active_job, kind)(of_rails, registry=world.registry)(throws(make))
        world.enqueue(JOB_WRAPPER, aj_payload(of_rails, arguments))
        world.names[-1] = of_rails
    one_each(world.worked_off())


@pytest.mark.parametrize("error", ["exit", "interrupt", "raises when shown", "hostile class"])
def test_streams_that_cannot_be_flushed(world, error):
    """Whatever stands where a program prints to, the job is done."""

    def replace_streams() -> None:
        sys.stdout = sys.stderr = BadStream(EXCEPTIONS[error]())  # type: ignore[assignment]

    world.function("Bad", replace_streams)

    def gone() -> None:
        sys.stdout = sys.stderr = None  # type: ignore[assignment]

    world.function("None", gone)
    assert not any(world.worked_off().values())


def without_streams() -> None:
    del sys.stdout, sys.stderr


def with_others(*names: str) -> Callable[[], None]:
    """A job that puts functions of its own in the place of some that our modules call."""

    def replace_them() -> None:
        for name in names:
            module, _, function = name.rpartition(".")
            setattr(sys.modules[module], function, lambda *args: 0)

    return replace_them


@pytest.mark.parametrize(
    "harm",
    [
        without_streams,
        with_others("os.getpid"),
        with_others("os._exit"),
        with_others("setproctitle.setproctitle"),
    ],
    ids=["no streams", "getpid", "_exit", "title"],
)
def test_a_job_that_replaces_what_its_process_is_run_with(world, harm):
    """It is done, and so is what comes behind it."""
    world.function("Replaces", harm)
    world.function("After", lambda: None)
    assert [records for records in world.worked_off().values() if records] == []


@pytest.mark.parametrize("name", ["isinstance", "type"])
@pytest.mark.parametrize("jobs_per_fork", [1, 7])
def test_a_job_that_breaks_its_process(resque, jobs_per_fork, name):
    """Its failure says what is broken and where, and its process gets no other job."""
    world = World(resque, "fork")
    world.options = WorkerOptions(jobs_per_fork=jobs_per_fork)

    def broken(*args: object) -> bool:
        raise LookupError("a stub that was left behind")

    world.function("Breaks", lambda: setattr(builtins, name, broken))
    with pytest.raises(AssertionError, match="could not tell"):
        world.worked_off()
    [record] = failed(resque)
    assert record["exception"] == "Resque::DirtyExit"
    assert "LookupError: a stub that was left behind" in record["error"]
    assert "in `broken'" in record["backtrace"][0]


@pytest.mark.parametrize("jobs_per_fork", [1, 7])
def test_a_job_that_replaces_what_its_report_is_sent_with(resque, jobs_per_fork):
    """It is done; and its process, which is not to be used any more, is given no other job."""
    world = World(resque, "fork")
    world.options = WorkerOptions(jobs_per_fork=jobs_per_fork)
    world.function("Breaks", lambda: setattr(builtins, "len", throws(LookupError)))
    assert world.worked_off() == {"Breaks": []}


def broken_filter(error: BaseException) -> None:
    for name in ("pyresque.worker", "pyresque.failure", "asyncio"):
        logging.getLogger(name).addFilter(type("F", (logging.Filter,), {"filter": throws(lambda: error)})())


def broken_handler(error: BaseException) -> None:
    logging.getLogger().addHandler(type("H", (logging.Handler,), {"emit": throws(lambda: error)})())


def broken_factory(error: BaseException) -> None:
    logging.setLogRecordFactory(throws(lambda: error))


def broken_methods(error: BaseException) -> None:
    for name in ("info", "error", "log", "handle", "makeRecord"):
        setattr(logging.Logger, name, throws(lambda: error))
    for name in ("pyresque.worker", "pyresque.failure"):
        logging.getLogger(name).isEnabledFor = throws(lambda: error)


def broken_format(error: BaseException) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(type("F", (logging.Formatter,), {"format": throws(lambda: error)})())
    logging.getLogger().addHandler(handler)


@pytest.mark.parametrize(
    "broken", [broken_filter, broken_handler, broken_factory, broken_methods, broken_format]
)
@pytest.mark.parametrize("name", ["exit", "raises when shown", "hostile class", "interrupt"])
def test_logging_that_raises(world, broken, name):
    """What becomes of a job does not depend on whether it can be told in the log."""
    logging.getLogger("pyresque").setLevel(logging.DEBUG)
    world.function("Done", lambda: None)
    world.function("Failed", throws(LookupError))
    world.function("Not retried", throws(LookupError), retry=Policy("identifier", throws(LookupError)))
    try:
        records = world.worked_off(prepare=lambda: broken(EXCEPTIONS[name]()))
    finally:
        logging.getLogger("pyresque").setLevel(logging.NOTSET)
    assert {name: len(found) for name, found in records.items()} == {"Done": 0, "Failed": 1, "Not retried": 1}


def test_log_lines_have_a_bound(resque, tmp_path):
    """Whatever class, queue, argument or error they tell of."""
    world = World(resque, "no-fork")
    logging.getLogger("pyresque").setLevel(logging.DEBUG)
    file = tmp_path / "log"
    world.function("N" * 1_000_000, lambda *args: None, ["x" * 1_000_000])
    world.function("Failed", throws(lambda: ValueError("x" * 1_000_000)), [["x"] * 100_000])
    world.function("E", throws(lambda: type("E" * 100_000, (Exception,), {})("x")), [{"x" * 100_000: 1}])
    world.function("Q", throws(LookupError), retry=Policy("delay", lambda: "y" * 1_000_000))
    try:
        world.worked_off(prepare=lambda: logging.getLogger().addHandler(logging.FileHandler(file)))
    finally:
        logging.getLogger("pyresque").setLevel(logging.NOTSET)
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) > 15
    assert max(map(len, lines)) < 7_000
