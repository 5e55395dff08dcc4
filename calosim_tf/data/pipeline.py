"""Training batches in TensorFlow, in an order that is a function of (seed, iteration)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.order import replica_rows
from calosim_tf.data.source import ShowerSource, ShuffledRows

# Two iterations ahead hide the gather behind the update; more only costs memory
PREFETCH = 2


def training_conditions(source: ShowerSource, normalisation: Normalisation) -> np.ndarray:
    """Conditions of all training showers, shape (n, condition_size), float32."""
    rows = source.train_rows
    return normalisation.label(source.incident_energy_mev[rows], source.attributes[rows])


def training_batches(
    source: ShowerSource,
    normalisation: Normalisation,
    seed: int,
    rows_per_iteration: int,
    first_iteration: int,
    minibatch: int | None = None,
    replicas: Sequence[int] = (0,),
    of: int = 1,
) -> tf.data.Dataset:
    """Endless batches for :class:`~calosim_tf.training.gan.AdversarialModel`.

    Parameters
    ----------
    source : ShowerSource
    normalisation : Normalisation
    seed : int
    rows_per_iteration : int
        Showers that one iteration consumes (critic steps times batch size).
    first_iteration : int
        Iteration whose batch comes first; a resumed run continues the sequence exactly.
    minibatch : int, optional
        Showers of one update, of which each replica gets an equal part; those of an iteration unless given.
    replicas : sequence of int
        Indices of the replicas that are fed from here: an iteration is one element for each, one after another.
    of : int
        Number of replicas in all.  Only the rows of ``replicas`` are read.

    Returns
    -------
    tf.data.Dataset
        Of ``(showers (rows / of, *value_shape), condition (rows / of, condition_size))``, float32, as the
        normalisation makes them.
    """
    condition_size = normalisation.label(source.incident_energy_mev[:1], source.attributes[:1]).shape[1]
    order = ShuffledRows(len(source.train_rows), seed, source.group_rows, source.block_rows)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = first_iteration * rows_per_iteration
        while True:
            everybodys = source.train_rows[order.rows(start, rows_per_iteration)]
            for replica in replicas:
                rows = replica_rows(everybodys, minibatch or rows_per_iteration, replica, of)
                energy = source.incident_energy_mev[rows]
                condition = normalisation.label(energy, source.attributes[rows])
                yield normalisation.to_network(source.read(rows), energy), condition
            start += rows_per_iteration

    signature = (
        tf.TensorSpec((rows_per_iteration // of, *normalisation.value_shape(source.detector.n_voxels)), tf.float32),
        tf.TensorSpec((rows_per_iteration // of, condition_size), tf.float32),
    )
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(PREFETCH)
