"""Three-dimensional convolutional baseline of 3DGAN at fixed angle (Khattak et al. 2018; layers: authors' code)."""

from __future__ import annotations

import keras

from calosim_tf.config.conv3d_network import Conv3dGanNetwork
from calosim_tf.layers.shower_image import CellPower
from calosim_tf.models.three_d_gan_parts import Parts


def build_generator(network: Conv3dGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and energy to a shower image.

    Layers with weights carry the names of the authors' published weights files (``dense_1``, ``conv3d_1`` ...).

    Parameters
    ----------
    network : Conv3dGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), energy in 100 GeV; output ``showers``
        (batch, 25, 25, 25), GeV, axes (x, y, z).
    """
    parts = Parts(network, seed, network.bn_epsilon)
    inputs, latent = parts.scaled_latent()
    x = parts.dense(latent, 7 * 7 * 8 * 8, "dense_1")
    x = keras.layers.Reshape((7, 7, 8, 8))(x)
    x = parts.conv3d(x, network.first_filters, (6, 6, 8), "same", "he_uniform", "conv3d_1")
    x = parts.normalise(parts.leaky(x), "batch_normalization_1")
    x = keras.layers.UpSampling3D((2, 2, 2))(x)  # 14, 14, 16
    x = keras.layers.ZeroPadding3D((2, 2, 0))(x)
    x = parts.conv3d(x, 6, (6, 5, 8), "valid", "he_uniform", "conv3d_2")
    x = parts.normalise(parts.leaky(x), "batch_normalization_2")
    x = keras.layers.UpSampling3D((2, 2, 3))(x)  # 26, 28, 27
    x = keras.layers.ZeroPadding3D((1, 0, 3))(x)
    x = parts.leaky(parts.conv3d(x, 6, (3, 3, 8), "valid", "he_uniform", "conv3d_3"))
    x = parts.conv3d(x, 1, (2, 2, 2), "valid", "glorot_normal", "conv3d_4", bias=False)
    x = keras.layers.Activation("relu")(x)
    x = keras.layers.Reshape(network.showers_shape)(x)
    showers = CellPower(network.cell_scale, 1.0, inverse=True, name="showers")(x)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: Conv3dGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: Conv3dGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: a shower image to its three outputs.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 25, 25, 25), GeV, and ``condition`` (unused); outputs ``generation``, ``auxiliary``
        and ``ecal`` of :meth:`Parts.heads`.
    """
    parts = Parts(network, seed, network.bn_epsilon)
    inputs = parts.critic_inputs()
    x = CellPower(network.cell_scale, 1.0)(inputs["showers"])
    x = keras.layers.Reshape((*network.showers_shape, 1))(x)
    x = parts.drop(parts.leaky(parts.conv3d(x, 32, (5, 5, 5), "same", "glorot_uniform", "conv3d_1")))
    for index, padding in enumerate((2, 2, 1), start=2):
        x = keras.layers.ZeroPadding3D(padding)(x)
        x = parts.conv3d(x, 8, (5, 5, 5), "valid", "glorot_uniform", f"conv3d_{index}")
        x = parts.drop(parts.normalise(parts.leaky(x), f"batch_normalization_{index - 1}"))
    x = keras.layers.AveragePooling3D(2)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, parts.heads(x, inputs["showers"]), name="critic")
