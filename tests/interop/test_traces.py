"""Every recorded core trace of real Ruby Resque, played with our API and compared to what Ruby left.

`traces/trace.py` compares, `traces/play.py` is the stage, `traces/clients.py`, `failing.py` and `working.py`
hold one function for each trace (the call of ours that stands for Ruby's), `traces/tables.py` the traces
that end otherwise on purpose (exactly how) and those without counterpart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pyresque.testing.redis_server import DevRedis
from tests.interop.traces.play import BERLIN, SCENARIOS, Play, trace_of
from tests.interop.traces.table import DOCS, TABLE
from tests.interop.traces.tables import DIFFERENT, LEFT_OUT
from tests.interop.traces.trace import Trace, names, with_bounds


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch, server: DevRedis) -> Iterator[None]:
    """Where the traces were recorded: local times there are not UTC, and offset and zone name differ."""
    monkeypatch.setenv("TZ", BERLIN)
    monkeypatch.setenv("TRACE_REDIS", server.url)
    for name in ("RAILS_ENV", "RACK_ENV"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_what_we_leave_in_redis_is_what_ruby_leaves(name: str, server: DevRedis) -> None:
    """The whole keyspace, the answers, the exit status, and every value that was written in between."""
    trace, different = Trace(trace_of(name)), DIFFERENT.get(name)
    play = Play(trace, server)
    try:
        returned = SCENARIOS[name](play)
        play.finish()
    finally:
        play.close()
    after = different.after(trace) if different else trace.after
    answers = trace.returned if not different or different.returned is None else different.returned
    assert with_bounds(play.after, after) == after, play.log
    assert (returned or []) == (answers or [])
    assert set(play.exit_statuses) <= {0 if different else trace.exit_status}
    if different is None:
        assert play.written == trace.written
    elif different.wrote:
        assert different.wrote in play.written


def test_every_trace_is_in_exactly_one_table() -> None:
    """Played as recorded, played otherwise on purpose, or left out: none is forgotten or listed twice."""
    other = {trace_of(name) for name in DIFFERENT}
    same = {trace_of(name) for name in SCENARIOS} - other
    assert sorted([*same, *other, *LEFT_OUT]) == names()
    assert set(DIFFERENT) <= set(SCENARIOS)
    assert not any(name.startswith(("scheduler_", "plugin_")) for name in names())


def test_every_recorded_answer_is_compared() -> None:
    """Where a trace has answers of Ruby, the scenario gives as many of ours."""
    for name, scenario in SCENARIOS.items():
        if Trace(trace_of(name)).returned is not None:
            assert "list[Any]" in str(scenario.__annotations__["return"]), name


def test_a_deviation_is_told_from_the_recording() -> None:
    """Each entry of DIFFERENT changes something; what is equal belongs among the replayed."""
    for name, different in DIFFERENT.items():
        trace = Trace(trace_of(name))
        unequal = different.after(trace) != trace.after or different.returned not in (None, trace.returned)
        assert unequal or trace.exit_status, name


def test_the_table_in_the_docs_is_that_of_the_code() -> None:
    """`docs/traces.md` lists every trace with status and reason (`python -m tests.interop.traces.table`)."""
    assert TABLE in DOCS.read_text("utf-8")
