"""Pixels of jet images, and what they weigh together (no TensorFlow)."""

from __future__ import annotations

from functools import cache

import numpy as np

from calosim_tf.geometry.detectors import JET_IMAGE

SIDE = JET_IMAGE.layers[0].n_rows
PIXEL = JET_IMAGE.layers[0].row_mm / 1e3  # in eta and in phi / rad


@cache
def pixel_grid() -> tuple[np.ndarray, np.ndarray]:
    """eta and phi of the pixels, each of shape (625,): columns count eta upwards, rows phi downwards."""
    middles = PIXEL * (np.arange(SIDE) - SIDE // 2)
    phi, eta = np.meshgrid(-middles, middles, indexing="ij")
    return eta.ravel(), phi.ravel()


def mass_and_pt(pixels_gev: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Invariant mass and transverse momentum of all pixels together, GeV, each of shape (n,)."""
    eta, phi = pixel_grid()
    pixels = np.asarray(pixels_gev, dtype=np.float64)
    px, py, plus, minus = (pixels @ weights for weights in (np.cos(phi), np.sin(phi), np.exp(eta), np.exp(-eta)))
    # E^2 - pz^2 = (E + pz)(E - pz), without the cancellation of two squares
    squared = plus * minus - px**2 - py**2
    return np.sqrt(np.maximum(squared, 0.0)), np.hypot(px, py)
