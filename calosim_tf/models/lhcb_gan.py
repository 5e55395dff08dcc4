"""Convolutional generator and critic of the LHCb calorimeter: the WGAN of Sergeev et al. 2021 and the SAGAN on it.

The SAGAN paper (Ratnikov and Rogachev) adds self-attention and spectral normalisation to that WGAN; layers are those of
the authors' public PyTorch classes and released weights.

Initial weights follow PyTorch by default: the authors' code is PyTorch and chooses none, so this is what their networks
started from.  It differs from Keras' own choice in every layer (all biases spread instead of 0; a bound of 1/3 against
0.14 in the transposed convolution that ends the generator).
"""

from __future__ import annotations

import keras

from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.layers.spectral_normalisation import normalised

SHOWER_SHAPE = (30, 30, 1)
FIRST_SIDE = 2
WINDOW = 3
# Stages (counted from 1) that an attention block follows.  The paper adds two blocks to "the architecture", to help
# both networks, and shows them in a figure only.  One each is that sentence taken literally, at the places (8 x 8 x 64
# and 7 x 7 x 64) where public code of colleagues has them for the same data; two each, at the places of a later public
# pipeline on these data, is the other reading.
GENERATOR_ATTENTION = {"none": (), "one_each": (2,), "two_each": (2, 3)}
CRITIC_ATTENTION = {"none": (), "one_each": (2,), "two_each": (1, 2)}
# A layer takes at most twelve seeds (an attention block), so this keeps them apart
SEEDS_PER_LAYER = 16


def build_generator(network: LhcbGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and condition to the logarithms of cell energies.

    Parameters
    ----------
    network : LhcbGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size); output ``showers``
        (batch, 30, 30, 1), ln(1 + E / MeV) >= 0.
    """
    build = _Layers(network, "generator", seed)
    filters = network.generator_filters
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    x = keras.layers.Concatenate(name="latent_and_condition")([latent, condition])
    x = build.dense(FIRST_SIDE**2 * filters[0], x, "dense", network.normalise_generator_dense)
    x = build.leaky_relu(x, "dense_activation")
    # PyTorch reshapes to (channels, rows, columns)
    x = keras.layers.Reshape((filters[0], FIRST_SIDE, FIRST_SIDE), name="channels_first")(x)
    x = keras.layers.Permute((2, 3, 1), name="channels_last")(x)
    for stage, channels in enumerate((*filters[1:], 1), start=1):
        x = build.upsample(channels, x, f"stage_{stage}")
        if stage < len(filters):
            x = BatchNormalisation(momentum=network.bn_momentum, epsilon=network.bn_epsilon, name=f"stage_{stage}_bn")(
                x
            )
        x = keras.layers.ReLU(name=f"stage_{stage}_activation")(x)
        if stage in GENERATOR_ATTENTION[network.attention]:
            x = build.attention(x, f"attention_{stage}")
    showers = keras.layers.Cropping2D(1, name="showers")(x)  # (batch, 32, 32, 1) to (batch, 30, 30, 1)
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


def build_companions(network: LhcbGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: LhcbGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: logarithms of cell energies and condition to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 30, 30, 1) and ``condition`` (batch, condition_size); output ``score`` (batch, 1).
    """
    build = _Layers(network, "critic", seed)
    showers = keras.Input(SHOWER_SHAPE, name="showers")
    condition = keras.Input((network.condition_size,), name="condition")
    # 'same' would pad the end only at stride 2; PyTorch pads both sides, and in the first convolution alone
    x = keras.layers.ZeroPadding2D(1, name="padding")(showers)
    for stage, channels in enumerate(network.critic_filters, start=1):
        x = build.downsample(channels, x, f"stage_{stage}")
        x = build.leaky_relu(x, f"stage_{stage}_activation")
        if stage in CRITIC_ATTENTION[network.attention]:
            x = build.attention(x, f"attention_{stage}")
    x = keras.layers.Flatten(name="features")(x)
    x = keras.layers.Concatenate(name="features_and_condition")([x, condition])
    for index, units in enumerate(network.critic_units):
        x = build.dense(units, x, f"hidden_{index}")
        x = build.leaky_relu(x, f"hidden_{index}_activation")
    score = build.dense(1, x, "score")
    return keras.Model({"showers": showers, "condition": condition}, score, name="critic")


class _Layers:
    """Layers of one network: each gets its own seeds, its fan-in and, where requested, spectral normalisation."""

    def __init__(self, network: LhcbGanNetwork, part: str, seed: int):
        self.network = network
        self.kind = network.spectral_norm if getattr(network, f"spectral_norm_{part}") else "none"
        self.seed = seed

    def dense(self, units: int, x, name: str, normalise: bool = True):
        """Dense layer without activation."""
        seed = self._next_seed()
        layer = keras.layers.Dense(units, name=name, **self._weights(x.shape[-1], seed))
        return normalised(layer, self.kind if normalise else "none", seed + 2)(x)

    def upsample(self, channels: int, x, name: str):
        """Transposed convolution to twice the side: kernel 3, stride 2, padding 1, output padding 1 of PyTorch."""
        seed = self._next_seed()
        # PyTorch stores (in, out, rows, columns) and takes the second for its fan-in
        weights = self._weights(channels * WINDOW**2, seed)
        layer = keras.layers.Conv2DTranspose(channels, WINDOW, strides=2, padding="valid", name=name, **weights)
        x = normalised(layer, self.kind, seed + 2)(x)
        # 2 n + 1 cells: padding 1 takes one off each end, output padding 1 gives the last one back
        return keras.layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}_crop")(x)

    def downsample(self, channels: int, x, name: str):
        """Convolution with kernel 3 and stride 2, no padding."""
        seed = self._next_seed()
        weights = self._weights(x.shape[-1] * WINDOW**2, seed)
        layer = keras.layers.Conv2D(channels, WINDOW, strides=2, padding="valid", name=name, **weights)
        return normalised(layer, self.kind, seed + 2)(x)

    def attention(self, x, name: str):
        """Self-attention block."""
        kind = self.kind if self.network.normalise_attention else "none"
        block = SelfAttention(
            self.network.value_full_width, kind, self.network.initialiser, self._next_seed(), name=name
        )
        return block(x)

    def leaky_relu(self, x, name: str):
        """Leaky ReLU with the slope of the network."""
        return keras.layers.LeakyReLU(self.network.leaky_relu_slope, name=name)(x)

    def _weights(self, fan_in: int, seed: int) -> dict:
        return initial_weights(self.network.initialiser, fan_in, seed)

    def _next_seed(self) -> int:
        self.seed += SEEDS_PER_LAYER
        return self.seed
