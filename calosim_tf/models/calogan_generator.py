"""Generator of CaloGAN: a separate stream for each calorimeter layer, each in-painted with the layer before.

Sizes are those of the authors' code: branch ``release/alpha`` for the conditional network, ``explicit-blur`` for the
variant of that name, ``master`` for the original.
"""

from __future__ import annotations

from itertools import count

import keras

from calosim_tf.config.calogan_network import LAYER_SHAPES, CaloGanNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.blur import FixedBlur
from calosim_tf.layers.layer_attention import LayerAttention
from calosim_tf.layers.locally_connected import LocallyConnected2D
from calosim_tf.layers.slices import part_of

# Scales of E / GeV, theta, phi / rad, x0, y0 / mm
CONDITION_SCALES = (1 / 100, 1.0, 1.0, 1 / 50, 1 / 50)
# Kernels of the two convolutions of the smearing heads, layer by layer
SMEARING_KERNELS = {
    "conditional": (((2, 11), (2, 5)), ((7, 7), (5, 5)), ((7, 4), (5, 3))),
    "explicit_blur": (((3, 7), (3, 5)), ((5, 5), (3, 3)), ((5, 3), (5, 3))),
}


def build_generator(network: CaloGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and condition to the cells of three layers.

    Parameters
    ----------
    network : CaloGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size): E / GeV, then theta, phi / rad
        and x0, y0 / mm where there are attributes; output ``showers`` (batch, 504) in GeV, never negative.
    """
    seeds = count(seed)
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    hidden = _conditioned_latent(latent, condition)
    maps = [_layer_map(hidden, index, network, seeds) for index in range(len(LAYER_SHAPES))]
    local = network.variant == "original"
    carry = keras.layers.UpSampling2D((4, 1), name="layer_0_rows")(maps[0])
    carry = keras.layers.AveragePooling2D((1, 8), name="layer_0_passed_on")(carry)
    maps[1] = LayerAttention(local, next(seeds), name="layer_1_attention")([maps[1], carry])
    carry = keras.layers.AveragePooling2D((1, 2), name="layer_1_passed_on")(maps[1])
    maps[2] = LayerAttention(local, next(seeds), name="layer_2_attention")([maps[2], carry])
    flat = [keras.layers.Flatten(name=f"layer_{index}_cells")(x) for index, x in enumerate(maps)]
    cells = keras.layers.Concatenate(name="cells")(flat)
    showers = keras.layers.ReLU(name="showers")(cells)
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


def _conditioned_latent(latent, condition):
    """Latent times the scaled energy, then the scaled attributes."""
    size = condition.shape[-1]
    scaled = keras.layers.Rescaling(list(CONDITION_SCALES[:size]), name="scaled_condition")(condition)
    energy = part_of(scaled, 0, (1,), "scaled_energy")
    product = keras.layers.Multiply(name="latent_times_energy")([latent, energy])
    if size == 1:
        return product
    attributes = part_of(scaled, 1, (size - 1,), "scaled_attributes")
    return keras.layers.Concatenate(name="latent_and_attributes")([product, attributes])


def _layer_map(hidden, index: int, network: CaloGanNetwork, seeds):
    """Stream of one layer up to its smeared map, (batch, rows, columns, 1), any sign."""
    (rows, columns), name = LAYER_SHAPES[index], f"layer_{index}"
    seed_shape = (rows + 2, columns + 2, network.seed_channels)
    kernel = keras.initializers.GlorotUniform(seed=next(seeds))
    size = seed_shape[0] * seed_shape[1] * seed_shape[2]
    x = keras.layers.Dense(size, kernel_initializer=kernel, name=f"{name}_seed")(hidden)
    x = keras.layers.Reshape(seed_shape, name=f"{name}_seed_map")(x)
    first, second = network.generator_filters
    slope = network.leaky_relu_slope
    size = (3, 3) if network.variant == "explicit_blur" else (2, 2)
    he_uniform = _initialiser("HeUniform", network, seeds)
    x = keras.layers.Conv2D(first, size, padding="same", kernel_initializer=he_uniform, name=f"{name}_conv_0")(x)
    x = keras.layers.LeakyReLU(slope, name=f"{name}_activation_0")(x)
    x = BatchNormalisation(name=f"{name}_bn")(x)
    # in the original each place has its own kernel, and the last map no bias
    local = network.variant == "original"
    connected = LocallyConnected2D if local else keras.layers.Conv2D
    he_uniform = _initialiser("HeUniform", network, seeds)
    x = connected(second, (2, 2), kernel_initializer=he_uniform, name=f"{name}_conv_1")(x)
    x = keras.layers.LeakyReLU(slope, name=f"{name}_activation_1")(x)
    glorot_normal = _initialiser("GlorotNormal", network, seeds)
    x = connected(1, (2, 2), use_bias=not local, kernel_initializer=glorot_normal, name=f"{name}_conv_2")(x)
    return x if local else _smear(x, index, network, seeds)


def _smear(x, index: int, network: CaloGanNetwork, seeds):
    """Smearing head of one layer."""
    name, kernels = f"layer_{index}", SMEARING_KERNELS[network.variant][index]
    glorot = _initialiser("GlorotUniform", network, seeds)
    x = keras.layers.Conv2D(
        network.smearing_filters, kernels[0], padding="same", kernel_initializer=glorot, name=f"{name}_smear_0"
    )(x)
    x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"{name}_smear_activation")(x)
    released_middle = network.variant == "conditional" and index == 1
    bias = keras.initializers.RandomNormal(3.0, 0.2, seed=next(seeds)) if released_middle else "zeros"
    glorot = _initialiser("GlorotUniform", network, seeds)
    x = keras.layers.Conv2D(
        1, kernels[1], padding="same", kernel_initializer=glorot, bias_initializer=bias, name=f"{name}_smear_1"
    )(x)
    if released_middle:
        return FixedBlur(3, 3, name=f"{name}_blur")(x)
    if index == 1:
        return keras.layers.ReLU(name=f"{name}_smear_relu")(x)
    return x


def _initialiser(law: str, network: CaloGanNetwork, seeds):
    if network.variant == "explicit_blur":
        return keras.initializers.TruncatedNormal(stddev=0.02, seed=next(seeds))
    return getattr(keras.initializers, law)(seed=next(seeds))
