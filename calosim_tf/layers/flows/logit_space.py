"""Between energies, in units of 100 GeV, and the logits that flows work on; and what conditions the flows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

# Added to divisors (authors' code), and to layer energies under the logarithm; 100 GeV
TINY = 1e-16
LEAST_ENERGY = 1e-8


def to_logits(shares, alpha: float) -> tf.Tensor:
    """logit(alpha + (1 - 2 alpha) u) of shares u, which are clipped to [0, 1]."""
    shares = tf.clip_by_value(shares, 0.0, 1.0)
    # 1 - u is exact where u is near 1; the logarithm of the difference of rounded numbers would not be
    low, high = (alpha + (1.0 - 2.0 * alpha) * part for part in (shares, 1.0 - shares))
    return tf.math.log(low) - tf.math.log(high)


def to_shares(logits, alpha: float) -> tf.Tensor:
    """Inverse of :func:`to_logits`, between -alpha and 1 + alpha."""
    # tf.sigmoid, whose small numbers ONNX Runtime has only to 1e-7 of 1: most voxels are smaller shares than that
    return (1.0 / (1.0 + tf.exp(-logits)) - alpha) / (1.0 - 2.0 * alpha)


def _log10(x) -> tf.Tensor:
    return tf.math.log(x) / math.log(10.0)


@keras.saving.register_keras_serializable("calosim_tf")
class ParticleContext(keras.layers.Layer):
    """log10(scale E), shape (batch, 1); and with layer energies log10(E_i + 1e-8) + shift of each behind it.

    Called with the incident energy (batch, 1), or with it and the layer energies (batch, layers); 100 GeV.

    Parameters
    ----------
    scale, shift : float
    """

    def __init__(self, scale: float, shift: float = 0.0, **options):
        super().__init__(**options)
        self.scale = scale
        self.shift = shift

    def call(self, inputs):
        """The context."""
        energy, *layers = inputs if isinstance(inputs, list | tuple) else [inputs]
        parts = [_log10(self.scale * energy), *(_log10(layer + LEAST_ENERGY) + self.shift for layer in layers)]
        return tf.concat(parts, axis=1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "scale": self.scale, "shift": self.shift}


@keras.saving.register_keras_serializable("calosim_tf")
class SuccessiveShares(keras.layers.Layer):
    """Layer energies from logits: of the share of the incident energy, then of each layer in what is left.

    Called with logits (batch, layers) and the incident energy (batch, 1), 100 GeV; gives energies (batch, layers).

    Parameters
    ----------
    alpha : float
        See :func:`to_logits`.
    largest_response : float
        Deposited over incident energy that counts as a share of 1.
    """

    def __init__(self, alpha: float, largest_response: float, **options):
        super().__init__(**options)
        self.alpha = alpha
        self.largest_response = largest_response

    def call(self, inputs):
        """Layer energies."""
        logits, energy = inputs
        # below 0 a logarithm further on would not be a number (our choice: the authors do not clip here)
        shares = tf.clip_by_value(to_shares(logits, self.alpha), 0.0, 1.0)
        rest = shares[:, :1] * energy * self.largest_response
        found = []
        for layer in range(1, logits.shape[1]):
            found.append(shares[:, layer : layer + 1] * rest)
            rest = rest - found[-1]
        return tf.concat([*found, rest], axis=1)

    def logits(self, energies, energy) -> tf.Tensor:
        """Logits of these layer energies."""
        rest = tf.cumsum(energies, axis=1, reverse=True)
        total = rest[:, :1] / (self.largest_response * energy)
        return to_logits(tf.concat([total, energies[:, :-1] / (rest[:, :-1] + TINY)], axis=1), self.alpha)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "alpha": self.alpha, "largest_response": self.largest_response}


@keras.saving.register_keras_serializable("calosim_tf")
class FilledLayers(keras.layers.Layer):
    """Voxels from logits of their shares, scaled so that each layer has its energy.

    Called with logits (batch, voxels) and layer energies (batch, layers); gives voxels in the units of the energies,
    down to slightly below 0.

    Parameters
    ----------
    layer_sizes : sequence of int
        Voxels of each layer, one after another.
    alpha : float
        See :func:`to_logits`.
    """

    def __init__(self, layer_sizes: Sequence[int], alpha: float, **options):
        super().__init__(**options)
        self.layer_sizes = tuple(layer_sizes)
        self.alpha = alpha

    def call(self, inputs):
        """Voxels."""
        logits, energies = inputs
        filled = []
        for index, shares in enumerate(tf.split(to_shares(logits, self.alpha), self.layer_sizes, axis=1)):
            # the authors' code: the sum of absolute values
            sums = tf.reduce_sum(tf.abs(shares), axis=1, keepdims=True) + TINY
            filled.append(shares * (energies[:, index : index + 1] / sums))
        return tf.concat(filled, axis=1)

    def logits(self, voxels, energies) -> tf.Tensor:
        """Logits of the shares of these voxels in their layers."""
        parts = [
            part / (energies[:, index : index + 1] + TINY)
            for index, part in enumerate(tf.split(voxels, self.layer_sizes, axis=1))
        ]
        return to_logits(tf.concat(parts, axis=1), self.alpha)

    def sums(self, voxels) -> tf.Tensor:
        """Energies of the layers, shape (batch, layers)."""
        return tf.stack([tf.reduce_sum(part, axis=1) for part in tf.split(voxels, self.layer_sizes, axis=1)], axis=1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "layer_sizes": self.layer_sizes, "alpha": self.alpha}
