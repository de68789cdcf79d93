"""Making fork cheap for a process that has a large application loaded.

Fork costs by the page. After the application is loaded its objects are taken out of the garbage
collector's sight, so that no child's collection copies them, and its heap is put into huge pages.
"""

from __future__ import annotations

import gc
from pathlib import Path

LARGE = 50 << 20
"""Bytes of resident memory from which on huge pages are worth their time."""

_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
_HUGE_PAGE = 2 << 20


def settle() -> None:
    """Prepare the memory of this process for many forks; what the system does not offer is left out."""
    gc.collect()
    gc.freeze()
    if resident() > LARGE:
        _collapse()


def resident() -> int:
    """Bytes of memory that this process holds; 0 where that cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError, ValueError):
        return 0


def _collapse() -> None:
    import ctypes  # only large processes pay for it

    try:
        madvise = ctypes.CDLL(None, use_errno=True).madvise
        maps = Path("/proc/self/maps").read_text().splitlines()
    except (OSError, AttributeError):
        return
    for line in maps:
        addresses, mode, *rest = line.split()
        begin, end = (int(part, 16) for part in addresses.split("-"))
        anonymous = len(rest) < 4 or rest[3] == "[heap]"
        if anonymous and mode.startswith("rw-p") and end - begin >= _HUGE_PAGE:
            for advice in (_MADV_HUGEPAGE, _MADV_COLLAPSE):
                madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), advice)
