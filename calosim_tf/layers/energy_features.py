"""Energy sums that CaloGAN's critic sees beside its learnt features (arXiv:1705.02355)."""

from __future__ import annotations

import keras
import tensorflow as tf

# Authors' code: scales that bring the numbers near 1, and the deviation that is flagged
LAYER_SCALE_GEV = 10.0
TOTAL_SCALE_GEV = 100.0
LARGE_DEVIATION_GEV = 5.0
LARGE_DEVIATION_FLAG = 10.0


class LayerEnergies(keras.layers.Layer):
    """Energy of each layer: (batch, cells) to (batch, layers).

    Parameters
    ----------
    layer_sizes : sequence of int
        Cells of each layer, which stand one after another.
    """

    def __init__(self, layer_sizes, **options):
        super().__init__(**options)
        self.layer_sizes = tuple(layer_sizes)

    def call(self, inputs):
        """Sums of each layer."""
        layers = tf.split(inputs, self.layer_sizes, axis=-1)
        return tf.stack([tf.reduce_sum(layer, axis=-1) for layer in layers], axis=-1)

    def compute_output_shape(self, input_shape):
        """(batch, layers)."""
        return (input_shape[0], len(self.layer_sizes))

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "layer_sizes": self.layer_sizes}


class EnergyFeatures(keras.layers.Layer):
    """Scaled energies, and how far their sum is from the incident energy.

    Inputs: layer energies (batch, layers) and incident energy (batch, 1), GeV.  Output (batch, layers + 3): layer
    energies / 10 GeV; sum / 100 GeV; absolute deviation of the sum from the incident energy in GeV; 10 if that is above
    5 GeV, otherwise 0.
    """

    def call(self, inputs):
        """Features of each shower."""
        layers, incident = inputs
        total = tf.reduce_sum(layers, axis=-1, keepdims=True)
        deviation = tf.abs(total - incident)
        large = LARGE_DEVIATION_FLAG * tf.cast(deviation > LARGE_DEVIATION_GEV, layers.dtype)
        return tf.concat([layers / LAYER_SCALE_GEV, total / TOTAL_SCALE_GEV, deviation, large], axis=-1)

    def compute_output_shape(self, input_shape):
        """(batch, layers + 3)."""
        return (input_shape[0][0], input_shape[0][1] + 3)


class EnergySum(keras.layers.Layer):
    """Sum over the last axis, kept: (batch, layers) to (batch, 1)."""

    def call(self, inputs):
        """Total of each shower."""
        return tf.reduce_sum(inputs, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape):
        """(batch, 1)."""
        return (input_shape[0], 1)
