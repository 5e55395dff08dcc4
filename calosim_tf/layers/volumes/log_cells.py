"""Logarithms of cells."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("calosim_tf")
class LogCells(keras.layers.Layer):
    """ln(1 + E / MeV) of cells in MeV, none of which is negative."""

    def call(self, inputs):
        """Logarithms, of the same shape."""
        return tf.math.log1p(inputs)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return tuple(input_shape)
