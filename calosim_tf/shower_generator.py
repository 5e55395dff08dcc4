"""Showers in MeV from a trained generator that TensorFlow runs."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.geometry import VoxelDetector
from calosim_tf.inference.sampler import NetworkSampler


class ShowerGenerator(NetworkSampler):
    """A generator network with everything that turns incident energies into showers.

    Parameters
    ----------
    network : keras.Model, or callable of the same arguments
        Inputs ``latent`` and ``condition``, output normalised voxels.
    latent : LatentLaw
    normalisation : Normalisation
    detector : VoxelDetector
    jit_compile : bool
        Compile with XLA; one compilation per batch size.
    """

    def __init__(
        self,
        network: keras.Model | Callable[..., tf.Tensor],
        latent: LatentLaw,
        normalisation: Normalisation,
        detector: VoxelDetector,
        jit_compile: bool = False,
    ):
        super().__init__(latent, normalisation, detector)
        self.network = network
        self.pads_rows = jit_compile
        self.apply = tf.function(self._apply, jit_compile=jit_compile, reduce_retracing=True)

    def _apply(self, latent: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        return self.network({"latent": latent, "condition": condition}, training=False)

    def showers(
        self, incident_energy_mev: np.ndarray, latent: np.ndarray, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """As :meth:`NetworkSampler.showers`, in one call."""
        outputs = self.apply(latent, self.condition(incident_energy_mev, attributes)).numpy()
        return self.normalisation.to_mev(outputs, incident_energy_mev)

    def network_call(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], np.ndarray]:
        """As :meth:`NetworkSampler.network_call`."""
        inputs = tf.constant(latent), tf.constant(condition)
        return lambda: self.apply(*inputs).numpy()
