"""A factorised generator in the frame of its particle: filled from the training showers before the first iteration."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.layers.gated_shares import GATE_START
from calosim_tf.training.algorithms.regressions import MOST_SHOWERS, ShapeStart, fit_centres, fit_shape

BLOCK = 1024


def follow(
    generators: Sequence[keras.Model],
    critic: keras.Model,
    source: ShowerSource,
    normalisation: LayerEnergyNormalisation,
    rows: np.ndarray,
    seed: int,
) -> None:
    """Fill the frames of all networks, and what the shape network starts from.

    Parameters
    ----------
    generators : sequence of keras.Model
        Of one network; the tables of energies are filled.
    critic : keras.Model
    source : ShowerSource
    normalisation : LayerEnergyNormalisation
    rows : ndarray of int
        Training showers that hold energy.
    seed : int
    """
    rows = rows[:: -(-len(rows) // MOST_SHOWERS)]
    spread = normalisation.condition_mean, normalisation.condition_std
    frame = critic.get_layer("frame")
    frame.fill(*spread, np.zeros((frame.n_layers, 3)))
    particle, showers = _particle(source, normalisation, rows), _showers(source, normalisation, rows)
    slopes, point = (values.numpy() for values in frame.trajectory(particle))
    centres = fit_centres(source.detector, showers, slopes, point, particle[:, 0].astype(np.float64))
    parts = [generator.get_layer(name) for generator in generators for name in ("energy_head", "shape")]
    for network in (critic, *parts):
        network.get_layer("frame").fill(*spread, centres)
    local, _ = viewed(critic, source, normalisation, rows)
    shape = generators[0].get_layer("shape")
    inputs = {name: shape.input[name] for name in ("particle", "energies")}
    energies = np.add.reduceat(showers, source.detector.offsets[:-1], axis=1)
    terms = keras.Model(inputs, shape.get_layer("terms").output)({"particle": particle, "energies": energies}).numpy()
    # what the ramp leaves whole is hit
    start = fit_shape(local, terms, normalisation.layer_sizes, shape.get_layer("voxels").ramp_mev[1], seed)
    for generator in generators:
        _start(generator.get_layer("shape"), start)


def viewed(
    critic: keras.Model, source: ShowerSource, normalisation: LayerEnergyNormalisation, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Showers as the critic views them, (n, voxels) in MeV, and the numbers of their frame where it has one."""
    showers = _showers(source, normalisation, rows)
    if not critic.get_layer("views").framed:
        return showers, None
    numbers, placement = critic.get_layer("frame")(_particle(source, normalisation, rows))
    move = critic.get_layer("into_frame")
    blocks = (slice(first, first + BLOCK) for first in range(0, len(rows), BLOCK))
    return np.concatenate([move([showers[block], placement[block]]).numpy() for block in blocks]), numbers.numpy()


def _showers(source: ShowerSource, normalisation: LayerEnergyNormalisation, rows: np.ndarray) -> np.ndarray:
    return normalisation.to_network(source.read(rows), source.incident_energy_mev[rows])


def _particle(source: ShowerSource, normalisation: LayerEnergyNormalisation, rows: np.ndarray) -> np.ndarray:
    label = normalisation.label(source.incident_energy_mev[rows], source.attributes[rows])
    return label[:, : label.shape[1] - len(normalisation.layer_sizes)]


def _start(shape: keras.Model, start: ShapeStart) -> None:
    shape.get_layer("linear_logits").set_weights([start.logits, start.logit_constant])
    if any(layer.name == "linear_spread" for layer in shape.layers):
        kernel = np.concatenate([start.widths, start.gates], axis=1)
        constant = np.concatenate([start.width_constant, start.gate_constant - GATE_START])
        shape.get_layer("linear_spread").set_weights([kernel, constant])
