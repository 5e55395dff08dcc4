"""Layer normalisation as PyTorch's ``LayerNorm`` of the three spatial axes."""

from __future__ import annotations

import keras
import tensorflow as tf

SPATIAL_AXES = (1, 2, 3)


@keras.saving.register_keras_serializable("calosim_tf")
class SpatialNormalisation(keras.layers.Layer):
    """Each channel of each shower to mean 0 and variance 1 over all cells, then a trained factor and shift per cell.

    Factors and shifts have shape (layers, rows, columns, 1): all channels share them.  Keras' own layer has them per
    channel.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    factor_std : float
        Standard deviation of the normal law around 1 that factors start from; 0 for exactly 1.
    seed : int
        Of that law.
    """

    def __init__(self, epsilon: float = 1e-5, factor_std: float = 0.0, seed: int = 0, **options):
        super().__init__(**options)
        self.epsilon = epsilon
        self.factor_std = factor_std
        self.seed = seed

    def build(self, input_shape):
        """Make the weights."""
        shape = (*input_shape[1:4], 1)
        law = keras.initializers.RandomNormal(1.0, self.factor_std, seed=self.seed) if self.factor_std else "ones"
        self.factor = self.add_weight(name="factor", shape=shape, initializer=law)
        self.shift = self.add_weight(name="shift", shape=shape, initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        """Normalised images of the same shape."""
        mean = tf.reduce_mean(inputs, axis=SPATIAL_AXES, keepdims=True)
        centred = inputs - mean
        variance = tf.reduce_mean(tf.square(centred), axis=SPATIAL_AXES, keepdims=True)
        return centred * tf.math.rsqrt(variance + self.epsilon) * self.factor + self.shift

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return tuple(input_shape)

    def get_config(self):
        """Arguments of the layer."""
        own = {"epsilon": self.epsilon, "factor_std": self.factor_std, "seed": self.seed}
        return {**super().get_config(), **own}
