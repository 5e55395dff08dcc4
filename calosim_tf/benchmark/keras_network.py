"""A Keras generator as a call that can be timed."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw
from calosim_tf.latents import draw_latents


def network_inputs(network: keras.Model, latent: LatentLaw, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents of the law and a condition of one half each, float32, shapes (batch, n), (batch, k)."""
    condition = np.full((batch, network.input["condition"].shape[1]), 0.5, dtype=np.float32)
    return draw_latents(latent, 0, 0, batch), condition


def network_call(network: keras.Model, jit_compile: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A traced generator: (latent, condition) to the network's output."""

    @tf.function(jit_compile=jit_compile)
    def showers(latent, condition):
        return network({"latent": latent, "condition": condition}, training=False)

    return lambda latent, condition: showers(latent, condition).numpy()
