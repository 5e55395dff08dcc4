"""What all networks of the ILD's calorimeter are built from: layers as PyTorch has them.

Images are (batch, layer, row, column, channel).  Where PyTorch flattens channels first, the order here is Keras': the
two differ by the order of the rows of a trained matrix alone.
"""

from __future__ import annotations

import itertools
import math

import keras

from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.layers.volumes.spatial_normalisation import SpatialNormalisation

# A layer takes two seeds
SEEDS_PER_LAYER = 2


def generator_inputs(network) -> dict:
    """Inputs of a generator or decoder: ``latent`` and ``condition``, the energy in GeV."""
    return {
        "latent": keras.Input((network.latent.size,), name="latent"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


def shower_inputs(network) -> dict:
    """Inputs of a critic, encoder or constrainer: ``showers`` and ``condition``."""
    return {
        "showers": keras.Input(network.showers_shape, name="showers"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


class Parts:
    """Makes the layers of one network: consecutive seeds, one law of initial weights, one slope.

    Parameters
    ----------
    network : a network of :mod:`calosim_tf.config.ilc`
        Has ``initialiser``, ``initial_std`` and ``leaky_relu_slope``.
    seed : int
        Of the first layer.
    """

    def __init__(self, network, seed: int):
        self.network = network
        self._seeds = itertools.count(seed, SEEDS_PER_LAYER)

    def dense(self, units: int, x, name: str):
        """Dense layer without activation."""
        return keras.layers.Dense(units, name=name, **self._weights(x.shape[-1]))(x)

    def hidden(self, units: int, x, name: str, slope: float | None = None):
        """Dense layer and leaky ReLU."""
        return self.leaky_relu(self.dense(units, x, name), f"{name}_activation", slope)

    def convolution(self, channels: int, x, name: str, window, strides=1, padding: int | tuple = 0, bias=False):
        """Convolution; ``padding`` is PyTorch's: as many cells on both sides."""
        # 'same' pads both sides alike at stride 1 alone
        same = strides == 1 and isinstance(window, int) and window == 2 * padding + 1
        if padding and not same:
            x = keras.layers.ZeroPadding3D(padding, name=f"{name}_padding")(x)
        options = self._weights(x.shape[-1] * _cells(window), bias) | {"padding": "same" if same else "valid"}
        return keras.layers.Conv3D(channels, window, strides, use_bias=bias, name=name, **options)(x)

    def transposed(self, channels: int, x, name: str, window: int, stride: int, padding: int = 0, more: int = 0):
        """Transposed convolution without bias.

        Parameters
        ----------
        padding, more : int
            PyTorch's ``padding`` (cells taken off both sides) and ``output_padding`` (cells given back at the end).
        """
        # PyTorch takes the outputs for its fan-in
        weights = self._weights(channels * window**3, bias=False)
        layer = keras.layers.Conv3DTranspose(channels, window, stride, use_bias=False, name=name, **weights)
        x = layer(x)
        if padding:
            behind = max(padding - more, 0)
            x = keras.layers.Cropping3D(((padding, behind),) * 3, name=f"{name}_crop")(x)
        if more > padding:
            # no kernel reaches this far
            x = keras.layers.ZeroPadding3D(((0, more - padding),) * 3, name=f"{name}_rest")(x)
        return x

    def normalise(self, x, name: str):
        """Each channel over all cells."""
        std = self.network.initial_std if self.network.initialiser == "normal" else 0.0
        return SpatialNormalisation(factor_std=std, seed=next(self._seeds), name=name)(x)

    def leaky_relu(self, x, name: str, slope: float | None = None):
        """Leaky ReLU with the slope of the network, unless another is given."""
        slope = self.network.leaky_relu_slope if slope is None else slope
        return keras.layers.LeakyReLU(slope, name=name)(x)

    def _weights(self, fan_in: int, bias: bool = True) -> dict:
        seed = next(self._seeds)
        if self.network.initialiser == "normal":
            return {"kernel_initializer": keras.initializers.RandomNormal(0.0, self.network.initial_std, seed=seed)}
        weights = initial_weights(self.network.initialiser, fan_in, seed)
        return weights if bias else {"kernel_initializer": weights["kernel_initializer"]}


def _cells(window) -> int:
    return window**3 if isinstance(window, int) else math.prod(window)
