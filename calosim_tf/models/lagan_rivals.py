"""The networks that the LAGAN paper compares with: dense, convolutional, and both together (sizes: authors' code)."""

from __future__ import annotations

import keras

from calosim_tf.config.lagan_network import SIDE, LaganNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.seeded_dropout import SeededDropout

GENERATOR_UNITS = (256, 512, SIDE * SIDE)
CRITIC_UNITS = (1024, 512, 128)
SEED_SIDE = 7
GENERATOR_FILTERS = (64, 32)
# Filters, window, stride and padding of the critic's convolutions: 25 -> 25 -> 13 -> 13 -> 6 pixels
CRITIC_CONVOLUTIONS = ((32, 5, 1, "same"), (64, 5, 2, "same"), (128, 5, 1, "same"), (256, 3, 2, "valid"))


def dense_image(x, network: LaganNetwork, seeds):
    """Image (batch, 25, 25, 1) of the dense generator."""
    for index, units in enumerate(GENERATOR_UNITS):
        x = keras.layers.Dense(units, kernel_initializer=_glorot(seeds), name=f"dense_{index}")(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"dense_{index}_activation")(x)
    x = keras.layers.Dense(SIDE * SIDE, "relu", kernel_initializer=_glorot(seeds), name="dense_image")(x)
    return keras.layers.Reshape((SIDE, SIDE, 1), name="dense_pixels")(x)


def convolved_image(x, network: LaganNetwork, seeds):
    """Image (batch, 25, 25, 1) of the convolutional generator: 7 -> 14 -> 28 -> 26 -> 25 pixels."""
    size = SEED_SIDE**2 * network.seed_channels
    x = keras.layers.Dense(size, kernel_initializer=_glorot(seeds), name="seed")(x)
    x = keras.layers.Reshape((SEED_SIDE, SEED_SIDE, network.seed_channels), name="seed_map")(x)
    for index, filters in enumerate(GENERATOR_FILTERS):
        x = keras.layers.Conv2DTranspose(
            filters, 5, strides=2, padding="same", kernel_initializer=_glorot(seeds), name=f"transposed_{index}"
        )(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"transposed_{index}_activation")(x)
        x = BatchNormalisation(name=f"transposed_{index}_bn")(x)
    x = keras.layers.Conv2D(8, 3, kernel_initializer=_glorot(seeds), name="conv")(x)
    x = keras.layers.LeakyReLU(network.leaky_relu_slope, name="conv_activation")(x)
    return keras.layers.Conv2D(1, 2, activation="relu", kernel_initializer=_glorot(seeds), name="convolved_image")(x)


def both_images(x, network: LaganNetwork, seeds):
    """Mean of the images of the dense and of the convolutional generator."""
    images = [build(x, network, seeds) for build in (dense_image, convolved_image)]
    return keras.layers.Average(name="mean_image")(images)


def dense_features(showers, network: LaganNetwork, seeds):
    """128 features of the dense critic."""
    x = keras.layers.Flatten(name="pixels")(showers)
    for index, units in enumerate(CRITIC_UNITS):
        x = keras.layers.Dense(units, kernel_initializer=_glorot(seeds), name=f"dense_{index}")(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"dense_{index}_activation")(x)
        x = SeededDropout(network.critic_dropout, index, name=f"dense_{index}_dropout")(x)
    return x


def convolved_features(showers, network: LaganNetwork, seeds):
    """2304 features of the convolutional critic; no batch normalisation behind the first convolution."""
    x = showers
    for index, (filters, window, stride, padding) in enumerate(CRITIC_CONVOLUTIONS):
        x = keras.layers.Conv2D(
            filters, window, strides=stride, padding=padding, kernel_initializer=_glorot(seeds), name=f"conv_{index}"
        )(x)
        x = keras.layers.LeakyReLU(network.leaky_relu_slope, name=f"conv_{index}_activation")(x)
        if index > 0:
            x = BatchNormalisation(name=f"conv_{index}_bn")(x)
        x = SeededDropout(network.critic_dropout, len(CRITIC_UNITS) + index, name=f"conv_{index}_dropout")(x)
    x = keras.layers.AveragePooling2D(2, name="conv_pool")(x)
    return keras.layers.Flatten(name="conv_features")(x)


def both_features(showers, network: LaganNetwork, seeds):
    """Features of the dense and of the convolutional critic."""
    features = [build(showers, network, seeds) for build in (dense_features, convolved_features)]
    return keras.layers.Concatenate(name="both_features")(features)


def _glorot(seeds):
    return keras.initializers.GlorotUniform(seed=next(seeds))
