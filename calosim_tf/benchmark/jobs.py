"""The whole job: a separate process that makes showers and closes the file (no TensorFlow)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from calosim_tf.benchmark.clocks import spread
from calosim_tf.errors import BenchmarkError

# Incident energy of the whole-job clock; the work does not depend on it
ENERGY_MEV = "16384"


def bench_job(
    name: str, backend: str, batch: int, events: int, repeats: int, precision: str = "float32", threads: int = 0
) -> dict[str, Any]:
    """Whole job: a new process makes ``events`` showers and closes the HDF5 file.

    Parameters
    ----------
    name : str
        Run folder, bundle or ``pretrained:NAME``.
    backend : str
    batch, events : int
    repeats : int
    precision : str
    threads : int
        0 for the back end's choice.

    Returns
    -------
    dict
        Seconds per shower (median, minimum, maximum), seconds of the job, events and peak memory in MiB of the process.

    Raises
    ------
    BenchmarkError
        The job failed.
    """
    readings, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            command = [sys.executable, "-m", "calosim_tf", "generate", name]
            command += ["--energies", ENERGY_MEV, "--events", str(events), "--batch", str(batch)]
            command += ["--backend", backend, "--precision", precision, "--threads", str(threads)]
            command += ["--out", str(Path(folder) / f"{repeat}.hdf5")]
            job = launched(command)
            if job["exit_code"] != 0:
                raise BenchmarkError(f"the whole job failed: {' '.join(command)}: {job['stderr']}")
            readings.append(job["seconds"])
            memory.append(job["peak_memory_mib"])
    return {
        "seconds": spread(readings),
        "seconds_per_shower": spread([value / events for value in readings]),
        "events": events,
        "peak_memory_mib": round(max(memory)),
    }


def launched(command: list[str]) -> dict[str, Any]:
    """Seconds, peak memory in MiB, exit code and messages of a command (:mod:`calosim_tf.benchmark.launcher`)."""
    call = [sys.executable, "-m", "calosim_tf.benchmark.launcher", *command]
    return json.loads(subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True).stdout)
