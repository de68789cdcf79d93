"""Whether the kernel has killed a process because memory ran out: it counts, and we look at the count."""

from __future__ import annotations

from pathlib import Path


def kills() -> int:
    """How many processes the kernel has killed for want of memory, in our control group or on this host."""
    for path in (_own_group(), Path("/proc/vmstat")):
        try:
            lines = path.read_text().splitlines() if path else []
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdigit():
                return int(count)
    return 0


def _own_group() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    group = next((line[3:] for line in lines if line.startswith("0::")), None)
    return None if group is None else Path(f"/sys/fs/cgroup{group}/memory.events")
