"""`pyresque schedule`."""

import json
import time

from pyresque.cli.json_output import timestamp
from pyresque.wire import times

LOCK = "resque:resque:resque_scheduler_master_lock"


def test_schedule_set_list_show_next_run_remove(stage, run):
    """The schedule in Redis, and who is master since when."""
    assert "no entries" in run("schedule")
    assert "no scheduler is master" in run("schedule", "list")
    entry = {"class": "Report", "cron": "0 3 * * * Europe/Berlin", "queue": "reports", "args": [1]}
    assert run("schedule", "set", "nightly", json.dumps(entry)).startswith("set nightly; next ")
    stage.redis("HSET", "resque:persistent_schedules", "broken", "no json")
    since = int(time.time()) - 60
    stage.redis("SET", LOCK, f"host:5:{since}-0123456789ab", "EX", 100)
    shown = run("schedule", "list")
    assert f"master: host:5:{since}-0123456789ab (since {times.started(since)}" in shown
    assert "refused: it is not JSON" in shown
    *rows, last = map(json.loads, run("schedule", "list", "--json").splitlines())
    assert [row["name"] for row in rows] == ["broken", "nightly"]
    assert last["master"]["since"] == timestamp(since)
    assert "Europe/Berlin" in run("schedule", "show", "nightly")
    found = json.loads(run("schedule", "next", "nightly", "-n", "3", "--json"))
    assert len(found["next"]) == 3
    assert run("schedule", "run", "nightly") == "queued nightly\n"
    assert stage.queue("reports") == [b'{"class":"Report","args":[1]}']
    assert run("schedule", "remove", "--yes", "nightly").endswith("\nremoved nightly\n")
    assert "there is no entry nightly" in run("schedule", "remove", "nightly", status=1)
    assert "there is no entry nightly" in run("schedule", "show", "nightly", status=1)


def test_schedule_run_merges_parameters(stage, run):
    """As the form of "Queue now" does: texts, each declared one, its default where it is not given."""
    entry = {
        "class": "A", "every": "1h", "queue": "q", "args": {"x": 1, "d": "old"},
        "parameters": {"d": {"description": "day", "default": "today"}, "n": {"default": 5}, "e": None,
                       "f": {"default": False}, "t": {"default": True}},
    }  # fmt: skip
    run("schedule", "set", "a", json.dumps(entry))
    run("schedule", "set", "b", json.dumps({**entry, "args": [1]}))
    run("schedule", "set", "c", json.dumps({"class": "A", "every": "1h", "queue": "q", "args": [7]}))
    assert run("schedule", "run", "a", "d=2026-01-01", "e=") == "queued a\n"
    assert run("schedule", "run", "a", "e=u=v") == "queued a\n"
    assert stage.resque.run_schedule("a", {"e": [2], "n": 6})
    assert stage.resque.run_schedule("a")
    assert [json.loads(raw)["args"] for raw in stage.queue("q")] == [
        [{"x": 1, "d": "2026-01-01", "n": "5", "e": "", "f": "", "t": "true"}],
        [{"x": 1, "d": "today", "n": "5", "e": "u=v", "f": "", "t": "true"}],
        [{"x": 1, "d": "today", "n": 6, "e": [2], "f": "", "t": "true"}],
        [{"x": 1, "d": "old"}],
    ]
    assert "a needs e: give each as NAME=VALUE" in run("schedule", "run", "a", status=1)
    assert "has no parameter day; it has d, n" in run("schedule", "run", "a", "day=1", "e=", status=1)
    assert "must be one mapping" in run("schedule", "run", "b", "e=", status=1)
    assert "takes no parameters" in run("schedule", "run", "c", "e=", status=1)
    assert "is not KEY=VALUE" in run("schedule", "run", "a", "e", status=2)
    assert len(stage.queue("q")) == 4


def test_schedule_diff_compares_a_file_with_redis(stage, run, tmp_path):
    """Exit status 1 where something differs, or an entry of the file is refused."""
    path = tmp_path / "schedule.yml"
    path.write_text("a: {class: A, every: 1h, queue: q}\n")
    stage.redis("HSET", "resque:persistent_schedules", "a", '{"class":"A","every":"1h","queue":"q"}')
    assert run("schedule", "diff", str(path)) == "no difference\n"
    path.write_text(
        "a: {class: A, every: 2h, queue: q}\nb: {class: B, every: 1h, queue: q}\nc: {every: never}\n"
    )
    stage.redis("HSET", "resque:persistent_schedules", "d", '{"class":"D","every":"1h"}')
    lines, legend = run("schedule", "diff", str(path), status=1).split("\n\n")
    assert [line.split()[:2] for line in lines.splitlines()] == [
        ["differs", "a"], ["file", "b"], ["refused", "c:"], ["redis", "d"],
    ]  # fmt: skip
    assert [line.split()[0] for line in legend.splitlines()] == ["differs", "file", "redis", "refused"]
    found = [json.loads(line) for line in run("schedule", "diff", str(path), "--json", status=1).splitlines()]
    assert [one["what"] for one in found] == ["differs", "file", "refused", "redis"]


def test_schedule_list_says_which_entries_of_a_file_are_hidden(stage, run, tmp_path):
    """Redis wins over a file, as in Ruby; nobody would see it otherwise."""
    path = tmp_path / "schedule.yml"
    path.write_text(
        "a: {class: A, every: 1h, queue: q}\nb: {class: B, every: 1h, queue: q}\nc: {every: 1h}\n"
    )
    stage.redis("HSET", "resque:persistent_schedules", "a", '{"class":"A","every":"2h","queue":"q"}')
    stage.redis("HSET", "resque:persistent_schedules", "b", '{"class":"B","every":"1h","queue":"q"}')
    shown = run("schedule", "list", "--schedule", str(path))
    assert f"a: the entry in Redis counts, not the one of {path}" in shown
    assert "b: the entry" not in shown


FILE = """
soon: {class: Mail, every: 1h, queue: mail, args: [1]}
Mail: {cron: "0 3 * * *", queue: mail, rails_env: production}
bad: {every: never}
stored: {class: A, every: 1h, queue: q}
"""


def test_entries_of_a_file_are_listed_shown_and_run(stage, console, tmp_path):
    """They are not in Redis; each says where it comes from, and for which environment it is."""
    path = tmp_path / "schedule.yml"
    path.write_text(FILE)
    stage.redis("HSET", "resque:persistent_schedules", "stored", '{"class":"A","every":"1h","queue":"q"}')
    assert console.shown("schedule").splitlines()[1].split()[:3] == ["stored", "redis", "A"]
    shown = console.shown("schedule", "list", "-f", str(path))
    rows = {line.split()[0]: line for line in shown.splitlines()[1:5]}
    assert {name: rows[name].split()[1] for name in rows} == {
        "Mail": "file", "bad": "file", "soon": "file", "stored": "redis",
    }  # fmt: skip
    assert "(only production)" in rows["Mail"]
    assert "refused: " in rows["bad"]
    found = {one.get("name"): one for one in console.documents("schedule", "list", "-f", str(path))}
    assert (found["soon"]["source"], found["stored"]["source"]) == ("file", "redis")
    assert found["Mail"]["next"]
    elsewhere = console.run("schedule", "list", "-f", str(path), "--json", RAILS_ENV="staging")
    found = {one.get("name"): one for one in map(json.loads, elsewhere.stdout.splitlines())}
    assert (found["Mail"]["runs_here"], found["Mail"]["next"], found["soon"]["runs_here"]) == (
        False,
        None,
        True,
    )
    assert "from      file" in console.shown("schedule", "show", "soon", "-f", str(path))
    assert console.shown("schedule", "next", "soon", "-f", str(path)).startswith("soon: 2")
    assert console.shown("schedule", "run", "soon", "-f", str(path)) == "queued soon\n"
    assert stage.queue("mail") == [b'{"class":"Mail","args":[1]}']
    assert "there is no entry soon" in console.run("schedule", "show", "soon").stderr


def test_the_settings_name_the_file(stage, console, tmp_path):
    """Then it need not be named again, by whatever only looks."""
    path = tmp_path / "schedule.yml"
    path.write_text(FILE)
    settings = {"PYRESQUE_SCHEDULER_SCHEDULE": str(path)}
    assert "soon  " in console.shown("schedule", **settings)
    assert console.run("schedule", "diff", **settings).exit_code == 1
    assert "which schedule file?" in console.run("schedule", "diff").stderr
    assert "\nnext entry      " in console.shown("scheduler", "status", **settings)


def test_when_an_entry_runs_next_counts_from_its_last_run(stage, console):
    """As the scheduler counts; an entry whose time is over is refused, and not an error of the list."""
    now = int(time.time())
    entry = '{"class":"A","every":"2h","queue":"q"}'
    stage.redis("HSET", "resque:persistent_schedules", "a", entry)
    stage.redis("HSET", "resque:delayed:last_enqueued_at", "a", times.started(now - 3600))
    over = '{"class":"A","every":["1h",{"first_at":"2020-01-01"}],"queue":"q"}'
    stage.redis("HSET", "resque:persistent_schedules", "over", over)
    found = {one.get("name"): one for one in console.documents("schedule")}
    assert found["a"]["next"] == timestamp(now + 3600)
    assert (found["over"]["next"], found["over"]["refused"]) == (None, "its first run would be in the past")


def test_an_entry_is_the_same_wherever_its_class_is_written(stage, run, tmp_path):
    """It may be the name of the entry, in the file and in Redis; `diff`, `list` and the scheduler agree."""
    path = tmp_path / "schedule.yml"
    path.write_text(
        "A: {every: 1h, queue: q}\nB: {class: B, every: 1h, queue: q}\nC: {every: 1h, queue: q}\n"
    )
    for name, entry in {
        "A": '{"class":"A","every":"1h","queue":"q"}', "B": '{"every":"1h","queue":"q"}',
        "C": '{"class":"D","every":"1h","queue":"q"}',
    }.items():  # fmt: skip
        stage.redis("HSET", "resque:persistent_schedules", name, entry)
    lines = run("schedule", "diff", str(path), "--json", status=1).splitlines()
    found = {one["name"]: one["what"] for one in map(json.loads, lines)}
    assert found == {"A": "same", "B": "same", "C": "differs"}
    shown = run("schedule", "list", "--schedule", str(path))
    assert [name for name in "ABC" if f"{name}: the entry in Redis counts" in shown] == ["C"]


def test_an_erb_tag_is_named_with_its_line(run, tmp_path):
    """Before anything is started."""
    path = tmp_path / "schedule.yml"
    path.write_text("a:\n  class: A\n  cron: <%= ENV['CRON'] %>\n")
    for words in (("scheduler", "--schedule"), ("schedule", "diff")):
        shown = run(*words, str(path), status=2)
        assert "line 3" in shown
        assert "ERB" in shown
