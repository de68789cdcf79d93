"""What the environment variables of Ruby mean, and what is wrong with others."""

import pytest

from pyresque.config import (
    Config,
    Polling,
    Stopping,
    Unknown,
    WorkerOptions,
    environment,
    split_queues,
)  # fmt: skip
from pyresque.errors import ConfigError


def test_an_empty_environment():
    """Ruby's defaults, but for what becomes of the job at hand when the worker is to leave."""
    config = Config.from_env({})
    assert config == Config()
    assert (config.server, config.namespace, config.queues, config.count) == (
        "localhost:6379",
        None,
        None,
        None,
    )
    assert config.worker == WorkerOptions()
    assert config.worker.polling == Polling(5.0, None, None, 0.1)
    stopping = config.worker.stopping
    assert (stopping, stopping.patience, stopping.grace) == (Stopping(), 25.0, 5.0)
    assert (config.worker.unknown, config.worker.fork_per_job) == (Unknown("leave"), True)
    assert (config.verbosity, config.failure_backend, config.environment) == (0, "redis", "development")


@pytest.mark.parametrize(
    ("env", "server"),
    [({"REDIS_URL": "a", "RESQUE_REDIS_URL": "b"}, "a"), ({"RESQUE_REDIS_URL": "b"}, "b"),
     ({"REDIS_URL": "", "RESQUE_REDIS_URL": "b"}, "b")],
)  # fmt: skip
def test_where_redis_is(env, server):
    """REDIS_URL, else RESQUE_REDIS_URL; an empty one does not count."""
    assert Config.from_env(env).server == server


@pytest.mark.parametrize(
    ("env", "queues"),
    [({"QUEUE": "a"}, ("a",)), ({"QUEUES": "a,b"}, ("a", "b")), ({"QUEUES": "b", "QUEUE": "a"}, ("b",)),
     ({"QUEUES": "", "QUEUE": "a"}, ()), ({"QUEUE": " a , *, !b,"}, ("a", "*", "!b")), ({}, None)],
)  # fmt: skip
def test_queues(env, queues):
    """QUEUES before QUEUE, also an empty one; split at commas and trimmed."""
    assert Config.from_env(env).queues == queues


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,,b", ("a", "", "b")),
        ("a,,", ("a",)),
        (",", ()),
        ("", ()),
        ("{a,b}", ("{a", "b}")),
        ("! low", ("! low",)),
    ],
)
def test_split_queues(text, names):
    """As Ruby splits: empty names between commas stay, those at the end vanish."""
    assert split_queues(text) == names


@pytest.mark.parametrize("value", ["1", "0", "false", ""])
def test_switches_count_for_any_value(value):
    """TERM_CHILD and the like are set by being there, whatever they hold."""
    names = ("TERM_CHILD", "GRACEFUL_TERM", "RUN_AT_EXIT_HOOKS", "BACKGROUND", "VVERBOSE")
    config = Config.from_env(dict.fromkeys(names, value))
    stopping = config.worker.stopping
    assert (stopping.term_child, stopping.graceful_term, stopping.run_at_exit_hooks) == (True, True, True)
    assert (config.background, config.verbosity) == (True, 2)
    assert Config.from_env({"VERBOSE": value}).verbosity == Config.from_env({"LOGGING": value}).verbosity == 1


@pytest.mark.parametrize(
    ("value", "forks"), [("false", False), ("FALSE", True), ("0", True), ("", True), ("true", True)]
)
def test_fork_per_job(value, forks):
    """Exactly the text `false` switches the fork off."""
    assert Config.from_env({"FORK_PER_JOB": value}).worker.fork_per_job is forks


def test_times_of_the_worker():
    """Numbers of seconds as text; empty timeouts are 0."""
    env = {"INTERVAL": "0.5", "MAX_INTERVAL": "60", "MIN_INTERVAL": "0", "BACKOFF_INTERVAL": "1e1"}
    env |= {"RESQUE_TERM_TIMEOUT": "", "RESQUE_PRE_SHUTDOWN_TIMEOUT": "7"}
    worker = Config.from_env(env).worker
    assert worker.polling == Polling(0.5, 60.0, 0.0, 10.0)
    assert (worker.stopping.term_timeout, worker.stopping.pre_shutdown_timeout) == (0.0, 7.0)


@pytest.mark.parametrize(
    "name", ["INTERVAL", "MAX_INTERVAL", "MIN_INTERVAL", "BACKOFF_INTERVAL", "RESQUE_TERM_TIMEOUT"]
)
@pytest.mark.parametrize("value", ["x", "-1", "nan", "inf", "1,5"])
def test_times_that_are_none(name, value):
    """The text names the variable and what to write."""
    with pytest.raises(ConfigError, match=f"{name}='{value}'.*write for example {name}="):
        Config.from_env({name: value})


@pytest.mark.parametrize("name", ["INTERVAL", "MAX_INTERVAL"])
def test_an_empty_interval_is_an_error(name):
    """Ruby's worker does not start with it either."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env({name: ""})


def test_count_pidfile_prefix_and_backend():
    """The rest of Ruby's variables."""
    env = {
        "COUNT": "3",
        "PIDFILE": "/tmp/p",
        "RESQUE_PROCLINE_PREFIX": "app",
        "FAILURE_BACKEND": "redis_multi_queue",
    }
    config = Config.from_env(env)
    assert (config.count, config.pidfile, config.worker.procline_prefix) == (3, "/tmp/p", "app")
    assert config.failure_backend == "redis_multi_queue"


@pytest.mark.parametrize(
    "env", [{"COUNT": "0"}, {"COUNT": "x"}, {"COUNT": "-1"}, {"FAILURE_BACKEND": "airbrake"}]
)
def test_values_that_mean_nothing(env):
    """Told, not ignored."""
    with pytest.raises(ConfigError, match=next(iter(env))):
        Config.from_env(env)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "development"),
        ({"RACK_ENV": "a"}, "a"),
        ({"RAILS_ENV": "b", "RACK_ENV": "a"}, "b"),
        ({"RAILS_ENV": ""}, "development"),
    ],
)
def test_the_environment_s_name(env, name):
    """RAILS_ENV, else RACK_ENV, else development."""
    assert environment(env) == name
