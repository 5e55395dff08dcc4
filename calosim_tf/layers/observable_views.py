"""What a critic sees of a shower: standardised voxels and observables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.geometry import get_detector
from calosim_tf.layers.energy_table import EnergyTable
from calosim_tf.layers.framed.trajectory_observables import TrajectoryObservables
from calosim_tf.layers.soft_observables import SoftObservables

# Our choices: least widths as a share of that over all energies, or in units of the voxel logarithms; where
# standardised observables are cut
LEAST_SHARE = 0.15
LEAST_AT_ENERGY, LEAST_OVERALL = 0.2, 0.05
LARGEST = 8.0


@keras.saving.register_keras_serializable("calosim_tf")
class ObservableViews(keras.layers.Layer):
    """Showers as numbers of width 1.

    Inputs: showers in MeV (batch, voxels), ln of the incident energy in MeV (batch, 1), with ``framed`` also the
    numbers of the particle's frame.  Outputs: what a critic sees, (batch, features); observables standardised at each
    energy, (batch, observables); logarithms of the voxels standardised at each energy, (batch, voxels).

    Parameters
    ----------
    detector : str
    knots : int
        Energies at which means and widths are tabulated.
    observables : bool
        Whether the critic sees more than the voxels.
    threshold_mev : float
        Voxels are seen from this energy on; 0 for the threshold of the detector.
    framed : bool
        Showers are in the frame of their particle: observables along its trajectory, and sums of rows and columns at
        each energy, are among the observables.
    """

    def __init__(
        self,
        detector: str,
        knots: int,
        observables: bool = True,
        threshold_mev: float = 0.0,
        framed: bool = False,
        **options,
    ):
        super().__init__(**options)
        self.detector = detector
        self.n_knots = knots
        self.with_observables = observables
        self.threshold_mev = threshold_mev
        self.framed = framed
        self.soft = SoftObservables(get_detector(detector), threshold_mev or None)
        size = len(self.soft.names)
        if framed:
            self.along = TrajectoryObservables(get_detector(detector), float(self.soft.threshold))
            size += len(self.along.names) + self.soft.n_lines
        self.at_energy = EnergyTable(knots, 2 * size, name="observables_at_energy")
        self.voxels_at_energy = EnergyTable(knots, 2 * self.soft.detector.n_voxels, name="voxels_at_energy")

    def build(self, input_shape):
        """Means and widths over all energies; no optimiser changes them."""
        super().build(input_shape)

        def overall(name: str, size: int):
            return self.add_weight(name=name, shape=(2, size), initializer="ones", trainable=False)

        self.voxels_overall = overall("voxels_overall", self.soft.detector.n_voxels)
        self.lines_overall = overall("lines_overall", self.soft.n_lines)

    def fit(
        self,
        groups: Iterable[tuple[float, np.ndarray, np.ndarray | None]],
        reach: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Take means and widths from training showers.

        Parameters
        ----------
        groups : iterable of (float, ndarray, ndarray or None)
            ln of the energy of a group in MeV, ascending; its showers, MeV, shape (n, voxels); with ``framed`` the
            numbers of the frame, shape (n, numbers).
        reach : callable
            Knots (ln E) and rows of a table to those of one that reaches the ends of the range of energies.
        """
        energies, observables, voxels, lines = [], [], _Spread(), _Spread()
        everything = _Spread()
        for log_energy, showers, numbers in groups:
            own, own_voxels = _Spread(), _Spread()
            for first in range(0, len(showers), 1024):
                chosen = slice(first, first + 1024)
                logs, found = self._measured(tf.constant(showers[chosen]), None if numbers is None else numbers[chosen])
                found = found.numpy()
                for spread, values in ((own, found), (everything, found), (own_voxels, logs.numpy())):
                    spread.add(values)
                voxels.add(logs.numpy())
                lines.add(self.soft.line_logs(tf.constant(showers[chosen])).numpy())
            energies.append(log_energy)
            observables.append((own, own_voxels))
        least = LEAST_SHARE * everything.width
        rows = [np.concatenate([own.mean, np.maximum(own.width, least) + 1e-6]) for own, _ in observables]
        self.at_energy.fill(*reach(np.array(energies), np.array(rows)))
        rows = [np.concatenate([own.mean, own.width + LEAST_AT_ENERGY]) for _, own in observables]
        self.voxels_at_energy.fill(*reach(np.array(energies), np.array(rows)))
        self.voxels_overall.assign(np.stack([voxels.mean, voxels.width + LEAST_OVERALL]))
        self.lines_overall.assign(np.stack([lines.mean, lines.width + LEAST_OVERALL]))

    def call(self, inputs):
        """Features, observables and voxels."""
        showers, log_energy, *numbers = inputs
        logs, found = self._measured(showers, *numbers)
        mean, width = tf.split(self.at_energy(log_energy), 2, axis=1)
        found = (found - mean) / width
        found = tf.clip_by_value(found, -LARGEST, LARGEST)
        mean, width = tf.split(self.voxels_at_energy(log_energy), 2, axis=1)
        voxels = (logs - mean) / width
        features = (logs - self.voxels_overall[0]) / self.voxels_overall[1]
        if self.with_observables and self.framed:
            features = tf.concat([features, found], axis=1)
        elif self.with_observables:
            lines = (self.soft.line_logs(showers) - self.lines_overall[0]) / self.lines_overall[1]
            features = tf.concat([features, found, lines], axis=1)
        return features, found, voxels

    def _measured(self, showers, numbers=None) -> tuple[tf.Tensor, tf.Tensor]:
        """Logarithms of the voxels, and observables as they are."""
        logs, hits, bare = self.soft.voxel_logs(showers)
        found = self.soft.observables(showers, logs, hits, bare)
        if self.framed:
            found = tf.concat([found, self.along(showers, logs, numbers), self.soft.line_logs(showers)], axis=1)
        return logs, found

    def get_config(self):
        """Arguments of the layer."""
        options = {"detector": self.detector, "knots": self.n_knots, "observables": self.with_observables}
        options |= {"threshold_mev": self.threshold_mev, "framed": self.framed}
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
