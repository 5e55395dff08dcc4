"""Training batches in TensorFlow, in an order that is a function of (seed, iteration)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from calosim_tf.data.batches.energy_groups import energy_groups
from calosim_tf.data.batches.order import BalancedRows, replica_rows
from calosim_tf.data.batches.symmetry import random_orders, symmetric_orders
from calosim_tf.data.normalisation import Normalisation
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
    data=None,
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
    data : calosim_tf.config.DataConfig, optional
        Whose ``balance_energies`` (groups of about one energy take turns) and
        ``symmetry`` hold; neither unless given.

    Returns
    -------
    tf.data.Dataset
        Of ``(showers (rows / of, *value_shape), condition (rows / of, condition_size))``, float32, as the
        normalisation makes them.
    """
    condition_size = normalisation.label(source.incident_energy_mev[:1], source.attributes[:1]).shape[1]
    known = learnt_rows(source, normalisation)
    if data is not None and data.balance_energies:
        order = BalancedRows(energy_groups(source.incident_energy_mev[known]), seed)
    else:
        order = ShuffledRows(len(known), seed, source.group_rows, source.block_rows)
    orders = _orders(source, "none" if data is None else data.symmetry)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start = first_iteration * rows_per_iteration
        while True:
            everybodys = known[order.rows(start, rows_per_iteration)]
            turns = random_orders(len(orders), seed, start, rows_per_iteration)
            for replica in replicas:
                own = replica_rows(np.arange(rows_per_iteration), minibatch or rows_per_iteration, replica, of)
                rows = everybodys[own]
                showers = source.read(rows)
                if len(orders) > 1:
                    showers = np.take_along_axis(showers, orders[turns[own]], axis=1)
                energy = source.incident_energy_mev[rows]
                condition = normalisation.label(energy, source.attributes[rows])
                yield normalisation.to_network(showers, energy), condition
            start += rows_per_iteration

    signature = (
        tf.TensorSpec((rows_per_iteration // of, *normalisation.value_shape(source.detector.n_voxels)), tf.float32),
        tf.TensorSpec((rows_per_iteration // of, condition_size), tf.float32),
    )
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(PREFETCH)


def learnt_rows(source: ShowerSource, normalisation: Normalisation) -> np.ndarray:
    """Training rows that a network with this normalisation is shown."""
    rows = source.train_rows
    return rows if normalisation.learns_empty else rows[source.total_energy_mev(rows) > 0.0]


def _orders(source: ShowerSource, symmetry: str) -> np.ndarray:
    """Voxel orders to choose from at random; one where showers stay as they are."""
    samples = set(source.source_label.split(" + "))
    exact = symmetry == "exact" and samples <= set(source.detector.symmetric_samples)
    if symmetry == "always" or exact:
        return symmetric_orders(source.detector)
    return np.arange(source.detector.n_voxels)[np.newaxis]
