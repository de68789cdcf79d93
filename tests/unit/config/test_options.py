"""The options of a worker: unknown jobs, and how it ends."""

import dataclasses

import pytest

from pyresque.config import (
    Config,
    Polling,
    Stopping,
    Unknown,
    WorkerOptions,
)  # fmt: skip
from pyresque.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("leave", Unknown("leave")), ("fail", Unknown("fail")), ("park=a=b", Unknown("park", "a=b"))],
)
def test_ways_to_treat_unknown_jobs(text, unknown):
    """leave, fail and park=QUEUE."""
    assert Unknown.parse(text) == unknown


@pytest.mark.parametrize("text", ["", "park", "park=", "Leave", "drop"])
def test_other_ways_are_refused(text):
    """The text says which there are."""
    with pytest.raises(ConfigError, match="leave, fail or park=QUEUE"):
        Unknown.parse(text)


def test_settings_are_frozen_and_can_be_varied():
    """Nobody changes a configuration under another's feet."""
    options = WorkerOptions(polling=Polling(3.0, backoff_interval=1.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.fork_per_job = False
    assert options.with_interval(None) is options
    assert options.with_interval(0).polling == Polling(0, backoff_interval=1.0)


@pytest.mark.parametrize(
    ("name", "value", "grace"),
    [("TERM_CHILD", "1", 4.0), ("GRACEFUL_TERM", "", 4.0), ("RESQUE_TERM_TIMEOUT", "4", 4.0),
     ("RESQUE_TERM_TIMEOUT", "4.0", 4.0), ("RESQUE_TERM_TIMEOUT", "", 0.0),
     ("RESQUE_PRE_SHUTDOWN_TIMEOUT", "0", 4.0)],
)  # fmt: skip
def test_each_of_rubys_variables_brings_rubys_ending(name, value, grace):
    """Whatever it says: who sets one means Ruby's way."""
    stopping = Config.from_env({name: value}).worker.stopping
    assert (stopping.patience, stopping.grace) == (0.0, grace)


@pytest.mark.parametrize("name", ["RUN_AT_EXIT_HOOKS", "INTERVAL", "QUEUE"])
def test_other_variables_do_not(name):
    """They say nothing about how a job is ended."""
    assert Config.from_env({name: "1"}).worker.stopping.patience == 25.0


@pytest.mark.parametrize(
    ("stopping", "patience", "grace"),
    [(Stopping(drain=0), 0, 4), (Stopping(drain=7), 7, 5), (Stopping(drain=7, term_timeout=2), 7, 2),
     (Stopping(term_child=True), 0, 4), (Stopping(drain=7, term_child=True), 7, 5),
     (Stopping(requeue=True), 25, 5)],
)  # fmt: skip
def test_how_long_a_job_may_still_take(stopping, patience, grace):
    """A drain that is given holds, beside Ruby's settings too."""
    assert (stopping.patience, stopping.grace) == (patience, grace)
