"""Settings: the environment variables of Ruby, server settings, and what is wrong with them."""

import dataclasses

import pytest

from pyresque.config import (
    Config,
    Polling,
    Server,
    Stopping,
    Unknown,
    WorkerOptions,
    environment,
    parse_server,
    split_queues,
)  # fmt: skip
from pyresque.errors import ConfigError
from pyresque.store.connection.address import Address

# --- the server (docs/protocol/core.md#the-server-setting) ------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "namespace"),
    [
        ("localhost", "redis://localhost:6379/0", None),
        ("localhost:7000", "redis://localhost:7000/0", None),
        ("localhost:7000:2", "redis://localhost:7000/2", None),
        ("localhost:7000/app", "redis://localhost:7000/0", "app"),
        ("localhost:7000:2/app", "redis://localhost:7000/2", "app"),
        ("localhost/app", "redis://localhost:6379/0", "app"),
        ("h:7000/a/b", "redis://h:7000/0", "a/b"),
        ("h:7000/app:one", "redis://h:7000/0", "app:one"),
        ("h:7000/", "redis://h:7000/0", ""),
        (" h:7000 ", "redis://h:7000/0", None),
        ("redis://h:7000/2", "redis://h:7000/2", None),
        ("redis://h", "redis://h", None),
        ("rediss://user:p%40w@h:7000/2", "rediss://user:p%40w@h:7000/2", None),
        ("redis://[::1]:7000/1", "redis://[::1]:7000/1", None),
        ("redis://h:1/2/", "redis://h:1/2", None),
        ("redis://h:1/", "redis://h:1", None),
        ("redis://h:1/2#note", "redis://h:1/2", None),
        ("redis://h:1/4?db=4", "redis://h:1/4?db=4", None),
        ("redis://:a:b@h:1/4", "redis://:a:b@h:1/4", None),
        ("unix:///tmp/redis.sock?db=1", "unix:///tmp/redis.sock?db=1", None),
    ],
)
def test_forms_of_the_server_setting(text, url, namespace):
    """Every form that Ruby Resque takes, and unix:// of ours."""
    assert parse_server(text) == Server(url, namespace)


@pytest.mark.parametrize(
    "text",
    ["", "/app", "h:port", "h:0", "h:70000", "h:1:x", "a b", "[::1]:7000", "redis://h:1/app", "redis://h:1/2/app",
     "redis://h:1//2", "REDIS://h", "valkey://h", "http://h", "redis://h:port", "redis://h:99999"],
)  # fmt: skip
def test_server_settings_that_cannot_be_read(text):
    """Each is a ConfigError that shows the text."""
    with pytest.raises(ConfigError) as caught:
        parse_server(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["redis://h:1?db=4", "redis://h:1/?db=4", "redis://h:1/2?db=4", "redis://h/0?db=x"]
)
def test_a_database_in_the_query_is_refused_with_the_form_that_every_ruby_reads(text):
    """redis-rb 4 ignores it, newer ones take it where the path has none."""
    with pytest.raises(ConfigError, match=r"redis://host:port/[43]"):
        parse_server(text)


SECRET = "s3c"
LEAKS = [
    "redis://:s3cret@h:1/x", "redis://:s3cret@h:port/0", "redis://:s3cret@h/with/slash", "redis://:s3c/ret@h:1/0",
    "redis://:s3c#ret@h:1/0", "redis://:s3c?ret@h:1/0", "redis://:s3c@ret@h:1/x", ":s3cret@h:1", "s3cret@h:1",
    "user:s3cret@h:1/0", "Redis://:s3cret@h:1/0", "http://:s3cret@h:1/0", "redis://h:1/0?password=s3cret&db=x",
    "redis://h:1/zz?password=s3cret", "redis+sentinel://:s3cret@h:1/", "redis+sentinel://h:x/svc?sentinel_password=s3cret",
    "redis+sentinel://h:1/svc?sentinel_password=s3cret&db=q", "redis+sentinel://h:1/svc/q?sentinel_password=s3cret",
    "unix:///nope?password=s3cret&db=q", "redis://[::1:s3cret@x", "redis:s3cret@h", "redis//:s3cret@h:1/0",
    "redis:/:s3cret@h:1/0", "redis://:s3cret:h:1", "redis://user:s3cret:h:1/x", "rediss://:s3cret@[::1/0",
    "redis://h:1/zz#s3cret", "redis+sentinel://:s3c#ret@h:1/svc", "redis+sentinel://:s3c/ret@h:1/svc",
    "unix://:s3c/ret@/tmp/x?db=y", ":s3cret",
]  # fmt: skip


@pytest.mark.parametrize("text", LEAKS)
def test_no_part_of_a_password_is_shown(text):
    """Errors go to logs; a password may hold any character, and stand in the query."""
    with pytest.raises(ConfigError) as caught:
        Address.parse(parse_server(text).url)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("redis://:p%25w@h/0", "", "p%w"),
        ("redis://u:p%40@h/0", "u", "p@"),
        ("redis://secret@h/0", "", "secret"),
        ("unix:///tmp/s?password=p%2525", "", "p%25"),
        ("redis://h/0", "", ""),
    ],
)
def test_login(url, username, password):
    """Percent-encoded once; without a colon it is the password, as in redis-rb since 5."""
    found = Address.parse(parse_server(url).url)
    assert (found.username, found.password) == (username, password)


# --- the environment (docs/protocol/core.md#environment-variables) ----------------------------------


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
