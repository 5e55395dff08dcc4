"""The training step of one process of a strategy, and what of it is input and what exchange."""

from __future__ import annotations

import statistics

import tensorflow as tf

from calosim_tf.benchmark.clocks import in_turn
from calosim_tf.benchmark.training_step import time_fit
from calosim_tf.config import Experiment
from calosim_tf.data.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.layers.replicas import Replicas
from calosim_tf.training.build import build_model
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.strategy import Strategy


class _Silent(Replicas):
    """Replica 0 of several, which takes what the others would say for what it says itself."""

    def __init__(self, number: int):
        self.number = number

    def sum(self, tensors):
        return [tensor * self.number for tensor in tensors]


def time_shared_step(
    experiment: Experiment, source: ShowerSource, strategy: Strategy, steps: int, rounds: int = 3
) -> dict[str, float]:
    """Seconds per iteration of ``fit`` in one process of a strategy: medians over rounds, ways in turn.

    Returns
    -------
    dict
        ``real_input``; ``constant_input``; ``no_exchange``: likewise, with this replica's part of the batch and without
        a word to or from the others.
    """
    normalisation = fit_normalisation(experiment, source)
    conditions, training, number = (
        training_conditions(source, normalisation),
        experiment.training,
        strategy.replicas.number,
    )
    with strategy.scope():
        model = build_model(experiment, conditions, normalisation, strategy.replicas)
    alone = build_model(experiment, conditions, normalisation, _Silent(number)) if number > 1 else model
    own = training_batches(
        source,
        normalisation,
        experiment.run.seed,
        training.showers_per_iteration,
        0,
        training.batch_size,
        strategy.local_replicas,
        number,
    )
    constant = tf.data.Dataset.from_tensors(next(iter(own))).repeat()
    ways = {
        "real_input": lambda: time_fit(model, strategy.distribute(own), steps),
        "constant_input": lambda: time_fit(model, strategy.distribute(constant), steps),
        "no_exchange": lambda: time_fit(alone, constant, steps),
    }
    for way in ways.values():
        way()
    return {name: statistics.median(values) for name, values in in_turn(ways, rounds).items()}
