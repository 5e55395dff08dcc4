"""What all networks of the LHCb calorimeter are built from: layers as PyTorch has them."""

from __future__ import annotations

import keras

from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.layers.spectral_normalisation import normalised

SHOWER_SHAPE = (30, 30, 1)
WINDOW = 3
# A layer takes at most twelve seeds (an attention block), so this keeps them apart
SEEDS_PER_LAYER = 16


def generator_inputs(network) -> dict:
    """Inputs of a generator or decoder: ``latent`` and ``condition``."""
    return {
        "latent": keras.Input((network.latent.size,), name="latent"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


def shower_inputs(network) -> dict:
    """Inputs of a critic or encoder: ``showers`` and ``condition``."""
    return {
        "showers": keras.Input(SHOWER_SHAPE, name="showers"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


class Parts:
    """Makes the layers of one network: each gets its own seeds, its fan-in and, where requested, its normalisation.

    Parameters
    ----------
    network : LhcbGanNetwork or LhcbCvaeNetwork
        Has ``initialiser``, ``leaky_relu_slope``, ``bn_momentum`` and ``bn_epsilon``.
    kind : {'none', 'own', 'addons'}
        See :func:`~calosim_tf.layers.spectral_normalisation.normalised`.
    seed : int
        Of the first layer.
    """

    def __init__(self, network, kind: str, seed: int):
        self.network = network
        self.kind = kind
        self.seed = seed

    def dense(self, units: int, x, name: str, normalise: bool = True):
        """Dense layer without activation."""
        seed = self._next_seed()
        layer = keras.layers.Dense(units, name=name, **self._weights(x.shape[-1], seed))
        return normalised(layer, self.kind if normalise else "none", seed + 2)(x)

    def score(self, x, condition, widths: tuple[int, ...]):
        """What ends a critic: features of an image and the condition, dense layers, one unbounded number."""
        x = keras.layers.Flatten(name="features")(x)
        x = keras.layers.Concatenate(name="features_and_condition")([x, condition])
        for index, units in enumerate(widths):
            x = self.dense(units, x, f"hidden_{index}")
            x = self.leaky_relu(x, f"hidden_{index}_activation")
        return self.dense(1, x, "score")

    def image(self, side: int, x):
        """A vector as an image of ``side`` x ``side`` cells: PyTorch reshapes to (channels, rows, columns)."""
        x = keras.layers.Reshape((x.shape[-1] // side**2, side, side), name="channels_first")(x)
        return keras.layers.Permute((2, 3, 1), name="channels_last")(x)

    def upsample(self, channels: int, x, name: str):
        """Transposed convolution to twice the side: kernel 3, stride 2, padding 1, output padding 1 of PyTorch."""
        x = self.transposed(channels, x, name, strides=2)
        # 2 n + 1 cells: padding 1 takes one off each end, output padding 1 gives the last one back
        return keras.layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}_crop")(x)

    def transposed(self, channels: int, x, name: str, strides: int = 1):
        """Transposed convolution with kernel 3, no padding."""
        seed = self._next_seed()
        # PyTorch stores (in, out, rows, columns) and takes the second for its fan-in
        weights = self._weights(channels * WINDOW**2, seed)
        layer = keras.layers.Conv2DTranspose(channels, WINDOW, strides=strides, padding="valid", name=name, **weights)
        return normalised(layer, self.kind, seed + 2)(x)

    def convolution(self, channels: int, x, name: str, window: int = WINDOW, strides: int = 1, padding: str = "same"):
        """Convolution; ``same`` is PyTorch's (window - 1) / 2 on each side at stride 1 alone."""
        seed = self._next_seed()
        weights = self._weights(x.shape[-1] * window**2, seed)
        layer = keras.layers.Conv2D(channels, window, strides=strides, padding=padding, name=name, **weights)
        return normalised(layer, self.kind, seed + 2)(x)

    def attention(self, x, name: str, full_width: bool, normalise: bool):
        """Self-attention block."""
        kind = self.kind if normalise else "none"
        return SelfAttention(full_width, kind, self.network.initialiser, self._next_seed(), name=name)(x)

    def normalise_batch(self, x, name: str):
        """Batch normalisation with the numbers of the network."""
        return BatchNormalisation(momentum=self.network.bn_momentum, epsilon=self.network.bn_epsilon, name=name)(x)

    def leaky_relu(self, x, name: str):
        """Leaky ReLU with the slope of the network."""
        return keras.layers.LeakyReLU(self.network.leaky_relu_slope, name=name)(x)

    def _weights(self, fan_in: int, seed: int) -> dict:
        return initial_weights(self.network.initialiser, fan_in, seed)

    def _next_seed(self) -> int:
        self.seed += SEEDS_PER_LAYER
        return self.seed
