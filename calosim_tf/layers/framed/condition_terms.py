"""The particle as the numbers that networks see in its own frame."""

from __future__ import annotations

import keras
import tensorflow as tf

# Where the standardised response is cut (our choice)
LARGEST_RESPONSE = 5.0


@keras.saving.register_keras_serializable("calosim_tf")
class ConditionTerms(keras.layers.Layer):
    """Position of the energy in its range, numbers of the particle's frame, and their products.

    Inputs: position (batch, 1); numbers of :class:`calosim_tf.layers.framed.particle_frame.ParticleFrame` (batch, 2 + 2
    layers); and, if there are any, columns that are taken as they are.  Output (batch, terms), the position first.
    """

    def call(self, inputs):
        """Terms."""
        position, numbers, *others = inputs
        pairs = tf.reshape(numbers, (-1, numbers.shape[1] // 2, 2))
        products = pairs[:, :, 0] * pairs[:, :, 1]
        parts = [position, position**2, numbers, numbers**2, products, position * numbers, *others]
        return tf.concat(parts, axis=1)


@keras.saving.register_keras_serializable("calosim_tf")
class ResponseScore(keras.layers.Layer):
    """How far the response is from its mean, in half widths: (batch, 1).

    Inputs: layer energies in MeV (batch, layers); ln of the incident energy in MeV (batch, 1); mean and width of the
    response at this energy (batch, 2).
    """

    def call(self, inputs):
        """Scores from -2.5 to 2.5."""
        energies, log_energy, table = inputs
        response = tf.reduce_sum(energies, axis=1, keepdims=True) / tf.exp(log_energy)
        score = (response - table[:, :1]) / table[:, 1:]
        return tf.clip_by_value(score, -LARGEST_RESPONSE, LARGEST_RESPONSE) / 2.0
