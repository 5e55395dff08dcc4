"""Showers in MeV from a trained generator."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.data.transforms import KineticNormalisation
from calosim_tf.latents import draw_latents

DEFAULT_BATCH = 4096


class ShowerGenerator:
    """A generator network with everything that turns incident energies into showers.

    Parameters
    ----------
    network : keras.Model
        Inputs ``latent`` and ``condition``, output normalised voxels.
    latent : LatentLaw
    normalisation : KineticNormalisation
    jit_compile : bool
        Compile with XLA; one compilation per batch size.
    """

    def __init__(
        self,
        network: keras.Model,
        latent: LatentLaw,
        normalisation: KineticNormalisation,
        jit_compile: bool = False,
    ):
        self.network = network
        self.latent = latent
        self.normalisation = normalisation
        self.apply = tf.function(self._apply, jit_compile=jit_compile, reduce_retracing=True)

    def _apply(self, latent: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        return self.network({"latent": latent, "condition": condition}, training=False)

    def blocks(self, incident_energy_mev: np.ndarray, seed: int, batch: int = DEFAULT_BATCH) -> Iterator[np.ndarray]:
        """Showers for these incident energies, in order, block by block.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        seed : int
            Key of the latent stream; shower i of a seed has the same latent at any batch size.
        batch : int
            Showers per block.

        Yields
        ------
        ndarray, shape (up to batch, n_voxels), float32
            Deposited energy per voxel, MeV, as the network gives it (a swish output is slightly negative in many
            voxels).
        """
        for first in range(0, len(incident_energy_mev), batch):
            energy = incident_energy_mev[first : first + batch]
            latent = draw_latents(self.latent, seed, first, len(energy))
            outputs = self.apply(latent, self.normalisation.label(energy)).numpy()
            yield self.normalisation.to_mev(outputs, energy)

    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Incident energies, each once, that the network was not trained on and can only extrapolate to, MeV."""
        distinct = np.unique(incident_energy_mev)
        label = self.normalisation.label(distinct)[:, 0]
        # labels are float32: the ends of the range are inside
        return distinct[(label < -1e-6) | (label > 1 + 1e-6)]

    def total_energy_gev(self, incident_energy_mev: np.ndarray, seed: int, batch: int = DEFAULT_BATCH) -> np.ndarray:
        """Sum over voxels per shower, GeV, float64, without threshold or clipping (the selection's definition)."""
        return (
            np.concatenate(
                [block.sum(axis=1, dtype=np.float64) for block in self.blocks(incident_energy_mev, seed, batch)]
            )
            / 1e3
        )
