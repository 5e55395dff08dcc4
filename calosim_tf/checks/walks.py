"""Showers along a walk through one condition (no TensorFlow)."""

from __future__ import annotations

import numpy as np

from calosim_tf.inference.sampler import ShowerSampler
from calosim_tf.latents import draw_latents
from calosim_tf.physics.papers.traversal import Path


def showers_along(generator: ShowerSampler, path: Path, seed: int) -> np.ndarray:
    """Showers of a walk, the same latents at every point: shape (points * latents, n_voxels), MeV."""
    latent = draw_latents(generator.latent, seed, 0, path.n_latents)
    return generator.showers(path.incident_energy_mev, path.latents(latent), path.attributes)
