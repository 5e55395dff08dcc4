"""How much memory is available (no TensorFlow)."""

from __future__ import annotations

import os
from pathlib import Path


def memory_bytes() -> int:
    """Memory of this machine, or of the container or batch job when that has less."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(installed, int(Path(limit_file).read_text()))
        except (OSError, ValueError):  # no such limit, or the word "max"
            continue
    return installed
