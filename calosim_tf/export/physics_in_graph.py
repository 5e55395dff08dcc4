"""Conditions and showers in MeV as TensorFlow operations: what a normalisation does, inside an exported graph.

The numbers are those of :mod:`calosim_tf.data.transforms` and :mod:`calosim_tf.data.cell_transforms`; a test holds each
kind against them.  AutoGraph is told to leave them alone: nothing in them depends on the value of a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from calosim_tf.data.cell_transforms import (
    LEAST_VOXEL_MEV,
    MEV_PER_100_GEV,
    MEV_PER_GEV,
    CubeNormalisation,
    GevNormalisation,
    HundredGevNormalisation,
    JetPixelNormalisation,
    LogCellNormalisation,
    MevCellNormalisation,
    MevCubeNormalisation,
)
from calosim_tf.data.layer_energies import DRAW, SMALLEST_MEV, LayerEnergyNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation
from calosim_tf.export.formats import UnsupportedFormat


class GraphForm(NamedTuple):
    """A kind of normalisation as operations.

    Attributes
    ----------
    condition : callable
        ``(law, kinetic energies in MeV (n,), attributes (n, k) or None)``, float64 -> conditions, as ``law.label``.
    cells_mev : callable
        ``(law, outputs, incident energies in MeV (n,))``, float32 -> showers (n, n_cells), MeV, as ``law.to_mev``.
    """

    condition: Callable[[Normalisation, tf.Tensor, tf.Tensor | None], tf.Tensor]
    cells_mev: Callable[[Normalisation, tf.Tensor, tf.Tensor], tf.Tensor]


def require_graph_form(law: Normalisation) -> GraphForm:
    """Graph form of a normalisation; :class:`UnsupportedFormat` for a kind that has none."""
    if law.kind not in GRAPH_FORMS:
        raise UnsupportedFormat(
            f"normalisation {law.kind} has no graph form, expected one of {', '.join(GRAPH_FORMS)}; "
            "export in a format that holds the network alone"
        )
    return GRAPH_FORMS[law.kind]


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

    Raises
    ------
    UnsupportedFormat
        The normalisation is of a kind without a graph form.
    """
    kinetic = kinetic_energy_mev(incident_energy_mev, law.mass_mev)
    attributes = None if attributes is None else tf.cast(attributes, tf.float64)
    return tf.cast(require_graph_form(law).condition(law, kinetic, attributes), tf.float32)


@tf.autograph.experimental.do_not_convert
def cells_mev(law: Normalisation, outputs: tf.Tensor, incident_energy_mev: tf.Tensor) -> tf.Tensor:
    """Showers from a network's outputs, as ``law.to_mev``.

    Returns
    -------
    tensor, shape (n, n_cells), float32, MeV

    Raises
    ------
    UnsupportedFormat
        As :func:`condition`.
    """
    return require_graph_form(law).cells_mev(law, outputs, incident_energy_mev)


def _energy_label(law: KineticNormalisation, kinetic: tf.Tensor, _attributes: tf.Tensor | None) -> tf.Tensor:
    label = kinetic / law.kin_max_mev
    if law.energy_label == "log":
        label = tf.math.log(kinetic / law.kin_min_mev) / math.log(law.kin_max_mev / law.kin_min_mev)
    return tf.pad(label[:, tf.newaxis], [[0, 0], [0, law.condition_size - 1]])


def _kinetic_cells(law: KineticNormalisation, outputs: tf.Tensor, incident_energy_mev: tf.Tensor) -> tf.Tensor:
    return outputs * _unit_mev(law, incident_energy_mev)


def _layer_cells(law: LayerNormalisation, outputs: tf.Tensor, incident_energy_mev: tf.Tensor) -> tf.Tensor:
    cells, layers, total = tf.split(outputs, [sum(law.layer_sizes), len(law.layer_sizes), 1], axis=1)
    layers = layers * (total * _unit_mev(law, incident_energy_mev))
    return cells * tf.repeat(layers, law.layer_sizes, axis=1)


def _attributes_alone(law: LogCellNormalisation, _kinetic: tf.Tensor, attributes: tf.Tensor) -> tf.Tensor:
    if not law.condition_mean:
        return attributes
    return (attributes - np.array(law.condition_mean)) / np.array(law.condition_std)


def _exponential_cells(law: LogCellNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    return tf.math.expm1(tf.reshape(outputs, (-1, math.prod(law.cells))))


def _flat_cells(law: MevCellNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    return tf.reshape(outputs, (-1, math.prod(law.cells)))


def _pixels_from_100_gev(law: JetPixelNormalisation, outputs: tf.Tensor, energy: tf.Tensor) -> tf.Tensor:
    return _flat_cells(law, outputs, energy) * MEV_PER_100_GEV


def _energy_gev_first(law: GevNormalisation, kinetic: tf.Tensor, attributes: tf.Tensor | None) -> tf.Tensor:
    energy = kinetic[:, tf.newaxis] / 1e3
    return energy if law.condition_size == 1 else tf.concat([energy, attributes], axis=1)


def _gev_cells(_law: GevNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    return outputs * MEV_PER_GEV


def _incident_100_gev(law: HundredGevNormalisation, kinetic: tf.Tensor, _attributes: tf.Tensor | None) -> tf.Tensor:
    # the number of the file, which is a momentum where the particle has a mass
    return tf.sqrt(kinetic * (kinetic + 2.0 * law.mass_mev))[:, tf.newaxis] / 1e5


def _cells_from_100_gev(
    _law: HundredGevNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor
) -> tf.Tensor:
    cells = outputs * MEV_PER_100_GEV
    return tf.where(cells < LEAST_VOXEL_MEV, tf.zeros_like(cells), cells)


def _energy_100_gev_first(law: CubeNormalisation, kinetic: tf.Tensor, attributes: tf.Tensor | None) -> tf.Tensor:
    energy = kinetic[:, tf.newaxis] / 1e5
    return tf.concat([energy, attributes], axis=1) if law.with_angle else energy


def _cube_cells(law: CubeNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    cubes = tf.transpose(tf.reshape(outputs, (-1, *law.cells)), (0, 3, 1, 2))
    return tf.reshape(cubes, (-1, math.prod(law.cells))) * MEV_PER_GEV


def _cut_cube(law: MevCubeNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    cells = tf.reshape(outputs, (-1, math.prod(law.cells)))
    return tf.where(cells < np.float32(law.least_mev), tf.zeros_like(cells), cells)


def _drawn_layers(law: LayerEnergyNormalisation, kinetic: tf.Tensor, attributes: tf.Tensor | None) -> tf.Tensor:
    particle = tf.math.log(kinetic)[:, tf.newaxis]
    if law.condition_mean:
        scaled = (attributes - np.array(law.condition_mean)) / np.array(law.condition_std)
        particle = tf.concat([particle, scaled], axis=1)
    return tf.pad(particle, [[0, 0], [0, len(law.layer_sizes)]], constant_values=float(DRAW))


def _cut_cells(_law: LayerEnergyNormalisation, outputs: tf.Tensor, _incident_energy_mev: tf.Tensor) -> tf.Tensor:
    return tf.where(outputs < SMALLEST_MEV, tf.zeros_like(outputs), outputs)


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


# Kind of a normalisation -> its graph form
GRAPH_FORMS: dict[str, GraphForm] = {
    KineticNormalisation.kind: GraphForm(_energy_label, _kinetic_cells),
    LayerNormalisation.kind: GraphForm(_energy_label, _layer_cells),
    LogCellNormalisation.kind: GraphForm(_attributes_alone, _exponential_cells),
    MevCellNormalisation.kind: GraphForm(_attributes_alone, _flat_cells),
    JetPixelNormalisation.kind: GraphForm(_attributes_alone, _pixels_from_100_gev),
    GevNormalisation.kind: GraphForm(_energy_gev_first, _gev_cells),
    HundredGevNormalisation.kind: GraphForm(_incident_100_gev, _cells_from_100_gev),
    CubeNormalisation.kind: GraphForm(_energy_100_gev_first, _cube_cells),
    MevCubeNormalisation.kind: GraphForm(_energy_gev_first, _cut_cube),
    LayerEnergyNormalisation.kind: GraphForm(_drawn_layers, _cut_cells),
}
