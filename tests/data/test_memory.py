"""Freed memory that is kept for the next array."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted as Linux does")

CODE = """
import resource, sys
import numpy as np
from calosim_tf.data.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(10):
    np.ones(8_000_000).sum()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how: str) -> int:
    """Of a process that makes and drops ten arrays of 64 MB; numpy's huge pages would hide most of them."""
    command = [sys.executable, "-c", CODE, how]
    environment = {"NUMPY_MADVISE_HUGEPAGE": "0", "PATH": ""}
    return int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def test_large_arrays_reuse_the_pages_of_earlier_ones():
    """Breaks when freed arrays go back to the system: each new one is then filled with zeros page by page."""
    assert page_faults("keep") < page_faults("return") / 3
