"""What an accelerator makes of the trainings: same numbers as the CPU, how fast, in how much memory.

``python -m calosim_tf.benchmark.accelerator`` runs it; without a GPU it compares the CPU with itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from calosim_tf.benchmark.machine import description
from calosim_tf.benchmark.training_step import model_and_batches, time_bare
from calosim_tf.config import Experiment
from calosim_tf.data.source import ShowerSource
from calosim_tf.data_prep.default_data import source_of
from calosim_tf.errors import CalosimError, ConfigError
from calosim_tf.experiments import EXPERIMENTS, get_experiment
from calosim_tf.files import write_atomically
from calosim_tf.layers.precision import in_precision
from calosim_tf.progress import progress
from calosim_tf.training.processor import require_units
from calosim_tf.training.strategies.devices import threads_in_use

# One experiment for each loss, at its own batch
TIMED = ("photon", "lhcb_sagan_sn_gd", "conditional_calogan_eplus", "conv2d_g1", "conv3d")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
GENERATED = (1, 1000)
MIB = 2**20
# What TensorFlow raises for a step that it cannot compile or run
FAILURES = (tf.errors.OpError, ValueError, TypeError, NotImplementedError)


@dataclass(frozen=True)
class Way:
    """How a step is run.

    Attributes
    ----------
    precision : str
        Value of ``training.precision``.
    xla : bool
    """

    precision: str
    xla: bool

    def __str__(self) -> str:
        return f"{self.precision}{' XLA' if self.xla else ''}"


def accelerator_table(names: Sequence[str], batch: int | None, steps: int) -> dict[str, Any]:
    """Losses against the CPU, seconds, memory and rates of experiments on the first GPU, or on the CPU without one.

    Parameters
    ----------
    names : sequence of str
        Experiments that are not splits, on their default data.
    batch : int or None
        Showers per minibatch in place of each experiment's own.
    steps : int
        Timed iterations of each way, after two others.

    Returns
    -------
    dict
        ``device``, ``machine``, ``rows`` (one per experiment and way) and ``generation``.
    """
    gpus = tf.config.list_logical_devices("GPU")
    device = gpus[0].name if gpus else "/CPU:0"
    ways = [Way(precision, xla) for precision in PRECISIONS if _has_units(precision) for xla in (False, True)]
    rows, generation = [], []
    for name in progress(names, len(names), "experiments"):
        experiment = get_experiment(name)
        if experiment.members:
            raise ConfigError(f"{name}: found a split, expected an experiment of one network")
        if batch is not None:
            experiment = experiment.with_values({"training.batch_size": batch})
        source = source_of(experiment.data)
        # XLA draws other random numbers from the same seed, so it has latents, and losses, of its own
        expected = {xla: _first_losses(experiment, source, xla) for xla in (False, True)}
        rows += [
            {"experiment": name, **_row(experiment, source, way, device, expected[way.xla], steps)} for way in ways
        ]
        generation += _generation(experiment, source, device, ways)
    return {
        "device": _device_name(device),
        "machine": description(threads_in_use()),
        "rows": rows,
        "generation": generation,
    }


def _has_units(precision: str) -> bool:
    if precision == "float32":
        return True
    try:
        require_units(precision.removeprefix("mixed_"), "precision")
    except ConfigError:
        return False
    return True


def _first_losses(experiment: Experiment, source: ShowerSource, xla: bool) -> dict[str, float]:
    """Terms of the first iteration on the CPU in float32; none where XLA cannot compile it."""
    try:
        with tf.device("/CPU:0"):
            model, batches = model_and_batches(experiment, source)
            return _numbers(tf.function(model.train_step, jit_compile=xla)(next(iter(batches))))
    except FAILURES:
        return {}


def _row(
    experiment: Experiment, source: ShowerSource, way: Way, device: str, expected: dict[str, float], steps: int
) -> dict[str, Any]:
    """One experiment run in one way; ``failed`` holds what TensorFlow says where it cannot."""
    row: dict[str, Any] = {
        "precision": way.precision,
        "xla": way.xla,
        "batch_size": experiment.training.batch_size,
    }
    _forget_peak(device)
    try:
        with tf.device(device):
            model, batches = model_and_batches(experiment.with_values({"training.precision": way.precision}), source)
            batch = next(iter(batches))
            step = tf.function(model.train_step, jit_compile=way.xla)
            begun = time.perf_counter()
            found = _numbers(step(batch))
            first_s = time.perf_counter() - begun
            seconds = time_bare(step, batch, steps)
    except FAILURES as error:
        return row | {"failed": _words(error)}
    return row | {
        "relative_error": _largest_error(found, expected) if expected else None,
        "first_step_s": first_s,
        "seconds_per_iteration": seconds,
        "peak_memory_mib": _peak_mib(device),
    }


def _words(error: Exception) -> str:
    """First line of what TensorFlow says, cut to the width of a table."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:160]}"


def _numbers(terms: dict[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(term) for name, term in terms.items()}


def _largest_error(found: dict[str, float], expected: dict[str, float]) -> dict[str, Any]:
    """Largest deviation of a term over the largest of all terms, so that one which passes through 0 does not decide."""
    scale = max(abs(value) for value in expected.values())
    errors = {name: abs(found[name] - value) / scale for name, value in expected.items()}
    worst = max(errors, key=lambda name: errors[name] if np.isfinite(errors[name]) else np.inf)
    return {"term": worst, "value": errors[worst]}


def _generation(experiment: Experiment, source: ShowerSource, device: str, ways: list[Way]) -> list[dict[str, Any]]:
    """Showers per second of the network alone, freshly initialised."""
    rows = []
    with tf.device(device):
        model, batches = model_and_batches(experiment, source)
        _, condition = next(iter(batches))
        for way in ways:
            network = model.judged_generator()
            if way.precision != "float32":
                network = in_precision(network, way.precision, exact_inputs=True)
            for size in GENERATED:
                row = {
                    "experiment": experiment.name,
                    "precision": way.precision,
                    "xla": way.xla,
                    "batch_size": size,
                }
                inputs = {
                    "latent": tf.random.stateless_normal((size, experiment.network.latent.size), (1, 2)),
                    "condition": tf.repeat(condition[:1], size, axis=0),
                }
                try:
                    rows.append(row | {"showers_per_s": size / _seconds_per_call(network, inputs, way.xla)})
                except FAILURES as error:
                    rows.append(row | {"failed": _words(error)})
    return rows


def _seconds_per_call(network, inputs: dict[str, tf.Tensor], xla: bool, at_least_s: float = 0.2) -> float:
    call = tf.function(lambda given: network(given, training=False), jit_compile=xla)
    for _ in range(2):
        call(inputs).numpy()
    calls, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < at_least_s:
        # what is timed ends with the showers in the memory of the host
        call(inputs).numpy()
        calls += 1
    return (time.perf_counter() - begun) / calls


def _forget_peak(device: str) -> None:
    if "GPU" in device:
        tf.config.experimental.reset_memory_stats(_short(device))


def _peak_mib(device: str) -> float:
    """Of the device since :func:`_forget_peak`; on the CPU of the whole process so far."""
    if "GPU" in device:
        return tf.config.experimental.get_memory_info(_short(device))["peak"] / MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def _short(device: str) -> str:
    return device.rpartition("device:")[2]


def _device_name(device: str) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU (no GPU found)"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", device)


def table_text(result: dict[str, Any]) -> str:
    """The table that the command prints."""
    lines = [
        f"{result['device']}; errors: of the first iteration's terms, over the largest, against the CPU in float32, "
        "with XLA where it is used",
        f"{'experiment':28} {'way':20} {'batch':>6} {'s/iteration':>12} {'first step s':>13} {'error':>9} "
        f"{'peak MiB':>9}",
    ]
    for row in result["rows"]:
        head = f"{row['experiment']:28} {Way(row['precision'], row['xla'])!s:20} {row['batch_size']:>6} "
        if "failed" in row:
            lines.append(f"{head}failed: {row['failed']}")
            continue
        error = f"{row['relative_error']['value']:9.1e}" if row["relative_error"] else f"{'-':>9}"
        lines.append(
            f"{head}{row['seconds_per_iteration']:12.4g} {row['first_step_s']:13.3g} {error} "
            f"{row['peak_memory_mib']:9.0f}"
        )
    lines.append(f"{'generation':28} {'way':20} {'batch':>6} {'showers/s':>12}")
    for row in result["generation"]:
        head = f"{row['experiment']:28} {Way(row['precision'], row['xla'])!s:20} {row['batch_size']:>6} "
        lines.append(f"{head}failed: {row['failed']}" if "failed" in row else f"{head}{row['showers_per_s']:12.4g}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(prog="python -m calosim_tf.benchmark.accelerator", description=__doc__)
    parser.add_argument(
        "experiments", nargs="*", default=list(TIMED), metavar="EXPERIMENT", help=f"default: {' '.join(TIMED)}"
    )
    parser.add_argument("--batch", type=int, metavar="B", help="in place of each experiment's own")
    parser.add_argument("--steps", type=int, default=3, metavar="N", help="timed iterations (default 3)")
    parser.add_argument("--out", metavar="F", help="also write the numbers as JSON")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.experiments if name not in EXPERIMENTS]
    try:
        if unknown:
            raise ConfigError(f"found {unknown[0]!r}, expected experiments of `calosim list`")
        for name, value in (("--batch", args.batch), ("--steps", args.steps)):
            if value is not None and value < 1:
                raise ConfigError(f"{name}: found {value}, expected a number >= 1")
        result = accelerator_table(args.experiments, args.batch, args.steps)
        if args.out:
            write_atomically(Path(args.out), json.dumps(result, indent=2) + "\n")
    except CalosimError as error:
        print(f"accelerator: {error}", file=sys.stderr)
        return 2
    print(table_text(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
