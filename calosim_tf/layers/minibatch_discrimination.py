"""Minibatch discrimination (Salimans et al. 2016, section 3.2)."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.layers.replicas import active_replicas


class MinibatchDiscrimination(keras.layers.Layer):
    """How close each event of a batch is to all events of the batch, in several learnt projections.

    Parameters
    ----------
    features : int
        Projections.
    dimensions : int
        Components of each projection.
    seed : int
        Seed of the initial kernel.
    kernel_initializer : Keras initialiser, optional
        Law of the initial kernel; Glorot's uniform one with ``seed`` unless given.

    Notes
    -----
    Input (batch, n), output (batch, features).  With M the learnt affine projections of shape (batch, features,
    dimensions), the output of event b is the sum over all events b' of exp(-sum_k |M[b, :, k] - M[b', :, k]|); b itself
    is included, so it is at least 1.  CaloGAN puts a tanh behind it, which saturates quickly; that is left to the
    model.  The differences take batch^2 * features * dimensions numbers, 26 MB at a batch of 256.  On several replicas
    the events compared with are those of the global batch.
    """

    def __init__(self, features: int = 10, dimensions: int = 10, seed: int = 0, kernel_initializer=None, **options):
        super().__init__(**options)
        self.features = features
        self.dimensions = dimensions
        self.seed = seed
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Weights: kernel (features, n, dimensions), the authors' order, which sets the spread of Glorot's law."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.features, input_shape[-1], self.dimensions),
            initializer=self.kernel_initializer or keras.initializers.GlorotUniform(seed=self.seed),
        )
        self.bias = self.add_weight(name="bias", shape=(self.features, self.dimensions), initializer="zeros")
        self.built = True

    def call(self, inputs):
        """Closeness of each event, shape (batch, features)."""
        projected = tf.tensordot(inputs, self.kernel, axes=[[1], [1]]) + self.bias
        # each event of this replica to all events of the global batch
        everything = active_replicas().gather(projected)
        differences = projected[:, tf.newaxis] - everything[tf.newaxis]  # (batch, global, features, dimensions)
        return tf.reduce_sum(tf.exp(-tf.reduce_sum(tf.abs(differences), axis=3)), axis=1)

    def compute_output_shape(self, input_shape):
        """(batch, features)."""
        return (input_shape[0], self.features)

    def get_config(self):
        """Arguments of the layer."""
        own = {"features": self.features, "dimensions": self.dimensions, "seed": self.seed}
        if self.kernel_initializer is not None:
            own["kernel_initializer"] = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), **own}
