"""Ranks of energies among those of the training showers: a scale on which narrow peaks are as wide as broad ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from calosim_tf.data.layer_energies import MOST_PER_GROUP, LayerEnergyNormalisation
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.source import ShowerSource

# Least width of a logarithm that divides it; quantiles of each table (our choices)
LEAST_LOG_WIDTH = 0.3
N_QUANTILES = 65
# Ranks go on linearly this far beyond the ends of a table
BEYOND = 0.5


class Marginals:
    """Quantiles of the total and of each layer, of each group of about one incident energy.

    Parameters
    ----------
    quantiles : ndarray, shape (groups, 1 + layers, quantiles)
        Of the standardised response, and of the standardised logarithms of open layers.
    closed : ndarray, shape (groups, 1 + layers)
        Share of showers in which a layer is closed (0 for the total), and the score of a closed layer.
    closed_score : ndarray, shape (groups, 1 + layers)
        Score that means closed; nothing lies below it.
    """

    def __init__(self, quantiles: np.ndarray, closed: np.ndarray, closed_score: np.ndarray):
        self.quantiles, self.closed, self.closed_score = (
            tf.constant(values, tf.float32) for values in (quantiles, closed, closed_score)
        )

    @classmethod
    def of(
        cls, source: ShowerSource, groups: Sequence[np.ndarray], normalisation: LayerEnergyNormalisation
    ) -> Marginals:
        """From the training showers.

        Parameters
        ----------
        source : ShowerSource
        groups : sequence of ndarray of int
            Rows of each group, in the order of the rows of ``normalisation.table``.
        normalisation : LayerEnergyNormalisation
        """
        n, starts = len(normalisation.layer_sizes), source.detector.offsets[:-1]
        knots, table = normalisation.knots()
        quantiles, closed, closed_score = [], [], []
        for group in groups:
            rows = np.sort(group[:: -(-len(group) // MOST_PER_GROUP)])
            energy = source.incident_energy_mev[rows]
            layers = np.add.reduceat(normalisation.to_network(source.read(rows), energy).astype("f8"), starts, axis=1)
            kinetic = kinetic_energy_mev(energy, normalisation.mass_mev)
            mean, width, *logs = (np.interp(np.log(kinetic), knots, column) for column in table[:, 1:].T)
            log_mean, log_width = np.stack(logs[:n], axis=1), np.maximum(np.stack(logs[n:], axis=1), LEAST_LOG_WIDTH)
            total = (layers.sum(axis=1) / kinetic - mean) / width
            scores = (np.log1p(layers) - log_mean) / log_width
            columns = [total, *(scores[layers[:, index] > 0.0, index] for index in range(n))]
            quantiles.append([_quantiles(column) for column in columns])
            closed.append([0.0, *np.mean(layers == 0.0, axis=0)])
            closed_score.append([-np.inf, *np.max(-log_mean / log_width, axis=0)])
        return cls(np.array(quantiles), np.array(closed), np.array(closed_score))

    def ranks(self, scores: tf.Tensor) -> tf.Tensor:
        """Share of the training showers of its group below each score, shape (batch, 1 + layers).

        A closed layer stands in the middle of the share of closed ones.  Rows belong to the groups in turn.
        """
        groups, columns, _ = self.quantiles.shape
        values = tf.transpose(tf.reshape(scores, (-1, groups * columns)))
        tables = tf.reshape(self.quantiles, (groups * columns, -1))
        closed = tf.reshape(self.closed, (-1, 1))
        right = tf.clip_by_value(tf.searchsorted(tables, values, side="right"), 1, N_QUANTILES - 1)
        low, high = (tf.gather(tables, index, batch_dims=1) for index in (right - 1, right))
        rank = (tf.cast(right, tf.float32) - 1.0 + (values - low) / (high - low)) / (N_QUANTILES - 1)
        rank = closed + (1.0 - closed) * tf.clip_by_value(rank, -BEYOND, 1.0 + BEYOND)
        is_closed = values <= tf.reshape(self.closed_score, (-1, 1)) + 1e-4
        return tf.reshape(tf.transpose(tf.where(is_closed, closed / 2.0, rank)), (-1, columns))


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Ascending, no two alike; evenly spread where a layer is hardly ever open."""
    if len(values) < N_QUANTILES:
        return np.linspace(-2.0, 2.0, N_QUANTILES)
    return np.quantile(values, np.linspace(0.0, 1.0, N_QUANTILES)) + 1e-5 * np.arange(N_QUANTILES)
