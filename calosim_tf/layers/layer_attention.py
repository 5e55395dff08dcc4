"""In-painting of a calorimeter layer with what the layer before passes on (CaloGAN, arXiv:1705.02355)."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.layers.locally_connected import LocallyConnected2D

KERNEL_SIZE = (3, 3)
# Authors' code: the softmax starts by giving the layer before a weight of 4.5e-5
CARRY_BIAS = -10.0


class TrustOwnLayer(keras.initializers.Initializer):
    """0 for the layer itself, ``CARRY_BIAS`` for what the layer before passes on."""

    def __call__(self, shape, dtype=None):
        """Bias of shape (..., 2)."""
        values = np.zeros(shape)
        values[..., -1] = CARRY_BIAS
        return tf.constant(values, dtype or tf.float32)


class LayerAttention(keras.layers.Layer):
    """Cell by cell a weighted mean of a layer and of what the layer before passes on.

    The weights are the softmax over two maps, a 3x3 linear map of both inputs with zeros around them.

    Parameters
    ----------
    local : bool
        A separate kernel at every cell, and an initial bias towards the layer itself (original CaloGAN).  Otherwise one
        kernel for all cells and a bias of 0 (Conditional CaloGAN).
    seed : int
        Seed of the initial kernel.

    Notes
    -----
    Inputs: the layer and what is passed on, both (batch, rows, columns, 1); output of the same shape.
    """

    def __init__(self, local: bool = False, seed: int = 0, **options):
        super().__init__(**options)
        self.local = local
        self.seed = seed
        kernel = keras.initializers.GlorotUniform(seed=seed)
        if local:
            self.preference = LocallyConnected2D(
                2, KERNEL_SIZE, kernel_initializer=kernel, bias_initializer=TrustOwnLayer(), name="preference"
            )
        else:
            self.preference = keras.layers.Conv2D(2, KERNEL_SIZE, kernel_initializer=kernel, name="preference")

    def build(self, input_shape):
        """Weights for maps of this size."""
        batch, rows, columns, _ = input_shape[0]
        self.preference.build((batch, rows + 2, columns + 2, 2))
        self.built = True

    def call(self, inputs):
        """Weighted mean of the two inputs."""
        both = tf.concat(inputs, axis=-1)
        padded = tf.pad(both, [[0, 0], [1, 1], [1, 1], [0, 0]])
        weights = tf.nn.softmax(self.preference(padded))
        shares = both * weights
        # not reduce_sum, the same to the last bit in floating point: in 16-bit integers of TensorFlow Lite it wraps
        # around above the calibrated range, so that the brightest cells become the emptiest; an addition saturates
        return shares[..., :1] + shares[..., 1:]

    def compute_output_shape(self, input_shape):
        """The shape of the layer itself."""
        return input_shape[0]

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "local": self.local, "seed": self.seed}
