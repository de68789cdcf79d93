"""The memory of a process that forks often."""

import gc

from pyresque.system import memory


def test_what_a_process_holds_is_known():
    """Some megabytes at least, with Python in it."""
    assert memory.resident() > 1 << 20


def test_settled_objects_are_out_of_the_collector_s_sight():
    """So that no collection in a child copies them."""
    before = gc.get_freeze_count()
    try:
        memory.settle()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_what_the_system_does_not_tell_is_0(monkeypatch, tmp_path):
    """Without the file, or with one of another form."""
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "statm")
    assert memory.resident() == 0
    (tmp_path / "statm").write_text("not numbers")
    assert memory.resident() == 0
