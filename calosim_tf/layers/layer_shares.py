"""Output block of the layer-normalised CaloShowerGAN."""

from __future__ import annotations

import keras
import tensorflow as tf

# Our choice: a share of the softmax below this closes the layer.  It is well below the even share of any detector here
# (1/45 at 45 layers), so one layer always stays open, and what is just open has a share just above 0.
GATE = 0.01


class LayerShares(keras.layers.Layer):
    """Softmax over the voxels of each layer, softmax over the layers, ReLU for the total.

    Authors' code, ``normlayer2``.

    Parameters
    ----------
    layer_sizes : sequence of int
        Voxels of each layer.
    gate : bool
        Take ``GATE`` off the softmax over layers, cut at 0, and scale back to a sum of 1; a closed layer has no voxels
        either.  Without it no layer is ever empty.

    Notes
    -----
    Input and output have shape (batch, voxels + layers + 1).
    """

    def __init__(self, layer_sizes, gate: bool = False, **options):
        super().__init__(**options)
        self.layer_sizes = tuple(layer_sizes)
        self.gate = gate

    def call(self, inputs):
        """Shares of each row."""
        *voxels, layers, total = tf.split(inputs, [*self.layer_sizes, len(self.layer_sizes), 1], axis=-1)
        shares = tf.nn.softmax(layers)
        parts = [tf.nn.softmax(layer) for layer in voxels]
        if self.gate:
            above = tf.nn.relu(shares - GATE)
            # not reduce_sum, the same to the last bit for up to 7 layers: in 16-bit integers of TensorFlow Lite it
            # wraps around above the calibrated range, and shares become negative; this stays in floating point
            shares = above / tf.add_n(tf.split(above, len(self.layer_sizes), axis=-1))
            is_open = tf.cast(shares > 0.0, shares.dtype)
            parts = [part * is_open[:, index : index + 1] for index, part in enumerate(parts)]
        return tf.concat([*parts, shares, tf.nn.relu(total)], axis=-1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "layer_sizes": self.layer_sizes, "gate": self.gate}
