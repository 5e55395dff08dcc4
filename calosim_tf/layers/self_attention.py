"""Self-attention over the positions of a feature map (Zhang et al. 2019; LHCb SAGAN, eqs. 2 and 3)."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.layers.spectral_normalisation import normalised

# Zhang et al.: the maps f, g and h have an eighth of the channels; the LHCb paper does not say
CHANNELS_PER_FEATURE = 8


class SelfAttention(keras.layers.Layer):
    """y_j = x_j + gamma v(sum_i beta_ji h(x_i)) with beta_ji = softmax over i of f(x_i) . g(x_j).

    f, g, h and v are 1x1 convolutions with bias.  gamma starts at 0, so at first the block lets its input through
    unchanged and trains only once gamma has moved.

    Parameters
    ----------
    value_full_width : bool
        One convolution h from all channels to all channels in place of h and v (code of colleagues of the authors on
        the same data).
    spectral_norm : {'none', 'own', 'addons'}
        Normalisation of the 1x1 convolutions; gamma is never normalised.
    initialiser : {'pytorch', 'glorot_uniform'}
        See :func:`calosim_tf.layers.initialisers.initial_weights`.
    seed : int
        Seed of the initial weights; the twelve numbers from it on are used.

    Notes
    -----
    Input and output have shape (batch, rows, columns, channels).  The bias of f adds the same number to all scores of
    one output position, so it has no effect and no gradient.  It is there because the 1x1 convolutions have one.
    """

    def __init__(
        self,
        value_full_width: bool = False,
        spectral_norm: str = "none",
        initialiser: str = "pytorch",
        seed: int = 0,
        **options,
    ):
        super().__init__(**options)
        self.value_full_width = value_full_width
        self.spectral_norm = spectral_norm
        self.initialiser = initialiser
        self.seed = seed

    def build(self, input_shape):
        """Four (or three) convolutions and gamma."""
        channels = input_shape[-1]
        features = max(1, channels // CHANNELS_PER_FEATURE)
        self.f = self._convolution("f", channels, features, input_shape, 0)
        self.g = self._convolution("g", channels, features, input_shape, 3)
        self.h = self._convolution("h", channels, channels if self.value_full_width else features, input_shape, 6)
        self.v = None
        if not self.value_full_width:
            self.v = self._convolution("v", features, channels, (*input_shape[:-1], features), 9)
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Feature map with what each position gathers from all others."""
        # Keras hands the flag on to the normalised convolutions; without the argument a direct call could not give it
        gathered = tf.matmul(self.attention_map(inputs), _positions(self.h(inputs)))
        gathered = tf.reshape(gathered, (-1, *inputs.shape[1:-1], gathered.shape[-1]))
        if self.v is not None:
            gathered = self.v(gathered)
        return inputs + self.gamma * gathered

    def attention_map(self, inputs) -> tf.Tensor:
        """beta, shape (batch, N, N) with N = rows x columns: row j holds what output j takes from each input i.

        Every row sums to 1; positions count row by row.
        """
        scores = tf.matmul(_positions(self.g(inputs)), _positions(self.f(inputs)), transpose_b=True)
        return tf.nn.softmax(scores, axis=-1)

    def convolutions(self) -> list[keras.layers.Layer]:
        """f, g, h and, where there is one, v."""
        return [layer for layer in (self.f, self.g, self.h, self.v) if layer is not None]

    def get_config(self):
        """Arguments of the layer."""
        return {
            **super().get_config(),
            "value_full_width": self.value_full_width,
            "spectral_norm": self.spectral_norm,
            "initialiser": self.initialiser,
            "seed": self.seed,
        }

    def _convolution(self, name: str, channels: int, filters: int, input_shape, offset: int) -> keras.layers.Layer:
        seed = self.seed + offset
        weights = initial_weights(self.initialiser, channels, seed)
        layer = normalised(keras.layers.Conv2D(filters, 1, name=name, **weights), self.spectral_norm, seed + 2)
        layer.build(input_shape)
        return layer


def _positions(features) -> tf.Tensor:
    """(batch, rows, columns, channels) to (batch, rows x columns, channels)."""
    _, rows, columns, channels = features.shape
    return tf.reshape(features, (-1, rows * columns, channels))
