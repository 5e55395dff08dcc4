"""Batch normalisation whose statistics are those of the global batch."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.layers.replicas import Replicas, active_replicas


class BatchNormalisation(keras.layers.BatchNormalization):
    """Keras' layer on one replica; on several, mean and variance of the batch are taken over all of them.

    Keras' own ``synchronized=True`` works under tf.distribute alone and forms the variance as the difference of two
    means, which loses digits.  Inputs are normalised along the last axis.

    Notes
    -----
    The moving variance takes the variance of the batch as Keras' layer does for the same input: for images (4 or
    5 axes) with n / (n - 1), for vectors without.
    """

    def add_weight(self, *arguments, **options):
        """Moving statistics are alike on all replicas, so they are stored like weights.

        Keras averages them whenever they are read, which is a message between processes that only one of them would
        send when it alone saves or judges.
        """
        if options.pop("synchronization", None) is not None:
            options["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return super().add_weight(*arguments, **options)

    def call(self, inputs, training=None):
        """Normalised inputs."""
        replicas = active_replicas()
        if replicas.number == 1 or training is not True:
            return super().call(inputs, training=training)
        mean, variance = self._batch_statistics(inputs, replicas)
        rows = tf.cast(tf.size(inputs) * replicas.number / tf.shape(inputs)[-1], inputs.dtype)
        unbiased = variance * rows / tf.maximum(rows - 1.0, 1.0) if len(inputs.shape) in (4, 5) else variance
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
            value = tf.stop_gradient(value)
            replicas.assign(moving, moving - (moving - value) * (1.0 - self.momentum))
        return tf.nn.batch_normalization(inputs, mean, variance, self.beta, self.gamma, self.epsilon)

    def _batch_statistics(self, inputs, replicas: Replicas) -> tuple[tf.Tensor, tf.Tensor]:
        axes = list(range(len(inputs.shape) - 1))
        mean, variance = tf.nn.moments(inputs, axes)
        # shares of equal size: the variance of all is the mean of the variances plus the variance of the means
        means, variances = tf.unstack(replicas.gather(tf.stack([mean, variance])[tf.newaxis]), axis=1)
        total = tf.reduce_mean(means, axis=0)
        return total, tf.reduce_mean(variances + tf.square(means - total), axis=0)
