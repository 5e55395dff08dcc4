"""The training step of one process of a strategy, and how much of it is input and how much exchange."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from calosim_tf.benchmark.training_step import time_fit
from calosim_tf.config import Experiment
from calosim_tf.data.batches.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.layers.replicas import Replicas
from calosim_tf.training.build import build_model
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.strategies.strategy import Strategy
from calosim_tf.training.teacher import load_teacher


class _Silent(Replicas):
    """A replica that uses its own values in place of those of the others; everything else is unchanged."""

    def __init__(self, replicas: Replicas):
        self._replicas = replicas
        self.number = replicas.number

    @property
    def index(self):
        return self._replicas.index

    def sum(self, tensors):
        return [tensor * tf.cast(self.number, tensor.dtype) for tensor in tensors]

    def assign(self, variable, value):
        self._replicas.assign(variable, value)


def shared_step_ways(
    experiment: Experiment, source: ShowerSource, strategy: Strategy, steps: int
) -> dict[str, Callable[[], float]]:
    """Ways to time the step in one process of a strategy, each run once.

    Returns
    -------
    dict
        ``real_input``; ``constant_input``; ``no_exchange``: constant input without communication.  Each gives seconds
        per iteration of ``fit``; all processes have to call the same one.
    """
    normalisation = fit_normalisation(experiment, source)
    conditions, training = training_conditions(source, normalisation), experiment.training
    with strategy.scope():
        model = build_model(experiment, conditions, normalisation, strategy.replicas)
        silent = build_model(experiment, conditions, normalisation, _Silent(strategy.replicas))
        for built in (model, silent):
            built.prepare(source, normalisation)
            built.learn_from(load_teacher(experiment, normalisation, experiment.name))
    own = training_batches(
        source,
        normalisation,
        experiment.run.seed,
        training.showers_per_iteration,
        0,
        training.batch_size,
        strategy.local_replicas,
        strategy.replicas.number,
        experiment.data,
    )
    # as many batches as there are replicas here, repeated
    constant = own.take(len(strategy.local_replicas)).cache().repeat()
    ways = {
        "real_input": lambda: time_fit(model, strategy.distribute(own), steps),
        "constant_input": lambda: time_fit(model, strategy.distribute(constant), steps),
        "no_exchange": lambda: time_fit(silent, strategy.distribute(constant), steps),
    }
    for way in ways.values():
        way()
    return ways
