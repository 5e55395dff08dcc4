"""Training batches in TensorFlow, in an order that is a function of (seed, iteration)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from calosim_tf.data.source import ShowerSource, ShuffledRows
from calosim_tf.data.transforms import KineticNormalisation

# Two iterations ahead hide the gather behind the update; more only costs memory
PREFETCH = 2


def training_batches(
    source: ShowerSource, normalisation: KineticNormalisation, seed: int, rows_per_iteration: int, first_iteration: int
) -> tf.data.Dataset:
    """Endless batches for :class:`~calosim_tf.training.gan.AdversarialModel`.

    Parameters
    ----------
    source : ShowerSource
    normalisation : KineticNormalisation
    seed : int
    rows_per_iteration : int
        Showers that one iteration consumes (critic steps times batch size).
    first_iteration : int
        Iteration whose batch comes first; a resumed run continues the sequence exactly.

    Returns
    -------
    tf.data.Dataset
        Of ``(showers (rows, n_values), condition (rows, condition_size))``, float32, as the normalisation makes them.
    """
    order = ShuffledRows(len(source.train_rows), seed, source.group_rows)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = first_iteration * rows_per_iteration
        while True:
            rows = source.train_rows[order.rows(start, rows_per_iteration)]
            energy = source.incident_energy_mev[rows]
            yield normalisation.to_network(source.read(rows), energy), normalisation.label(energy)
            start += rows_per_iteration

    signature = (
        tf.TensorSpec((rows_per_iteration, normalisation.n_values(source.detector.n_voxels)), tf.float32),
        tf.TensorSpec((rows_per_iteration, normalisation.condition_size), tf.float32),
    )
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(PREFETCH)
