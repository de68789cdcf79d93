"""How many processes the kernel has killed because memory ran out."""

from pathlib import Path

import pytest

from pyresque.system import oom


def test_the_kernel_s_count_never_falls():
    """Whatever it is on this machine."""
    assert 0 <= oom.kills() <= oom.kills()


@pytest.mark.parametrize(
    ("group", "host", "count"),
    [
        ("low 0\noom 2\noom_kill 1\n", "oom_kill 7\n", 1),
        (None, "nr_free_pages 3\noom_kill 7\n", 7),
        ("low 0\n", "oom_kill 7\n", 7),
        (None, "oom_kill many\n", 0),
        (None, None, 0),
    ],
)
def test_the_control_group_is_asked_first(group, host, count, monkeypatch, tmp_path):
    """Then the host; 0 where neither says."""

    def files(name):
        return tmp_path / Path(name).name

    monkeypatch.setattr(oom, "Path", files)
    for name, text in (("memory.events", group), ("vmstat", host), ("cgroup", "0::/web\n")):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert oom.kills() == count
