"""Conditions and showers in MeV as TensorFlow operations: what a normalisation does, inside an exported graph.

The numbers are those of :mod:`calosim_tf.data.transforms` and :mod:`calosim_tf.data.cell_transforms`; a test holds each
kind against them.  AutoGraph, which does not know ``match``, is told to leave them alone: nothing in them depends on
the value of a tensor.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from calosim_tf.data.cell_transforms import MEV_PER_GEV, CubeNormalisation, GevNormalisation, LogCellNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation


def kinetic_energy_mev(incident_energy_mev: tf.Tensor, mass_mev: float) -> tf.Tensor:
    """sqrt(p^2 + m^2) - m without cancellation, float64, shape (n,)."""
    momentum = tf.cast(incident_energy_mev, tf.float64)
    mass = tf.constant(mass_mev, tf.float64)
    return momentum**2 / (tf.sqrt(momentum**2 + mass**2) + mass)


@tf.autograph.experimental.do_not_convert
def condition(law: Normalisation, incident_energy_mev: tf.Tensor, attributes: tf.Tensor | None) -> tf.Tensor:
    """Condition of each particle, as ``law.label``.

    Parameters
    ----------
    law : Normalisation
    incident_energy_mev : tensor, shape (n,), float32
    attributes : tensor, shape (n, k), float32, or None

    Returns
    -------
    tensor, shape (n, condition size), float32
    """
    kinetic = kinetic_energy_mev(incident_energy_mev, law.mass_mev)
    attributes = None if attributes is None else tf.cast(attributes, tf.float64)
    match law:
        case KineticNormalisation():
            label = kinetic / law.kin_max_mev
            if law.energy_label == "log":
                label = tf.math.log(kinetic / law.kin_min_mev) / math.log(law.kin_max_mev / law.kin_min_mev)
            found = tf.pad(label[:, tf.newaxis], [[0, 0], [0, law.condition_size - 1]])
        case LogCellNormalisation():
            found = attributes
            if law.condition_mean:
                found = (attributes - np.array(law.condition_mean)) / np.array(law.condition_std)
        case GevNormalisation():
            energy = kinetic[:, tf.newaxis] / 1e3
            found = energy if law.condition_size == 1 else tf.concat([energy, attributes], axis=1)
        case CubeNormalisation():
            energy = kinetic[:, tf.newaxis] / 1e5
            found = tf.concat([energy, attributes], axis=1) if law.with_angle else energy
        case _:
            raise TypeError(f"normalisation {law.kind} has no TensorFlow form")
    return tf.cast(found, tf.float32)


@tf.autograph.experimental.do_not_convert
def cells_mev(law: Normalisation, outputs: tf.Tensor, incident_energy_mev: tf.Tensor) -> tf.Tensor:
    """Showers from a network's outputs, as ``law.to_mev``.

    Returns
    -------
    tensor, shape (n, n_cells), float32, MeV
    """
    match law:
        case LayerNormalisation():
            *_, total = parts = tf.split(outputs, [sum(law.layer_sizes), len(law.layer_sizes), 1], axis=1)
            layers = parts[1] * (total * _unit_mev(law, incident_energy_mev))
            return parts[0] * tf.repeat(layers, law.layer_sizes, axis=1)
        case KineticNormalisation():
            return outputs * _unit_mev(law, incident_energy_mev)
        case LogCellNormalisation():
            return tf.math.expm1(tf.reshape(outputs, (-1, math.prod(law.cells))))
        case GevNormalisation():
            return outputs * MEV_PER_GEV
        case CubeNormalisation():
            cubes = tf.transpose(tf.reshape(outputs, (-1, *law.cells)), (0, 3, 1, 2))
            return tf.reshape(cubes, (-1, math.prod(law.cells))) * MEV_PER_GEV
    raise TypeError(f"normalisation {law.kind} has no TensorFlow form")


def _unit_mev(law: KineticNormalisation, incident_energy_mev: tf.Tensor) -> tf.Tensor:
    """Energy that counts as 1, shape (n, 1), float32."""
    kinetic = kinetic_energy_mev(incident_energy_mev, law.mass_mev)
    if law.response:
        knots, values = np.array(law.response).T
        kinetic = kinetic * _interpolated(tf.math.log(kinetic), np.log(knots), values)
    return tf.cast(kinetic, tf.float32)[:, tf.newaxis]


def _interpolated(x: tf.Tensor, knots: np.ndarray, values: np.ndarray) -> tf.Tensor:
    """``np.interp`` for ascending knots: linear between them, constant outside."""
    inside = tf.clip_by_value(x, knots[0], knots[-1])
    right = tf.clip_by_value(tf.searchsorted(tf.constant(knots), inside, side="right"), 1, len(knots) - 1)
    low, high = (tf.gather(tf.constant(knots), index) for index in (right - 1, right))
    below, above = (tf.gather(tf.constant(values), index) for index in (right - 1, right))
    return below + (above - below) * (inside - low) / (high - low)
