"""Generator and critic of LAGAN, jet images of two classes (de Oliveira, Paganini, Nachman, arXiv:1701.05927).

Sizes are those of the authors' code.  So are the laws of the initial weights, which their Keras (1.x) had other rules
for: :class:`calosim_tf.layers.initialisers.Keras1Initialiser`.
"""

from __future__ import annotations

from itertools import count

import keras

from calosim_tf.config.lagan_network import LaganNetwork
from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.initialisers import Keras1Initialiser
from calosim_tf.layers.locally_connected import LocallyConnected2D
from calosim_tf.layers.minibatch_discrimination import MinibatchDiscrimination
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.models import lagan_rivals

SEED_SIDE = 7  # 7 -> 14 -> 28 pixels, then 26 and 25 by the windows
# Window, stride, and zeros put around the map before, of the critic's locally connected layers: 25 -> 13 -> 13 -> 7
CRITIC_BLOCKS = ((5, 2, 2), (5, 1, 2), (3, 2, 1))


def build_generator(network: LaganNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and class to a jet image.

    Parameters
    ----------
    network : LaganNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), the class, 0 or 1; output ``showers``
        (batch, 25, 25, 1) in 100 GeV, never negative.
    """
    seeds = count(seed)
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    image = IMAGES[network.variant](_embedded(latent, condition, seeds), network, seeds)
    showers = keras.layers.ReLU(name="showers")(image)
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


def _local_image(x, network: LaganNetwork, seeds):
    """Image (batch, 25, 25, 1) of the locally connected generator, any sign."""
    slope = network.leaky_relu_slope
    first, second, third = network.generator_filters
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    x = keras.layers.Dense(SEED_SIDE**2 * network.seed_channels, kernel_initializer=glorot, name="seed")(x)
    x = keras.layers.Reshape((SEED_SIDE, SEED_SIDE, network.seed_channels), name="seed_map")(x)
    he_uniform = keras.initializers.HeUniform(seed=next(seeds))
    x = keras.layers.Conv2D(first, 5, padding="same", kernel_initializer=he_uniform, name="conv")(x)
    x = keras.layers.LeakyReLU(slope, name="conv_activation")(x)
    x = BatchNormalisation(name="conv_bn")(x)
    x = keras.layers.UpSampling2D(2, name="upsampling_1")(x)
    x = keras.layers.ZeroPadding2D(2, name="padding_1")(x)
    x = _local(second, 5, 1, "he_uniform", seeds, "local_1")(x)
    x = keras.layers.LeakyReLU(slope, name="local_1_activation")(x)
    x = BatchNormalisation(name="local_1_bn")(x)
    x = keras.layers.UpSampling2D(2, name="upsampling_2")(x)
    x = _local(third, 3, 1, "he_uniform", seeds, "local_2")(x)
    x = keras.layers.LeakyReLU(slope, name="local_2_activation")(x)
    return _local(1, 2, 1, "glorot_normal", seeds, "local_3", use_bias=False)(x)


def build_companions(network: LaganNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: LaganNetwork, seed: int = 0) -> keras.Model:
    """Critic: a jet image, without its class, to two heads.

    Returns
    -------
    keras.Model
        Input ``showers`` (batch, 25, 25, 1) in 100 GeV.  Outputs by name, each (batch, 1): ``score``, the *logit* of
        the probability of being real, and ``signal``, that of class 1.  The cross-entropy of logits is exact where that
        of a sigmoid is rounded to 0 or 1.
    """
    seeds = count(seed)
    showers = keras.Input(network.showers_shape, name="showers")
    features = FEATURES[network.variant](showers, network, seeds)
    closeness = MinibatchDiscrimination(
        network.minibatch_features,
        network.minibatch_dimensions,
        kernel_initializer=Keras1Initialiser("glorot_uniform", next(seeds)),
        name="closeness",
    )(features)
    joined = keras.layers.Concatenate(name="closeness_and_features")([closeness, features])
    outputs = {
        name: keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)), name=name)(
            joined
        )
        for name in ("score", "signal")
    }
    return keras.Model({"showers": showers}, outputs, name="critic")


def _local_features(showers, network: LaganNetwork, seeds):
    """72 features of the locally connected critic."""
    slope = network.leaky_relu_slope
    first, *filters = network.critic_filters
    glorot = keras.initializers.GlorotUniform(seed=next(seeds))
    x = keras.layers.Conv2D(first, 5, padding="same", kernel_initializer=glorot, name="conv")(showers)
    x = keras.layers.LeakyReLU(slope, name="conv_activation")(x)
    x = SeededDropout(network.critic_dropout, 0, name="conv_dropout")(x)
    for block, (width, (window, stride, zeros)) in enumerate(zip(filters, CRITIC_BLOCKS, strict=True), start=1):
        x = keras.layers.ZeroPadding2D(zeros, name=f"padding_{block}")(x)
        x = _local(width, window, stride, "glorot_uniform", seeds, f"local_{block}")(x)
        x = keras.layers.LeakyReLU(slope, name=f"local_{block}_activation")(x)
        x = BatchNormalisation(name=f"local_{block}_bn")(x)
        x = SeededDropout(network.critic_dropout, block, name=f"local_{block}_dropout")(x)
    x = keras.layers.AveragePooling2D(2, name="pool")(x)
    return keras.layers.Flatten(name="features")(x)


def _embedded(latent, condition, seeds):
    """Latent times a learnt vector of the class.

    The table of two vectors is a dense layer without bias on (1 - class, class), which every export format has.
    """
    background = keras.layers.Rescaling(-1.0, 1.0, name="class_0")(condition)
    classes = keras.layers.Concatenate(name="classes")([background, condition])
    glorot = keras.initializers.GlorotNormal(seed=next(seeds))
    table = keras.layers.Dense(latent.shape[-1], use_bias=False, kernel_initializer=glorot, name="embedding")
    return keras.layers.Multiply(name="latent_of_class")([latent, table(classes)])


def _local(filters: int, window: int, stride: int, law: str, seeds, name: str, use_bias: bool = True):
    """Locally connected layer with the initial weights of Keras 1."""
    return LocallyConnected2D(
        filters,
        (window, window),
        strides=(stride, stride),
        use_bias=use_bias,
        kernel_initializer=Keras1Initialiser(law, next(seeds)),
        name=name,
    )


# Variant of a network -> its image of the generator, its features of the critic
IMAGES = {
    "lagan": _local_image,
    "fcn": lagan_rivals.dense_image,
    "dcgan": lagan_rivals.convolved_image,
    "hybrid": lagan_rivals.both_images,
}
FEATURES = {
    "lagan": _local_features,
    "fcn": lagan_rivals.dense_features,
    "dcgan": lagan_rivals.convolved_features,
    "hybrid": lagan_rivals.both_features,
}
