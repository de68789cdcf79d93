"""Log lines do no harm: not by what they show, not by who logs them, not by their length."""

import io
import logging
import os
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque import job
from pyresque.errors import TermException, WrongArguments
from pyresque.log import Log, traceback_text
from pyresque.model.registry import Registry
from pyresque.usercode.guards import by_signal
from tests.hostile import EXCEPTIONS, RESULTS, raising

ALL = {**EXCEPTIONS, **RESULTS}

pytestmark = pytest.mark.usefixtures("in_a_worker")


@pytest.fixture
def lines():
    """What a plain handler of the application writes."""
    logger, stream = logging.getLogger("pyresque.test"), io.StringIO()
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_any_value(lines, make):
    """It is shown, with at most so many characters, as text."""
    Log("pyresque.test").info("seen: %s, %r and %s", make(), "it", make())
    [*shown] = lines()
    assert shown[0].startswith("seen: ")
    assert sum(map(len, shown)) < 10_000


@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_any_traceback(lines, make):
    """Of an exception that is handled, or given."""
    log = Log("pyresque.test")
    try:
        raise make()
    except BaseException as raised:
        log.exception("it failed")
        error = raised
    log.error("again", exc_info=error)
    shown = lines()
    assert (shown[0], sum(line.startswith("again") for line in shown)) == ("it failed", 1)
    assert any("raise make()" in line for line in shown)
    assert len(shown) < 600
    assert max(map(len, shown)) < 3_000


def test_numbers_stay_numbers(lines):
    """For `%d` and `%.1f`; one too large to be written is told."""
    Log("pyresque.test").warning("%d, %.1f, %s, %s", 3, 1.25, 10**9000, b"\xff" * 9000)
    assert lines()[0].startswith("3, 1.2, (int without readable text), b'\\xff")
    assert len(lines()[0]) < 10_000


def test_the_place_is_that_of_the_caller(lines):
    """In every record, with a traceback or without."""
    places = []
    handler = logging.Handler()
    handler.emit = lambda record: places.append(record.funcName)
    logging.getLogger("pyresque.test").addHandler(handler)
    try:
        log = Log("pyresque.test")
        log.info("x")
        log.error("x", exc_info=ValueError())
        log.exception("x")
    finally:
        logging.getLogger("pyresque.test").removeHandler(handler)
    assert places == ["test_the_place_is_that_of_the_caller"] * 3


def broken_filter(error):
    return "addFilter", "removeFilter", type("F", (logging.Filter,), {"filter": raising(error)})()


def broken_handler(error):
    return "addHandler", "removeHandler", type("H", (logging.Handler,), {"emit": raising(error)})()


@pytest.mark.parametrize("broken", [broken_filter, broken_handler])
@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_a_filter_or_handler_that_raises(monkeypatch, broken, make):
    """Nothing comes of it; stderr tells once that lines are lost."""
    monkeypatch.setattr(sys, "stderr", stderr := io.StringIO())
    logger = logging.getLogger("pyresque.test")
    add, remove, what = broken(make())
    getattr(logger, add)(what)
    try:
        log = Log("pyresque.test")
        for _ in range(3):
            log.error("seen")
            log.error("seen", exc_info=ValueError())
    finally:
        getattr(logger, remove)(what)
    assert stderr.getvalue().count("log lines are lost") == 1


@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_a_record_factory_or_method_that_raises(monkeypatch, make):
    """The application may have replaced them."""
    factory = logging.getLogRecordFactory()
    log = Log("pyresque.test")
    logging.setLogRecordFactory(raising(make()))
    try:
        log.error("x")
    finally:
        logging.setLogRecordFactory(factory)
    for name in ("log", "isEnabledFor", "handle", "makeRecord", "findCaller", "info", "error"):
        with monkeypatch.context() as patch:
            patch.setattr(logging.Logger, name, raising(make()))
            log.error("x")
            log.error("x", exc_info=ValueError())


@pytest.mark.parametrize("stream", [None, 5, open(__file__)])  # noqa: SIM115
def test_not_even_stderr_is_there(monkeypatch, stream):
    """Then nobody is told."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logging.Logger, "isEnabledFor", raising(SystemExit()))
    Log("pyresque.test").error("x")


@pytest.mark.parametrize("level", ["DEBUG", None, object()])
def test_a_level_that_is_none(level, capsys):
    """A job writes `logger.level = "DEBUG"`, which Python takes: then lines are lost, and nothing else."""
    logger, log = logging.getLogger("pyresque.test"), Log("pyresque.test")
    before = logger.level
    logger.setLevel(logging.INFO)  # what Python remembers of the level is forgotten
    logger.level = level
    try:
        if level is not None:  # with None, Python asks the logger above
            assert log.wants_info()
        log.info("x")
        log.error("x", exc_info=ValueError())
    finally:
        logger.setLevel(before)
    assert "Traceback" in capsys.readouterr().err or level is None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), RecursionError()])
def test_who_is_asked_whether_anybody_hears_it_raises(monkeypatch, error):
    """Then somebody may: nothing is left out, and nothing ends."""
    log = Log("pyresque.test")
    monkeypatch.setattr(logging.Logger, "isEnabledFor", raising(error))
    assert log.wants_info()


def test_a_signal_gets_through(monkeypatch):
    """A job may log when its worker is told to stop."""
    monkeypatch.setattr(logging.Logger, "isEnabledFor", raising(by_signal(TermException("SIGTERM"))))
    with pytest.raises(TermException):
        Log("pyresque.test").error("x")


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_any_text(text, value):
    """No format, no value, no number of values raises."""
    for form, values in ((text, (value,)), ("%s", (text, value)), ("%s %d", (text,))):
        Log("pyresque.test").info(form, *values)


def test_a_traceback_has_both_ends():
    """Of a long one the middle is left out, and of a long chain the far end."""
    text = traceback_text(EXCEPTIONS["deep trace"]())
    assert "19,9" in text
    assert " frames ..." in text
    assert text.endswith("LookupError: deep")
    assert traceback_text(EXCEPTIONS["long chain"]()).count("ValueError") == 5
    assert traceback_text(EXCEPTIONS["cyclic causes"]()).count("ValueError") == 2


@pytest.mark.parametrize("raises", [False, True])
def test_a_copy_of_the_process_that_a_filter_makes_ends_there(lines, raises):
    """Else there would be two workers behind a log line."""
    read, write = os.pipe()

    def forks(record):
        if os.fork() == 0 and raises:
            raise SystemExit(3)
        return True

    logger = logging.getLogger("pyresque.test")
    logger.addFilter(forks)
    try:
        Log("pyresque.test").info("seen")
        os.write(write, b"one")
    finally:
        logger.removeFilter(forks)
        os.close(write)
    _, status = os.wait()
    with os.fdopen(read) as pipe:
        assert (pipe.read(), os.waitstatus_to_exitcode(status)) == ("one", 3 if raises else 0)


def test_a_job_that_was_refused_has_no_traceback_of_ours() -> None:
    """Its own code has not begun: the error is the whole of it. A mistake of ours keeps its frames."""
    registry = Registry()
    job(queue="q", name="Convert", registry=registry)(_convert)
    run = registry.jobs()[0].parameters.arguments
    assert _logged(lambda: run(["x"])) == (
        "pyresque.errors.WrongArguments: argument image_id of Convert: Expected `int`, got `str`"
    )
    assert "Traceback" in _logged(lambda: run(5))
    assert "Traceback" in _logged(lambda: _convert("x"))


def _convert(image_id: int) -> None:
    raise WrongArguments("by the job itself")


def _logged(function: Callable[[], object]) -> str:
    with pytest.raises((TypeError, WrongArguments)) as raised:
        function()
    return traceback_text(raised.value.with_traceback(raised.tb.tb_next.tb_next), of_job=True)
