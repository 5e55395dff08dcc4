"""Time and memory of whole jobs."""

import sys

import numpy as np
import pytest

from calosim_tf.benchmark.jobs import bench_job, launched
from calosim_tf.errors import BenchmarkError


@pytest.mark.slow
def test_memory_is_that_of_the_job_alone():
    """Breaks when the memory of the benchmark itself is counted, as Linux does for a process that it starts."""
    held = np.ones(50_000_000)  # 400 MB here
    small = launched([sys.executable, "-c", "import time; time.sleep(0.2)"])
    large = launched([sys.executable, "-c", "x = bytearray(200_000_000); x[::1000] = b'x' * 200_000"])
    assert small["peak_memory_mib"] < 100 < large["peak_memory_mib"] < 300
    assert 0.2 < small["seconds"] < 60
    assert held[0] == 1.0


def test_a_job_that_fails_is_said(tmp_path):
    """Breaks when the time of an error message is mistaken for that of showers."""
    with pytest.raises(BenchmarkError, match="no such folder"):
        bench_job(str(tmp_path / "nothing"), "onnx", 1, 1, 1)
