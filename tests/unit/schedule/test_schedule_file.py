"""Schedules in YAML files."""

import pytest

from pyresque.errors import ConfigError, InvalidSchedule
from pyresque.schedule.entry import Entry
from pyresque.schedule.schedule_file import read_file
from pyresque.scheduler.loaded_schedule import LoadedSchedule

TEXT = """
# <%= a comment is not a tag %>
queue_documents:
  cron: "0 0 * * *"
  class: QueueDocuments
  queue: high
  args:
    since: yesterday
  description: "once a day"
  rails_env: production
  custom_job_class: Resque::Job
  parameters: {since: {default: today}}
Report:
  every:
    - "1h"
    - first_in: 5m
  queue: low
:symbol:
  :every: 30s
  :class: Symbol
"""


@pytest.fixture
def schedule(tmp_path):
    """Reads a text as the schedule of a file."""

    def read(text):
        (tmp_path / "schedule.yml").write_text(text)
        return read_file(str(tmp_path / "schedule.yml"))

    return read


def test_every_key_of_the_format_is_read(schedule):
    """Names, symbols, options; the name serves as class where there is none."""
    table = LoadedSchedule("production", "UTC")
    table.static = schedule(TEXT)
    table.load({}, {}, 1800000000.0, "none")
    assert sorted(table.running) == ["Report", "queue_documents", "symbol"]
    assert table.running["Report"].entry.value["class"] == "Report"
    assert table.running["queue_documents"].entry.value["parameters"] == {"since": {"default": "today"}}


def test_an_erb_tag_is_an_error_that_names_the_line(schedule):
    """Only Ruby could fill it in."""
    with pytest.raises(ConfigError, match=r"line 2 of the schedule .*ERB"):
        schedule("a:\n  cron: <%= x %>\n")


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "just text"])
def test_what_is_no_schedule_is_refused(schedule, text):
    """With what there must be instead."""
    with pytest.raises(ConfigError):
        schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "a: " + "[" * 5000 + "]" * 5000 + "\n",
        "".join(f"{n}: &n{n} [{', '.join([f'*n{n - 1}'] * 9 if n else ['x'] * 9)}]\n" for n in range(9)),
    ],
    ids=["itself", "deep", "millions"],
)
def test_what_would_never_be_written_out_is_refused(schedule, text):
    """Anchors that hold themselves, or multiply, and lists too deep for a parser."""
    with pytest.raises(ConfigError, match=r"refers to itself, or is nested too deep|is not YAML"):
        schedule(text)


def test_an_empty_file_is_an_empty_schedule(tmp_path):
    """And a missing one an error."""
    (tmp_path / "s.yml").write_text("# nothing yet\n")
    assert read_file(str(tmp_path / "s.yml")) == {}
    with pytest.raises(ConfigError, match="cannot read"):
        read_file(str(tmp_path / "missing.yml"))


def test_only_what_has_changed_is_loaded_anew():
    """So `every` does not begin again when another entry changes.

    See docs/protocol/scheduler.md#where-jobs-get-lost-or-doubled.
    """
    table = LoadedSchedule(None, "UTC")
    stored = {"a": b'{"class":"A","every":"1h"}', "b": b'{"class":"B","every":"1h"}'}
    assert table.load(stored, {}, 1800000000.0, "none") == ["a", "b"]
    before = table.running["a"]
    assert table.load({**stored, "b": b'{"class":"B","every":"2h"}'}, {}, 1800000500.0, "none") == ["b"]
    assert table.running["a"] is before
    assert table.load({"b": stored["b"]}, {}, 1800000600.0, "none") == ["a", "b"]
    assert sorted(table.running) == ["b"]


@pytest.mark.parametrize(
    ("key", "told"),
    [("evry", "evry: did you mean every?"), ("Cron", "Cron: did you mean cron?"), ("note", None)],
)
def test_without_a_time_the_key_that_may_be_meant_is_named(key, told):
    """A typo in cron or every leaves the entry without either."""
    with pytest.raises(InvalidSchedule) as raised:
        Entry.read("e", {"class": "A", key: "5m"})
    assert str(raised.value) == "it has neither cron nor every" + (f"; {told}" if told else "")


@pytest.mark.parametrize(
    ("key", "told"),
    [("tz", "tz: the zone stands in the cron text, as in '0 3 * * * Europe/Berlin'"),
     ("queues", "queues: did you mean queue?"), ("arguments", None), ("owner", None), ("overlap", None)],
)  # fmt: skip
def test_a_key_that_looks_like_a_slip_is_told_when_it_is_loaded(key, told, schedule, caplog):
    """The entry counts all the same, for Ruby keeps keys that it does not know, too."""
    value = "skip" if key == "overlap" else "x"
    table = LoadedSchedule(None, "UTC")
    table.static = schedule(f'e:\n  class: A\n  queue: q\n  cron: "0 3 * * *"\n  {key}: {value}\n')
    table.load({}, {}, 0.0, "none")
    assert "e" in table.running
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warned == ([f"the entry e of the schedule: nothing reads {told}"] if told else [])


@pytest.mark.parametrize(("here", "told"), [(None, "none is set here"), ("test", "this is test")])
def test_an_entry_of_another_environment_is_told_with_the_option(here, told, schedule, caplog):
    """Which environment it is for, which this is, and how that is said."""
    caplog.set_level("INFO")
    table = LoadedSchedule(here, "UTC")
    table.static = schedule('e:\n  class: A\n  every: "1h"\n  rails_env: production\n')
    table.load({}, {}, 0.0, "none")
    assert table.running == {}
    said = f"e is only for the environment production, and {told} (-E, RAILS_ENV)"
    assert said in [record.getMessage() for record in caplog.records]
