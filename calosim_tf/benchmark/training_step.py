"""Seconds per training iteration, with real and constant input and without Keras."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from calosim_tf.benchmark.clocks import WARM_UP, in_turn, ratio_spread, spread
from calosim_tf.config import Experiment
from calosim_tf.data.batches.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.training.build import build_model
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.strategies.devices import threads_in_use
from calosim_tf.training.teacher import load_teacher


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
        "keras_real_input": lambda: time_fit(model, real, steps),
        "keras_constant_input": lambda: time_fit(model, constant, steps),
        "bare_constant_input": lambda: time_bare(bare_step, batch, steps),
    }
    for way in ways.values():
        way()
    readings = in_turn(ways, rounds)
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
    model.prepare(source, normalisation)
    model.learn_from(load_teacher(experiment, normalisation, experiment.name))
    rows = model.stage.showers_per_iteration
    return model, training_batches(source, normalisation, experiment.run.seed, rows, 0, data=experiment.data)


def time_fit(model: keras.Model, batches: tf.data.Dataset, steps: int) -> float:
    """Median of the seconds from one iteration of ``fit`` to the next, over ``steps`` of them."""
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
