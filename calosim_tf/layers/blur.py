"""Fixed smearing of a calorimeter layer (Conditional CaloGAN, section 6.1)."""

from __future__ import annotations

import keras
import tensorflow as tf


class FixedBlur(keras.layers.Layer):
    """Mean over ``rows`` x ``columns`` neighbouring cells, each channel by itself; never trained.

    Outside of the map counts as 0, so that energy near an edge leaks out.

    Parameters
    ----------
    rows, columns : int
        Size of the kernel, whose weights are all 1 / (rows * columns).

    Notes
    -----
    Input and output (batch, height, width, channels).  The kernel is a weight that is not trainable, as in the paper's
    code: it counts as such and is in every checkpoint.
    """

    def __init__(self, rows: int = 3, columns: int = 3, **options):
        super().__init__(**options)
        self.rows = rows
        self.columns = columns

    def build(self, input_shape):
        """The constant kernel."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.rows, self.columns, input_shape[-1], 1),
            initializer=keras.initializers.Constant(1.0 / (self.rows * self.columns)),
            trainable=False,
        )
        self.built = True

    def call(self, inputs):
        """Blurred map of the same shape."""
        return tf.nn.depthwise_conv2d(inputs, self.kernel, strides=[1, 1, 1, 1], padding="SAME")

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}
