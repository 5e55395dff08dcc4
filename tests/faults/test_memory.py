"""A long run: memory that does not grow, and one graph."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

STEPS, WARM = 2000, 200
SCRIPT = """
import json, os, sys
import keras
from calosim_tf.training import callbacks
from calosim_tf.cli import main

resident = []


def note(self, batch, logs=None, original=callbacks.History.on_train_batch_end):
    original(self, batch, logs)
    if self.iteration in ({warm}, {steps}):
        pages = int(open("/proc/self/statm").read().split()[1])
        resident.append(pages * os.sysconf("SC_PAGE_SIZE"))
    if self.iteration == {steps}:
        traces = self.model.train_function.experimental_get_tracing_count()
        # sys.stdout is handed to Keras' messages while a model is fitted
        print(json.dumps({{"resident": resident, "traces": traces}}), file=sys.__stdout__, flush=True)


callbacks.History.on_train_batch_end = note
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.timeout(900)
def test_2000_iterations(command, count, tmp_path):
    """Breaks if something is kept for every iteration or checkpoint, or the step is traced again."""
    arguments = command("wasserstein", tmp_path / "run", iterations=STEPS)
    arguments[arguments.index("training.checkpoint_every=2")] = "training.checkpoint_every=150"
    arguments[arguments.index("training.log_every=3")] = "training.log_every=10"
    script = SCRIPT.format(warm=WARM, steps=STEPS)
    process = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=800, check=False
    )
    assert process.returncode == 0, process.stderr
    measured = json.loads(process.stdout.splitlines()[0])
    first, last = measured["resident"]
    growth = last / first - 1
    count(
        f"memory from iteration {WARM} to {STEPS}",
        f"{first / 2**20:.1f} to {last / 2**20:.1f} MiB ({100 * growth:+.2f} %), traced {measured['traces']} time",
    )
    assert growth < 0.05
    assert measured["traces"] == 1
