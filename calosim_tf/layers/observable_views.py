"""What a critic sees of a shower: standardised voxels and observables."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.geometry import get_detector
from calosim_tf.layers.energy_table import EnergyTable
from calosim_tf.layers.soft_observables import SoftObservables

# Our choices: least widths as a share of that over all energies, or in units of the voxel logarithms; where
# standardised observables are cut
LEAST_SHARE = 0.15
LEAST_AT_ENERGY, LEAST_OVERALL = 0.2, 0.05
LARGEST = 8.0


@keras.saving.register_keras_serializable("calosim_tf")
class ObservableViews(keras.layers.Layer):
    """Showers as numbers of width 1.

    Inputs: showers in MeV (batch, voxels), ln of the incident energy in MeV (batch, 1).  Outputs: what a critic sees,
    (batch, features); observables standardised at each energy, (batch, observables); logarithms of the voxels
    standardised at each energy, (batch, voxels).

    Parameters
    ----------
    detector : str
    knots : int
        Energies at which means and widths are tabulated.
    observables : bool
        Whether the critic sees more than the voxels.
    """

    def __init__(self, detector: str, knots: int, observables: bool = True, **options):
        super().__init__(**options)
        self.detector = detector
        self.n_knots = knots
        self.with_observables = observables
        self.soft = SoftObservables(get_detector(detector))
        self.at_energy = EnergyTable(knots, 2 * len(self.soft.names), name="observables_at_energy")
        self.voxels_at_energy = EnergyTable(knots, 2 * self.soft.detector.n_voxels, name="voxels_at_energy")

    def build(self, input_shape):
        """Means and widths over all energies; no optimiser changes them."""
        super().build(input_shape)

        def overall(name: str, size: int):
            return self.add_weight(name=name, shape=(2, size), initializer="ones", trainable=False)

        self.voxels_overall = overall("voxels_overall", self.soft.detector.n_voxels)
        self.lines_overall = overall("lines_overall", self.soft.n_lines)

    def fit(self, groups: Iterable[tuple[float, np.ndarray]]) -> None:
        """Take means and widths from training showers.

        Parameters
        ----------
        groups : iterable of (float, ndarray)
            ln of the energy of a group in MeV, ascending, and its showers, MeV, shape (n, voxels).
        """
        energies, observables, voxels, lines = [], [], _Spread(), _Spread()
        everything = _Spread()
        for log_energy, showers in groups:
            own, own_voxels = _Spread(), _Spread()
            for first in range(0, len(showers), 1024):
                part = tf.constant(showers[first : first + 1024])
                logs, hits, bare = self.soft.voxel_logs(part)
                found = self.soft.observables(part, logs, hits, bare).numpy()
                for spread, values in ((own, found), (everything, found), (own_voxels, logs.numpy())):
                    spread.add(values)
                voxels.add(logs.numpy())
                lines.add(self.soft.line_logs(part).numpy())
            energies.append(log_energy)
            observables.append((own, own_voxels))
        least = LEAST_SHARE * everything.width
        rows = [np.concatenate([own.mean, np.maximum(own.width, least) + 1e-6]) for own, _ in observables]
        self.at_energy.fill(energies, rows)
        rows = [np.concatenate([own.mean, own.width + LEAST_AT_ENERGY]) for _, own in observables]
        self.voxels_at_energy.fill(energies, rows)
        self.voxels_overall.assign(np.stack([voxels.mean, voxels.width + LEAST_OVERALL]))
        self.lines_overall.assign(np.stack([lines.mean, lines.width + LEAST_OVERALL]))

    def call(self, inputs):
        """Features, observables and voxels."""
        showers, log_energy = inputs
        logs, hits, bare = self.soft.voxel_logs(showers)
        mean, width = tf.split(self.at_energy(log_energy), 2, axis=1)
        found = (self.soft.observables(showers, logs, hits, bare) - mean) / width
        found = tf.clip_by_value(found, -LARGEST, LARGEST)
        mean, width = tf.split(self.voxels_at_energy(log_energy), 2, axis=1)
        voxels = (logs - mean) / width
        features = (logs - self.voxels_overall[0]) / self.voxels_overall[1]
        if self.with_observables:
            lines = (self.soft.line_logs(showers) - self.lines_overall[0]) / self.lines_overall[1]
            features = tf.concat([features, found, lines], axis=1)
        return features, found, voxels

    def get_config(self):
        """Arguments of the layer."""
        options = {"detector": self.detector, "knots": self.n_knots, "observables": self.with_observables}
        return {**super().get_config(), **options}


class _Spread:
    """Mean and standard deviation of columns, block by block, float64."""

    def __init__(self):
        self.count, self.sum, self.squares = 0, 0.0, 0.0

    def add(self, values: np.ndarray) -> None:
        values = values.astype(np.float64)
        self.count += len(values)
        self.sum = self.sum + values.sum(axis=0)
        self.squares = self.squares + (values**2).sum(axis=0)

    @property
    def mean(self) -> np.ndarray:
        return self.sum / self.count

    @property
    def width(self) -> np.ndarray:
        return np.sqrt(np.maximum(self.squares / self.count - self.mean**2, 0.0))
