"""Settings: the file, PYRESQUE_* and Ruby's variables, which of them wins, and what wrong ones say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyresque.config.settings import Rank, load
from pyresque.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the current one; its name is in no message."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def value(folder: Path, command: str, name: str, **env: str) -> object:
    return load(folder, env).find(command, name).value


OWN, PROJECT = "pyresque.toml", "pyproject.toml"


def test_nothing_is_set(folder: Path) -> None:
    """Every setting has its default, and says so."""
    settings = load(folder, {})
    assert settings.file is None
    assert set(settings.sources.values()) == {"default"}
    assert value(folder, "", "redis") == "localhost:6379"
    assert value(folder, "work", "drain") == 25
    assert value(folder, "scheduler", "lock-timeout") == 180


# --- the file -----------------------------------------------------------------------------------------


def test_the_nearest_file_counts(folder: Path) -> None:
    """Upwards from the current directory; pyresque.toml before pyproject.toml, which must have the table."""
    inner = folder / "a/b"
    inner.mkdir(parents=True)
    (folder / PROJECT).write_text('[tool.pyresque]\nnamespace = "far"')
    assert value(inner, "", "namespace") == "far"
    (folder / "a" / PROJECT).write_text('[project]\nname = "pyresque-app"')
    assert value(inner, "", "namespace") == "far"
    (folder / "a" / PROJECT).write_text('[tool.pyresque]\nnamespace = "near"')
    assert value(inner, "", "namespace") == "near"
    (folder / "a" / OWN).write_text('namespace = "own"')
    assert value(inner, "", "namespace") == "own"
    (inner / OWN).touch()
    assert value(inner, "", "namespace") == "resque"


def test_a_file_may_be_named(folder: Path) -> None:
    """PYRESQUE_SETTINGS names one, of either form; no other is looked for."""
    (folder / OWN).write_text('namespace = "here"')
    (folder / "other.toml").write_text('namespace = "there"')
    assert value(folder, "", "namespace", PYRESQUE_SETTINGS="other.toml") == "there"
    assert value(folder, "", "namespace", PYRESQUE_SETTINGS="") == "here"
    assert value(folder, "", "namespace", PYRESQUE_SETTINGS=os.devnull) == "resque"
    with pytest.raises(ConfigError, match=r"cannot read no\.toml: No such file.*PYRESQUE_SETTINGS names it"):
        load(folder, {"PYRESQUE_SETTINGS": "no.toml"})


def test_the_file_of_another_user_is_not_read_where_everybody_may_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may name modules, whose code would run."""
    shared, below = folder / "shared", folder / "shared/mine"
    below.mkdir(parents=True)
    (shared / OWN).write_text('namespace = "theirs"')
    assert value(below, "", "namespace") == "theirs"
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    os.chown(shared / OWN, os.geteuid() or 54321, -1)
    assert value(below, "", "namespace") == "theirs"
    shared.chmod(0o1777)
    assert value(below, "", "namespace") == "resque"


def test_where_nobody_may_look(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was removed, and a project's file that is another user's: there are no settings."""
    (folder / PROJECT).write_text('[tool.pyresque]\nnamespace = "theirs"')
    monkeypatch.setattr(os, "access", lambda path, _: False)
    assert load(folder, {}).file is None
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load(env={}).file is None


def test_tables_of_commands(folder: Path) -> None:
    """What stands in the table of a command wins there; all commands have what stands at the top."""
    (folder / OWN).write_text(
        'start-timeout = 7\nrequire = ["app.jobs"]\nno_fork = true\n'
        '[work]\ninterval = 2\nrequire = "app.more"\n[scheduler]\ninterval = 0.5\nstart-timeout = 8'
    )
    assert value(folder, "work", "start-timeout") == 7
    assert value(folder, "scheduler", "start-timeout") == 8
    assert (value(folder, "work", "interval"), value(folder, "scheduler", "interval")) == (2, 0.5)
    assert (value(folder, "work", "require"), value(folder, "scheduler", "require")) == (
        ["app.more"],
        ["app.jobs"],
    )
    assert value(folder, "work", "no-fork") is True
    sources = load(folder, {}).sources
    assert sources["work.interval"] == "pyresque.toml [work] interval"
    assert sources["work.no-fork"] == "pyresque.toml no_fork"


def test_paths_begin_where_the_file_lies(folder: Path) -> None:
    """Of files, and of modules that are written as files."""
    (folder / "sub").mkdir()
    (folder / OWN).write_text(
        'require = ["app.jobs", "lib/more.py"]\nschedule = "a.yml"\n[work]\npidfile = "/run/x"'
    )
    assert value(folder / "sub", "", "require") == ["app.jobs", str(folder / "lib/more.py")]
    assert value(folder / "sub", "scheduler", "schedule") == str(folder / "a.yml")
    assert value(folder / "sub", "work", "pidfile") == "/run/x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reddis = 'x'", "pyresque.toml: reddis is not a setting: did you mean redis?"),
        ("[wrok]\ndrain = 1", "pyresque.toml: wrok is not a setting: did you mean work?"),
        ("zzz = 1", "pyresque.toml: zzz is not a setting: `pyresque config` lists all"),
        ("[work]\ndrian = 1", "pyresque.toml, [work]: drian is not a setting of work: did you mean drain?"),
        ("[work]\ncatch-up = 'all'", "catch-up is not a setting of work, but of scheduler"),
        (
            "interval = 1",
            "interval is a setting of work, scheduler and top: write it in [work], [scheduler] or [top]",
        ),
        ("drain = '25'", "pyresque.toml: drain must be a number of seconds, not '25'"),
        ("drain = true", "drain must be a number of seconds, not true"),
        ("drain = nan", "drain must be a number of seconds, not nan"),
        ("drain = -1", "drain must be a number of seconds, not -1"),
        ("concurrency = 2.0", "concurrency must be a whole number above 0, not 2.0"),
        ("concurrency = 0", "concurrency must be a whole number above 0, not 0"),
        ("verbose = true", "verbose must be a whole number, not true"),
        ("burst = 1", "burst must be true or false, not 1"),
        ("burst = 'yes'", "burst must be true or false, not 'yes'"),
        ("queues = 5", "queues must be a list of queues, not 5"),
        ("queues = ['a', 5]", "queues must be a list of queues, not a list"),
        ("queues = ''", "queues must be a list of queues, not ''"),
        ("namespace = 1979-05-27", "namespace must be a text, not a date or time"),
        ("namespace = ''", "namespace must be a text, not ''"),
        ('[work]\npidfile = "a\\u0000b"', "pidfile must be the path of a file, not 'a\\x00b'"),
        ('require = ["a\\u0000"]', "require must be a list of modules, not a list"),
        ("[namespace]\nx = 1", "namespace must be a text, not a table"),
        ("unknown = 'drop'", "unknown must be leave, fail or park=QUEUE, not 'drop'"),
        ("recover = 3", "recover must be fail, requeue or requeue=TIMES, not 3"),
        ("json-style = 'python'", "json-style must be one of ruby, ruby-json2.10, rails, rails-json2.10"),
        (
            "max-age = []",
            'max-age must be a length of time such as "10min", or a number of seconds',
        ),
        ("lock-timeout = 0", "lock-timeout must be a number of seconds above 0, not 0"),
        ("work = 5", "pyresque.toml: work must be a table: write [work]"),
        ("queue = 'a'\nqueues = ['b']", "pyresque.toml: queue and queues are one setting: write one of them"),
        ("redis = 5", "redis must be a Redis URL, not a int"),
        ("x = [", "cannot read pyresque.toml: it is not TOML: "),
        ("redis = 'a'\nredis = 'b'", "cannot read pyresque.toml: it is not TOML: "),
    ],
)
def test_what_a_file_cannot_say(folder: Path, text: str, told: str) -> None:
    """One line names the file, the key, what it must be, and a setting that may have been meant."""
    (folder / OWN).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(folder, {})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.pyresque]\nreddis = 1", "pyproject.toml, [tool.pyresque]: reddis is not a setting"),
        (
            "[tool.pyresque.work]\ndrian = 1",
            "pyproject.toml, [tool.pyresque.work]: drian is not a setting of",
        ),
        ("[tool.pyresque]\ninterval = 1", "write it in [tool.pyresque.work], [tool.pyresque.scheduler] or"),
        ("[tool]\npyresque = 5", "pyproject.toml: tool.pyresque must be a table: write [tool.pyresque]"),
        ("[tool.pyresque", "cannot read pyproject.toml: it is not TOML: "),
    ],
)
def test_what_pyproject_toml_cannot_say(folder: Path, text: str, told: str) -> None:
    """The same with its headings."""
    (folder / PROJECT).write_text(text)
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(folder, {})


@pytest.mark.parametrize("data", [b"\xff = 1", b"a = " + b"[" * 5000, b'redis = "redis://:geheim@h', b"\0"])
def test_bytes_that_are_no_toml(folder: Path, data: bytes) -> None:
    """Told in one line, without what stands in the file."""
    (folder / OWN).write_bytes(data)
    with pytest.raises(ConfigError, match=r"cannot read pyresque\.toml: it is not TOML") as caught:
        load(folder, {})
    assert "geheim" not in str(caught.value)


def test_no_message_shows_a_password(folder: Path) -> None:
    """Wherever the URL stands wrongly."""
    for text in (
        "redis = ['redis://:geheim@h/0']",
        "redis-ulr = 'redis://:geheim@h'",
        "[redis]\nurl = 'geheim'",
    ):
        (folder / OWN).write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(folder, {})
        assert "geheim" not in str(caught.value)


# --- who wins -----------------------------------------------------------------------------------------


def test_pyresque_then_rubys_variables_then_the_file(folder: Path) -> None:
    """Within PYRESQUE_*, too, what is said for the command wins."""
    (folder / OWN).write_text('queues = ["file"]')
    env: dict[str, str] = {}
    for variable, held, rank in (
        ("", ["file"], Rank.FILE),
        ("QUEUE", ["ruby"], Rank.RUBY),
        ("PYRESQUE_QUEUES", ["all"], Rank.PYRESQUE),
        ("PYRESQUE_WORK_QUEUE", ["own"], Rank.PYRESQUE),
    ):
        if variable:
            env[variable] = held[0]
        found = load(folder, env).find("work", "queues")
        assert (found.value, found.rank) == (held, rank)
        assert variable in (found.source, "")


@pytest.mark.parametrize(
    ("env", "name", "held"),
    [
        ({"PYRESQUE_DRAIN": "7.5"}, "drain", 7.5),
        ({"PYRESQUE_CONCURRENCY": "3"}, "concurrency", 3),
        ({"PYRESQUE_QUEUES": "a, b,,c"}, "queues", ["a", "b", "c"]),
        ({"PYRESQUE_BURST": "Yes"}, "burst", True),
        ({"PYRESQUE_BURST": ""}, "burst", False),
        ({"PYRESQUE_NO_FORK": "0", "FORK_PER_JOB": "false"}, "no-fork", False),
        ({"PYRESQUE_VERBOSE": "0", "VVERBOSE": "1"}, "verbose", 0),
        ({"PYRESQUE_WORK_INTERVAL": "1"}, "interval", 1),
        ({"FORK_PER_JOB": "false"}, "no-fork", True),
        ({"TERM_CHILD": ""}, "drain", 0),
        ({"QUEUES": ""}, "queues", ()),
        ({"QUEUES": "a,b"}, "queues", ["a", "b"]),
        ({"VVERBOSE": ""}, "verbose", 2),
    ],
)
def test_variables(folder: Path, env: dict[str, str], name: str, held: object) -> None:
    """PYRESQUE_*, where an empty one does not count, and Ruby's, as Ruby reads them."""
    (folder / OWN).write_text("drain = 1")
    assert value(folder, "work", name, **env) == held


def test_what_pyresque_says_is_not_said_by_rubys_variable_as_well(folder: Path) -> None:
    """PYRESQUE_VERBOSE=0 wins over VVERBOSE=1 where the two are put together, too."""
    env = {"PYRESQUE_VERBOSE": "0", "VVERBOSE": "1", "PYRESQUE_NO_FORK": "0", "FORK_PER_JOB": "false"}
    config = load(folder, env).config
    assert (config.verbosity, config.worker.fork_per_job) == (0, True)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("PYRESQUE_DRAIN", "soon", "PYRESQUE_DRAIN must be a number of seconds, not 'soon'"),
        ("PYRESQUE_DRIAN", "5", "PYRESQUE_DRIAN is not a setting: did you mean PYRESQUE_DRAIN?"),
        ("PYRESQUE_BURST", "maybe", "PYRESQUE_BURST must be 1 or 0, true or false, not 'maybe'"),
        ("PYRESQUE_CONCURRENCY", "2.5", "PYRESQUE_CONCURRENCY must be a whole number above 0, not '2.5'"),
        (
            "PYRESQUE_INTERVAL",
            "5",
            "PYRESQUE_INTERVAL does not say which command it is for: "
            "set PYRESQUE_WORK_INTERVAL, PYRESQUE_SCHEDULER_INTERVAL or PYRESQUE_TOP_INTERVAL",
        ),
    ],
)
def test_variables_that_mean_nothing(folder: Path, name: str, text: str, told: str) -> None:
    """Told, not ignored."""
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(folder, {name: text})


def test_variables_of_other_programs_are_left_alone(folder: Path) -> None:
    """Those that a Kubernetes service makes, and our own that are not settings."""
    services = [
        f"PYRESQUE_{name}{part}"
        for name in ("", "WORK_", "WORKER_", "SCHEDULER_", "REDIS_", "QUEUE_")
        for part in (
            "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR",
            "PORT_80_TCP_PROTO",
        )
    ]  # fmt: skip
    others = ["PYRESQUE_POOL", "PYRESQUE_REDIS_SERVER", "PYRESQUE_RUBY", "PYRESQUE_CHAOS_SEED", "PYRESQUE_X"]
    assert set(load(folder, dict.fromkeys([*services, *others], "tcp://1")).sources.values()) == {"default"}


@pytest.mark.parametrize(
    ("env", "options", "left"),
    [
        ({}, {"queues"}, {"jobs-per-fork"}),
        ({}, {"concurrency"}, {"jobs-per-fork"}),
        ({}, {"async-concurrency"}, {"pool-file"}),
        ({}, {"no-fork"}, {"pool-file"}),
        ({"QUEUE": "a"}, set(), {"jobs-per-fork"}),
        ({"PYRESQUE_CONCURRENCY": "2"}, set(), {"jobs-per-fork", "concurrency"}),
        ({"FORK_PER_JOB": "false"}, set(), {"pool-file"}),
        ({"FORK_PER_JOB": "true"}, set(), {"pool-file", "jobs-per-fork"}),
        ({"PYRESQUE_NO_FORK": "0"}, set(), {"pool-file", "jobs-per-fork", "no-fork"}),
    ],
)
def test_what_excludes_a_setting_of_the_file(
    folder: Path, env: dict[str, str], options: set[str], left: set[str]
) -> None:
    """`work -q x` is meant, though the file names a pool file: they exclude one another, and it is nearer."""
    (folder / OWN).write_text('pool-file = "pool.yml"\njobs-per-fork = 5')
    assert set(load(folder, env).given("work", options)) == left


@pytest.mark.parametrize(
    ("file", "env", "server", "namespace", "chosen"),
    [
        ("", {}, None, None, ("localhost:6379", None)),
        ('redis = "a/x"', {}, None, None, ("a/x", "x")),
        ('redis = "a/x"\nnamespace = "n"', {}, None, None, ("a/x", "n")),
        ('namespace = "n"', {"REDIS_URL": "a/x"}, None, None, ("a/x", "x")),
        ('namespace = "n"', {"REDIS_URL": "a"}, None, None, ("a", "n")),
        ("", {"REDIS_URL": "a/x", "RESQUE_NAMESPACE": "r"}, None, None, ("a/x", "r")),
        ("", {"REDIS_URL": "a/x", "PYRESQUE_REDIS": "b"}, None, None, ("b", None)),
        ("", {"REDIS_URL": "a/x", "PYRESQUE_REDIS_URL": "b/y"}, None, None, ("b/y", "y")),
        ("", {"RESQUE_NAMESPACE": "r", "PYRESQUE_REDIS": "b/y"}, None, None, ("b/y", "y")),
        ("", {"RESQUE_NAMESPACE": "r"}, "c/z", None, ("c/z", "z")),
        ("", {"RESQUE_NAMESPACE": "r"}, "c", None, ("c", "r")),
        ("", {"PYRESQUE_NAMESPACE": "p"}, "c/z", "n", ("c/z", "n")),
        ("", {"COUNT": "no number"}, None, None, ("localhost:6379", None)),
    ],
)
def test_server_and_namespace(
    folder: Path,
    file: str,
    env: dict[str, str],
    server: str | None,
    namespace: str | None,
    chosen: tuple[str, str | None],
) -> None:
    """A namespace may stand in the server setting: it is as near to the command line as that is."""
    (folder / OWN).write_text(file)
    setting = load(folder, env).redis_setting(server, namespace)
    assert (setting.server, setting.namespace) == chosen


def test_without_a_file_no_toml_is_read(folder: Path) -> None:
    """The command line starts as fast as before: tomllib is imported only where there is a file."""
    (folder / PROJECT).write_text('[project]\nname = "app"')
    code = (
        "import sys; from pyresque.config.settings import load; load(); "
        "print({'tomllib', 'difflib'} & set(sys.modules))"
    )
    env = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder, env=env
    )
    assert done.stdout == "set()\n"
