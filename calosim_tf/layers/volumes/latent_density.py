"""Latents as an encoder writes them: a kernel density estimate in latent and energy, as a layer."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("calosim_tf")
class LatentDensity(keras.layers.Layer):
    """Normal numbers to numbers of the density of codes at an energy, beside noise.

    Inputs: latents (batch, size) and energies (batch, 1).  The last latent chooses a kernel, with a weight that falls
    with its distance in energy; the first ones are the place in the kernel, which is normal.  Output: code and the
    latents in between, (batch, size - 1).  The kernels are weights that no optimiser changes.

    Parameters
    ----------
    showers : int
        Kernels.
    code_size : int
    """

    def __init__(self, showers: int, code_size: int, **options):
        super().__init__(**options)
        self.showers = showers
        self.code_size = code_size

    def build(self, input_shape):
        """One standard normal until :meth:`fill`."""
        self.codes = self._kept("codes", (self.showers, self.code_size), "zeros")
        self.energies = self._kept("energies", (self.showers,), "zeros")
        self.widths = self._kept("widths", (self.code_size + 1,), "ones")
        super().build(input_shape)

    def fill(self, codes: np.ndarray, energies: np.ndarray) -> None:
        """Take the codes of showers; fewer than the layer has kernels are repeated.

        Parameters
        ----------
        codes : ndarray, shape (n, code_size)
        energies : ndarray, shape (n,)

        Notes
        -----
        Widths are those of Scott (1992): standard deviation times n^(-1 / (dimensions + 4)).
        """
        n, dimensions = len(codes), self.code_size + 1
        spread = np.concatenate([codes.std(axis=0), [energies.std()]])
        rows = np.arange(self.showers) % n
        self.set_weights([codes[rows], energies[rows], np.maximum(spread * n ** (-1 / (dimensions + 4)), 1e-6)])

    def call(self, inputs):
        """Codes and noise."""
        latent, energy = inputs
        distance = tf.square((energy - self.energies) / self.widths[-1]) / 2.0  # (batch, showers)
        weights = tf.exp(tf.reduce_min(distance, axis=1, keepdims=True) - distance)
        reached = tf.cumsum(weights, axis=1)
        wanted = _share_below(latent[:, -1:]) * reached[:, -1:]
        chosen = tf.reduce_sum(tf.cast(reached < wanted, tf.int32), axis=1)
        centres = tf.gather(self.codes, tf.minimum(chosen, self.showers - 1))
        code = centres + self.widths[:-1] * latent[:, : self.code_size]
        return tf.concat([code, latent[:, self.code_size : -1]], axis=1)

    def compute_output_shape(self, input_shape):
        """One number fewer than the latents."""
        batch, size = input_shape[0]
        return (batch, size - 1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "showers": self.showers, "code_size": self.code_size}

    def _kept(self, name: str, shape: tuple[int, ...], start: str):
        return self.add_weight(name=name, shape=shape, initializer=start, trainable=False)


def _share_below(normal: tf.Tensor) -> tf.Tensor:
    """Distribution function of the normal law within 0.0004, of operations that every exported format has."""
    return 0.5 * (1.0 + tf.tanh(math.sqrt(2.0 / math.pi) * (normal + 0.044715 * normal**3)))
