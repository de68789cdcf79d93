"""YAML files mean to us what they mean to Ruby: nodes, entries, dates, ERB."""

import json
from pathlib import Path

import pytest

from pyresque import job
from pyresque.client.delayed_item import ready_entry
from pyresque.client.schedule_entries import check_queueable
from pyresque.errors import ConfigError
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry
from pyresque.schedule.schedule_file import read_file
from pyresque.scheduler.loaded_schedule import LoadedSchedule
from pyresque.yaml.reader import read_mapping

VECTORS = Path(__file__).parents[3] / "docs/protocol/conformance/vectors"
SCALARS, FILES, ENTRIES = (
    json.loads((VECTORS / f"yaml_{name}.json").read_text("utf-8")) for name in ("scalars", "files", "entries")
)


@pytest.mark.parametrize(("text", "what", "wanted"), FILES, ids=[repr(row[0][:60]) for row in FILES])
def test_a_file_holds_what_ruby_finds_in_it(tmp_path, text, what, wanted):
    """Tags, merges, keys of every kind, documents; what Ruby refuses is refused, as a whole or by name."""
    path = tmp_path / "file.yml"
    path.write_bytes(text.encode())
    try:
        items = read_mapping(str(path), "the file", "must hold a mapping")
    except ConfigError:
        assert what == "error" or any(value == {"__bad": "JSON::NestingError"} for _, value in wanted)
        return
    if what == "error":
        assert any(item.refused for item in items)
        return
    assert [item.name for item in items] == [name for name, _ in wanted]
    for item, (_, value) in zip(items, wanted, strict=True):
        if isinstance(value, dict) and "__bad" in value:
            assert item.refused
        else:
            assert (item.value, item.refused) == (value, "")


@pytest.fixture
def loaded(tmp_path):
    """Loads a text as the schedule of a file; gives the table and the registry."""

    def load(text):
        registry = Registry(WorkerHooks())
        job(queue="echo", name="Echo", registry=registry)(lambda *args: None)
        (tmp_path / "schedule.yml").write_text(text, "utf-8")
        table = LoadedSchedule("production", "UTC", lambda entry: check_queueable(entry, registry))
        table.static = read_file(str(tmp_path / "schedule.yml"))
        table.load({}, {}, 1800000000.0, "none")
        return table, registry

    return load


@pytest.mark.parametrize(
    ("text", "name", "what", "first", "queues"), ENTRIES, ids=[repr(row[0][:80]) for row in ENTRIES]
)
def test_an_entry_runs_as_in_ruby(loaded, text, name, what, first, queues):
    """The same queue and bytes, and the same first run; what cannot be queued is said when it is loaded."""
    table, registry = loaded(text)
    if name not in table.running:
        # Ruby pushes a job of the class "Object" where the class is empty: nobody can want that.
        assert what in ("skipped", "error") or '"class":"Object"' in json.dumps(queues).replace("\\", "")
        assert what == "skipped" or "line" in table.refused[name]
        return
    assert what == "runs"
    running = table.running[name]
    ready = ready_entry(running.entry.value, registry, "ruby")
    assert {ready.queue: [ready.payload.decode()]} == queues
    if first is not None:
        assert running.due is not None
        assert abs(running.due - 1800000000.0 - first) < 1.1


def test_a_refused_entry_is_told_with_its_line(loaded):
    """So that it is found in a long file."""
    table, _ = loaded(
        "a: {every: 1h, class: Echo}\n\nb:\n  class: Nobody\n  every: 1h\nc: {every: 1h, args: .inf}\n"
    )
    assert sorted(table.running) == ["a"]
    assert "(line 3)" in table.refused["b"]
    assert "line 6" in table.refused["c"]


def test_a_date_is_told(tmp_path, caplog):
    """Ruby's YAML.load_file refuses it, so the file does not work there."""
    (tmp_path / "file.yml").write_text("a: [2024-01-02]\n")
    assert read_mapping(str(tmp_path / "file.yml"), "the file", "")[0].value == ["2024-01-02"]
    assert "line 1" in caplog.text


def test_an_erb_tag_in_a_comment_is_a_comment(tmp_path):
    """Behind a value, too; one in a value is refused."""
    (tmp_path / "file.yml").write_text('a: 1 # <%= b %>\n"c#": "x#y"\n')
    assert [one.name for one in read_mapping(str(tmp_path / "file.yml"), "the file", "")] == ["a", "c#"]
    (tmp_path / "file.yml").write_text('a: 1\nb: "x#<%= y %>"\n')
    with pytest.raises(ConfigError, match="line 2 of the file"):
        read_mapping(str(tmp_path / "file.yml"), "the file", "")


def test_code_that_exits_while_an_entry_is_checked_refuses_that_entry():
    """It is asked when the schedule is loaded: that must not end the scheduler at each start."""

    class Odd:
        @property
        def scheduled(self):
            raise SystemExit(3)

    registry = Registry(WorkerHooks())
    job(queue="q", name="Odd", plugins=[Odd()], registry=registry)(lambda: None)
    job(queue="q", name="Even", registry=registry)(lambda: None)
    table = LoadedSchedule(None, "UTC", lambda entry: check_queueable(entry, registry))
    table.static = {name: {"class": name, "every": "1h"} for name in ("Odd", "Even")}
    table.load({}, {}, 1800000000.0, "none")
    assert (list(table.refused), list(table.running)) == (["Odd"], ["Even"])
