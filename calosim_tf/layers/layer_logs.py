"""Layer energies as numbers near 1, for the inputs of a network."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("calosim_tf")
class LayerLogs(keras.layers.Layer):
    """Energies in MeV (batch, layers) to ln(1 + E/MeV) / 5 - 1, and 1 where a layer is open (batch, 2 layers).

    Written as a logarithm of a sum: exports know no log1p.
    """

    def call(self, inputs):
        """Logarithms and flags."""
        is_open = tf.cast(inputs > 0.0, inputs.dtype)
        return tf.concat([tf.math.log(1.0 + tf.nn.relu(inputs)) / 5.0 - 1.0, is_open], axis=-1)
