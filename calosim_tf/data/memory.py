"""How much memory is available, and what becomes of freed memory (no TensorFlow)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# Names and numbers of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_KEPT = 1 << 30


def memory_bytes() -> int:
    """Memory of this machine, or of the container or batch job when that has less."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(installed, int(Path(limit_file).read_text()))
        except (OSError, ValueError):  # no such limit, or the word "max"
            continue
    return installed


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next array instead of returning it to the system.

    Arrays beyond 32 MB are otherwise mapped and unmapped one by one, and the system fills every page with zeros again:
    a third of the time of judging showers of 40 500 voxels.  C libraries without ``mallopt`` stay as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
    mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_KEPT - 1)
