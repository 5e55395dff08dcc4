"""The particle classifier and energy regressor of the Triforce check: one dense network with two outputs.

Shape of the talk's "DNN": a linear layer, four ReLU layers with dropout 0.04, 512 units each; Adam, 2e-4, batches of
1000.  Inputs and the regressed quantity are our choice: logarithms, because energies span more than two decades here
and the talk's target divides by ln E, which changes its sign at 1 GeV.
"""

from __future__ import annotations

import itertools

import keras
import numpy as np

from calosim_tf.geometry import VoxelDetector

UNITS, HIDDEN_LAYERS, DROPOUT = 512, 4, 0.04
LEARNING_RATE, BATCH = 2e-4, 1000
# Cross-entropy is about 0.1 in the end, the squared error of a decade's logarithm 1e-3 (our choice)
ENERGY_WEIGHT = 100.0


class TriforceNetwork:
    """Classifies particles and estimates their incident energy.

    Parameters
    ----------
    detector : VoxelDetector
    epochs : int
    seed : int
        Of weights, dropout and order.
    """

    def __init__(self, detector: VoxelDetector, epochs: int, seed: int):
        self.detector, self.epochs, self.seed = detector, epochs, seed
        self._mean = self._width = None
        self._model: keras.Model | None = None

    def fit(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray, is_pion: np.ndarray) -> None:
        """Train.

        Parameters
        ----------
        showers_mev : ndarray, shape (n, n_voxels)
        incident_energy_mev, is_pion : ndarray, shape (n,)
        """
        inputs = self._inputs(showers_mev)
        self._mean, self._width = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-3)
        log_energy = np.log10(incident_energy_mev)
        self._energy_mean, self._energy_width = float(log_energy.mean()), float(log_energy.std()) or 1.0
        self._model = self._build(inputs.shape[1])
        targets = {
            "pion": np.asarray(is_pion, np.float32)[:, None],
            "energy": ((log_energy - self._energy_mean) / self._energy_width).astype(np.float32)[:, None],
        }
        scaled, order = self._scaled(inputs), np.random.Generator(np.random.Philox(self.seed))
        for _ in range(self.epochs):
            rows = order.permutation(len(scaled))
            for first in range(0, len(rows), BATCH):
                part = rows[first : first + BATCH]
                self._model.train_on_batch(scaled[part], {name: values[part] for name, values in targets.items()})

    def predict(self, showers_mev: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability of being a pion, and incident energy in MeV: both of shape (n,)."""
        found = self._model.predict(self._scaled(self._inputs(showers_mev)), batch_size=4 * BATCH, verbose=0)
        log_energy = found["energy"][:, 0].astype(np.float64) * self._energy_width + self._energy_mean
        return found["pion"][:, 0], 10.0**log_energy

    def _inputs(self, showers_mev: np.ndarray) -> np.ndarray:
        """log10(1 + E/MeV) of voxels, layers and sum, negative energies as 0: shape (n, n_voxels + layers + 1)."""
        voxels = np.maximum(showers_mev, 0.0)
        layers = [voxels[:, part].sum(axis=1) for part in self.detector.layer_slices.values()]
        return np.log10(1.0 + np.column_stack([voxels, *layers, voxels.sum(axis=1)])).astype(np.float32)

    def _scaled(self, inputs: np.ndarray) -> np.ndarray:
        return (inputs - self._mean) / self._width

    def _build(self, n_inputs: int) -> keras.Model:
        # every seed is named: Keras would draw the others from the process
        seeds = itertools.count(self.seed * 1000 + 1)

        def dense(units: int, **options) -> keras.layers.Dense:
            start = keras.initializers.GlorotUniform(seed=next(seeds))
            return keras.layers.Dense(units, kernel_initializer=start, **options)

        inputs = keras.Input((n_inputs,))
        hidden = dense(UNITS)(inputs)
        for _ in range(HIDDEN_LAYERS):
            hidden = keras.layers.Dropout(DROPOUT, seed=next(seeds))(dense(UNITS, activation="relu")(hidden))
        n_sums = len(self.detector.layers) + 1
        together = keras.layers.Concatenate()([hidden, inputs[:, -n_sums:]])
        outputs = {
            "pion": dense(1, activation="sigmoid", name="pion")(together),
            "energy": dense(1, name="energy")(together),
        }
        model = keras.Model(inputs, outputs)
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=LEARNING_RATE),
            loss={"pion": "binary_crossentropy", "energy": "mse"},
            loss_weights={"pion": 1.0, "energy": ENERGY_WEIGHT},
        )
        return model
