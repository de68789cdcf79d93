"""Schedules in YAML files."""

import pytest

from pyresque.errors import ConfigError
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
