"""Timing: training steps and generation, as ratios within one run.

Absolute seconds on a shared machine wander by a factor of two; what is compared here is taken in turn, round by
round, and quoted as the median over rounds with its spread.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import Experiment, LatentLaw
from calosim_tf.data.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.inference.sampler import ShowerSampler
from calosim_tf.latents import draw_latents
from calosim_tf.training.build import build_model
from calosim_tf.training.devices import threads_in_use
from calosim_tf.training.normalisation import fit_normalisation

WARM_UP = 2
# Network calls shorter than this are repeated inside one clock reading
SHORTEST_READING_S = 0.02
# Incident energy of the whole-job clock; the work does not depend on it
ENERGY_MEV = "16384"


class _StepClock(keras.callbacks.Callback):
    """Time from the end of one iteration to the end of the next, so that input and Keras' own work count."""

    def __init__(self):
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())

    def intervals(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.ends[:-1], self.ends[1:], strict=True)]


def bench_train(experiment: Experiment, source: ShowerSource, rounds: int, steps: int = 3) -> dict[str, Any]:
    """Seconds per iteration of ``fit`` with real input, with constant input, and of the bare traced step.

    Parameters
    ----------
    experiment : Experiment
    source : ShowerSource
    rounds : int
        Each takes ``steps`` readings of all three ways in turn.

    Returns
    -------
    dict
        Seconds (median, minimum, maximum over rounds) per way, and the ratios ``input_cost`` (real over constant
        input) and ``keras_cost`` (``fit`` over the bare step, both on constant input).
    """
    model, real = model_and_batches(experiment, source)
    batch = next(iter(real))
    constant = tf.data.Dataset.from_tensors(batch).repeat()
    bare_step = tf.function(model.train_step)
    ways: dict[str, Callable[[], float]] = {
        "keras_real_input": lambda: _time_fit(model, real, steps),
        "keras_constant_input": lambda: _time_fit(model, constant, steps),
        "bare_constant_input": lambda: time_bare(bare_step, batch, steps),
    }
    for way in ways.values():
        way()
    readings = _in_turn(ways, rounds)
    return {
        "experiment": experiment.name,
        "batch_size": experiment.training.batch_size,
        "threads": threads_in_use(),
        "rounds": rounds,
        "seconds_per_iteration": {name: spread(values) for name, values in readings.items()},
        "input_cost": ratio_spread(readings["keras_real_input"], readings["keras_constant_input"]),
        "keras_cost": ratio_spread(readings["keras_constant_input"], readings["bare_constant_input"]),
    }


def model_and_batches(experiment: Experiment, source: ShowerSource) -> tuple[keras.Model, tf.data.Dataset]:
    """A freshly initialised model ready to train, and its minibatches from the first on."""
    normalisation = fit_normalisation(experiment, source)
    model = build_model(experiment, training_conditions(source, normalisation), normalisation)
    rows = experiment.training.showers_per_iteration
    return model, training_batches(source, normalisation, experiment.run.seed, rows, 0)


def _time_fit(model: keras.Model, batches: tf.data.Dataset, steps: int) -> float:
    clock = _StepClock()
    # The first iterations after the start of ``fit`` fill the prefetch buffer
    model.fit(batches, steps_per_epoch=steps + WARM_UP, epochs=1, verbose=0, callbacks=[clock])
    return statistics.median(clock.intervals()[WARM_UP - 1 :])


def time_bare(step: Callable, batch, steps: int, warm_up: int = WARM_UP) -> float:
    """Median of the seconds of ``steps`` calls after ``warm_up`` others."""
    intervals = []
    for index in range(steps + warm_up):
        start = time.perf_counter()
        logs = step(batch)
        for value in logs.values():  # what fit hands to its callbacks is numbers too
            value.numpy()
        if index >= warm_up:
            intervals.append(time.perf_counter() - start)
    return statistics.median(intervals)


def bench_network(generators: dict[str, ShowerSampler], batch: int, repeats: int) -> dict[str, dict[str, float]]:
    """Seconds per shower of the network alone, back ends in turn, latents and labels ready in memory.

    Parameters
    ----------
    generators : dict
        Back end -> generator.
    batch : int
    repeats : int
        Readings per back end.
    """
    readings = _in_turn({name: _network_clock(generator, batch) for name, generator in generators.items()}, repeats)
    return {name: spread(values) for name, values in readings.items()}


def _network_clock(generator: ShowerSampler, batch: int) -> Callable[[], float]:
    call = generator.ready_call(batch)

    def seconds(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    seconds(WARM_UP)
    calls = max(1, round(SHORTEST_READING_S / seconds(1)))
    return lambda: seconds(calls) / (calls * batch)


@dataclass(frozen=True)
class InferenceProtocol:
    """How the 3DGAN paper times inference (arXiv 2105.08960, section 4): a reading is a step of several batches."""

    batch: int = 128
    steps: int = 100
    batches_per_step: int = 20
    warm_up_batches: int = 20

    @property
    def showers_per_step(self) -> int:
        return self.batches_per_step * self.batch


def network_inputs(network: keras.Model, latent: LatentLaw, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents of the law and a condition of one half each, float32, shapes (batch, n), (batch, k)."""
    condition = np.full((batch, network.input["condition"].shape[1]), 0.5, dtype=np.float32)
    return draw_latents(latent, 0, 0, batch), condition


def network_call(network: keras.Model, jit_compile: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A traced generator: (latent, condition) to the network's output."""

    @tf.function(jit_compile=jit_compile)
    def showers(latent, condition):
        return network({"latent": latent, "condition": condition}, training=False)

    return lambda latent, condition: showers(latent, condition).numpy()


def bench_protocol(calls: dict[str, Callable[[], Any]], protocol: InferenceProtocol) -> dict[str, list[float]]:
    """Seconds per shower of each step, networks in turn after all are warm.

    Parameters
    ----------
    calls : dict
        Name -> a call that makes one batch.
    protocol : InferenceProtocol
    """

    def step(call: Callable[[], Any]) -> Callable[[], float]:
        def seconds() -> float:
            start = time.perf_counter()
            for _ in range(protocol.batches_per_step):
                call()
            return (time.perf_counter() - start) / protocol.showers_per_step

        return seconds

    for call in calls.values():
        for _ in range(protocol.warm_up_batches):
            call()
    return _in_turn({name: step(call) for name, call in calls.items()}, protocol.steps)


def bench_job(name: str, backend: str, batch: int, events: int, repeats: int) -> dict[str, Any]:
    """Whole job: a new process makes ``events`` showers and closes the HDF5 file.

    Parameters
    ----------
    name : str
        Run folder or ``pretrained:NAME``.
    backend : str
    batch, events : int
    repeats : int

    Returns
    -------
    dict
        Seconds per shower (median, minimum, maximum), events and peak memory in MiB of the process.
    """
    readings, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            command = [
                sys.executable,
                "-m",
                "calosim_tf",
                "generate",
                name,
                "--energies",
                ENERGY_MEV,
                "--events",
                str(events),
            ]
            command += ["--batch", str(batch), "--backend", backend, "--out", str(Path(folder) / f"{repeat}.hdf5")]
            start = time.perf_counter()
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            message = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            readings.append((time.perf_counter() - start) / events)
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} failed: {message}")
            memory.append(usage.ru_maxrss / 1024)
    return {"seconds_per_shower": spread(readings), "events": events, "peak_memory_mib": round(max(memory))}


def _in_turn(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """One reading of each way per round."""
    readings: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            readings[name].append(way())
    return readings


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratio_spread(numerator: list[float], denominator: list[float]) -> dict[str, float]:
    """Spread of the ratios of readings of the same round."""
    return spread([a / b for a, b in zip(numerator, denominator, strict=True)])
