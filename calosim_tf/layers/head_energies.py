"""Output block of the energy head: total and layer energies, layers that may be empty."""

from __future__ import annotations

import keras
import tensorflow as tf

# Our choices: how steeply a closed gate pulls the logarithm down, and what keeps one layer open
GATE_SLOPE = 8.0
LEAST_LOG = 0.05
# Where gates and widths start: layers mostly open, little noise (our choices)
GATE_START, WIDTH_START = -2.5, -2.0
# ln(1 + E/MeV) of no layer is above this (65 TeV); keeps the exponential finite in the first iterations
LARGEST_LOG = 18.0
# The response bends at 1/20 of its mean, towards 0 (our choice)
RESPONSE_SHARPNESS = 20.0


@keras.saving.register_keras_serializable("calosim_tf")
class HeadEnergies(keras.layers.Layer):
    """Energies of the layers of showers that are not empty, MeV, shape (batch, layers).

    The total follows from the first score, by mean and width of the response at this energy.  The logarithm of each
    layer has a score, a noise of its own with a trained width, and a gate that closes the layer when a second noise is
    below its threshold; what is left is scaled to the total.

    Inputs: scores (batch, 1 + 3 layers); noise (batch, 2 layers), standard normal; table (batch, 2 + 2 layers), mean
    and width of the response and of each ln(1 + E/MeV); ln of the incident energy in MeV (batch, 1).

    Parameters
    ----------
    layers : int
    """

    def __init__(self, layers: int, **options):
        super().__init__(**options)
        self.n_layers = layers

    def call(self, inputs):
        """Layer energies."""
        scores, noise, table, log_energy = inputs
        n = self.n_layers
        total, values, gates, widths = tf.split(scores, [1, n, n, n], axis=-1)
        gate_noise, value_noise = tf.split(noise, [n, n], axis=-1)
        mean, width, log_mean, log_width = tf.split(table, [1, 1, n, n], axis=-1)
        logs = log_mean + log_width * (values + tf.nn.softplus(widths + WIDTH_START) * value_noise)
        logs -= GATE_SLOPE * tf.nn.relu(gates + GATE_START - gate_noise)
        # one layer of a shower that is not empty is open
        logs += tf.nn.relu(LEAST_LOG - tf.reduce_max(logs, axis=-1, keepdims=True))
        energies = tf.exp(tf.minimum(tf.nn.relu(logs), LARGEST_LOG)) - 1.0
        # a relu would leave showers without energy, and no gradient to give them some
        sharpness = RESPONSE_SHARPNESS / mean
        scale = tf.nn.softplus(sharpness * (mean + width * total)) / sharpness * tf.exp(log_energy)
        return energies / tf.reduce_sum(energies, axis=-1, keepdims=True) * scale

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "layers": self.n_layers}


@keras.saving.register_keras_serializable("calosim_tf")
class GivenOrDrawn(keras.layers.Layer):
    """Layer energies of the condition where they are given, otherwise those of the head, or none for an empty shower.

    Inputs: given energies (batch, layers), negative for those to be drawn; drawn ones; emptiness (batch, 1): noise
    below which the shower is empty, and the noise.
    """

    def call(self, inputs):
        """Layer energies, MeV, shape (batch, layers)."""
        given, drawn, threshold, noise = inputs
        is_filled = tf.cast(noise > threshold, drawn.dtype)
        return tf.where(given >= 0.0, given, drawn * is_filled)
