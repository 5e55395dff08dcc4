"""Convolution with a separate kernel at every position (absent from Keras 3)."""

from __future__ import annotations

import keras
import tensorflow as tf


class LocallyConnected2D(keras.layers.Layer):
    """Locally connected map, ``valid`` padding.

    Parameters
    ----------
    filters : int
    kernel_size, strides : tuple of int
        Rows and columns.
    use_bias : bool
        One bias per place and filter.
    kernel_initializer, bias_initializer : Keras initialisers

    Notes
    -----
    Weights: kernel (out_rows * out_columns, kernel_rows * kernel_columns * channels, filters), the order of Keras 2,
    which sets the spread of Glorot's and He's laws; bias (out_rows, out_columns, filters).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int] = (1, 1),
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **options,
    ):
        super().__init__(**options)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.strides = tuple(strides)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        """Weights for maps of this size."""
        _, rows, columns, _ = self.compute_output_shape(input_shape)
        self.out_size = (rows, columns)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(rows * columns, self.kernel_size[0] * self.kernel_size[1] * input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(rows, columns, self.filters), initializer=self.bias_initializer
            )
        self.built = True

    def call(self, inputs):
        """Map of shape (batch, out_rows, out_columns, filters)."""
        rows, columns = self.out_size
        step_down, step_right = self.strides
        # One matrix product per place.  The places go in front before the map is widened to patches, which are many
        # times larger; and the patches are shifted views, as the gradient of tf.image.extract_patches is slow.
        places_first = tf.transpose(inputs, [1, 2, 0, 3])
        views = [
            places_first[row : row + (rows - 1) * step_down + 1 : step_down,
                         column : column + (columns - 1) * step_right + 1 : step_right]
            for row in range(self.kernel_size[0])
            for column in range(self.kernel_size[1])
        ]  # fmt: skip
        patches = tf.reshape(tf.concat(views, axis=-1), (rows * columns, -1, self.kernel.shape[1]))
        outputs = tf.reshape(tf.matmul(patches, self.kernel), (rows, columns, -1, self.filters))
        outputs = tf.transpose(outputs, [2, 0, 1, 3])
        return outputs + self.bias if self.use_bias else outputs

    def compute_output_shape(self, input_shape):
        """(batch, out_rows, out_columns, filters)."""
        sizes = [
            (length - kernel) // step + 1
            for length, kernel, step in zip(input_shape[1:3], self.kernel_size, self.strides, strict=True)
        ]
        return (input_shape[0], *sizes, self.filters)

    def get_config(self):
        """Arguments of the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
