"""Batch normalisation whose statistics are those of the global batch."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.keras_compat import ALIKE, UNBIASED_MOVING_VARIANCE
from calosim_tf.layers.replicas import Replicas, active_replicas


@keras.saving.register_keras_serializable("calosim_tf")
class BatchNormalisation(keras.layers.BatchNormalization):
    """Keras' layer on one replica; on several, mean and variance of the batch are taken over all of them.

    Keras' own ``synchronized=True`` works under tf.distribute alone and forms the variance as the difference of two
    means, which loses digits.  Inputs are normalised along the last axis.

    Parameters
    ----------
    frozen : bool
        Moving statistics stay 0 and 1, and normalise, also when the network is called with ``training=True``.

    Notes
    -----
    The moving variance takes the variance of the batch as Keras 2 does for the same input: for images (4 or 5 axes)
    with n / (n - 1), for vectors without.
    """

    def __init__(self, frozen: bool = False, **options):
        super().__init__(**options)
        self.frozen = frozen

    def add_weight(self, *arguments, **options):
        """Moving statistics are alike on all replicas, so they are stored like weights.

        Keras averages them whenever they are read, which is a message between processes that only one of them would
        send when it alone saves or judges.
        """
        options.pop("synchronization", None)
        if not options.get("trainable", True):
            options |= ALIKE
        return super().add_weight(*arguments, **options)

    def call(self, inputs, training=None):
        """Normalised inputs."""
        replicas, images = active_replicas(), len(inputs.shape) in (4, 5)
        if self.frozen or training is not True:
            return super().call(inputs, training=False if self.frozen else training)
        if replicas.number == 1 and (UNBIASED_MOVING_VARIANCE or not images):
            return super().call(inputs, training=training)
        if replicas.number == 1:
            # with n / (n - 1) already
            outputs, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                self.gamma,
                self.beta,
                epsilon=self.epsilon,
                data_format="NHWC" if len(inputs.shape) == 4 else "NDHWC",
            )
        else:
            mean, variance = self._batch_statistics(inputs, replicas)
            rows = tf.cast(tf.size(inputs) * replicas.number / tf.shape(inputs)[-1], inputs.dtype)
            unbiased = variance * rows / tf.maximum(rows - 1.0, 1.0) if images else variance
            outputs = tf.nn.batch_normalization(inputs, mean, variance, self.beta, self.gamma, self.epsilon)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
            value = tf.stop_gradient(value)
            replicas.assign(moving, moving - (moving - value) * (1.0 - self.momentum))
        return outputs

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "frozen": self.frozen}

    def _batch_statistics(self, inputs, replicas: Replicas) -> tuple[tf.Tensor, tf.Tensor]:
        axes = list(range(len(inputs.shape) - 1))
        mean, variance = tf.nn.moments(inputs, axes)
        # shares of equal size: the variance of all is the mean of the variances plus the variance of the means
        means, variances = tf.unstack(replicas.gather(tf.stack([mean, variance])[tf.newaxis]), axis=1)
        total = tf.reduce_mean(means, axis=0)
        return total, tf.reduce_mean(variances + tf.square(means - total), axis=0)
