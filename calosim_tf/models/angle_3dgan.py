"""3DGAN with variable angle of incidence, 51 x 51 x 25 cells (EPJC 82, 386; layers: authors' code)."""

from __future__ import annotations

import keras

from calosim_tf.config.conv3d_network import AngleGanNetwork
from calosim_tf.layers.shower_image import CellPower, MeasuredAngle
from calosim_tf.models.three_d_gan_parts import Parts

# Padding and kernel of the second to fifth convolution of the generator
MIDDLE = (
    ((2, 2, 1), (4, 4, 6)),
    ((2, 2, 1), (4, 4, 6)),
    ((2, 2, 1), (4, 4, 6)),
    ((1, 1, 0), (3, 3, 5)),
)


def build_generator(network: AngleGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent, energy and angle to a shower image.

    Parameters
    ----------
    network : AngleGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 2), energy in 100 GeV and polar angle in rad;
        output ``showers`` (batch, 51, 51, 25), GeV, axes (x, y, z).
    """
    parts = Parts(network, seed, network.bn_epsilon)
    inputs, x = _conditioned_latent(network)
    x = parts.dense(x, 9 * 9 * 8 * 8, "dense_1")
    x = keras.layers.Reshape((9, 9, 8, 8))(x)
    x = keras.layers.UpSampling3D(6)(x)  # 54, 54, 48
    x = _block(parts, x, 8, (6, 6, 8), 1)
    for index, (padding, kernel) in enumerate(MIDDLE, start=2):
        x = _block(parts, keras.layers.ZeroPadding3D(padding)(x), 6, kernel, index)
    x = keras.layers.ZeroPadding3D((1, 1, 0))(x)
    x = keras.layers.Activation("relu")(parts.conv3d(x, 6, (3, 3, 3), "valid", "he_uniform", "conv3d_6"))
    x = parts.conv3d(x, 1, (2, 2, 2), "valid", "glorot_normal", "conv3d_7")
    x = keras.layers.Reshape(network.showers_shape)(keras.layers.Activation("relu")(x))
    showers = CellPower(network.cell_scale, network.cell_power, inverse=True, name="showers")(x)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: AngleGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: AngleGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: a shower image to its four outputs.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 51, 51, 25), GeV, and ``condition`` (unused); outputs ``generation``, ``auxiliary``
        and ``ecal`` of :meth:`Parts.heads`, and ``angle``, the angle in rad measured on the image.
    """
    parts = Parts(network, seed, network.bn_epsilon)
    inputs = parts.critic_inputs()
    x = CellPower(network.cell_scale, network.cell_power)(inputs["showers"])
    x = keras.layers.Reshape((*network.showers_shape, 1))(x)
    x = parts.drop(parts.leaky(parts.conv3d(x, 16, (5, 6, 6), "same", "glorot_uniform", "conv3d_1")))
    for index, padding in enumerate(((0, 0, 1), (0, 0, 1), (0, 0, 0)), start=2):
        x = keras.layers.ZeroPadding3D(padding)(x)
        x = parts.conv3d(x, 8, (5, 6, 6), "valid", "glorot_uniform", f"conv3d_{index}")
        x = parts.drop(parts.normalise(parts.leaky(x)))
    x = keras.layers.Flatten()(keras.layers.AveragePooling3D(2)(x))
    outputs = parts.heads(x, inputs["showers"])
    return keras.Model(inputs, {**outputs, "angle": MeasuredAngle(name="angle")(inputs["showers"])}, name="critic")


def _conditioned_latent(network: AngleGanNetwork):
    """Inputs of the generator and what its first layer sees."""
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    inputs = {"latent": latent, "condition": condition}
    if network.conditioning == "concatenated":
        return inputs, keras.layers.Concatenate(name="condition_and_latent")([condition, latent])
    column = keras.layers.Reshape((network.condition_size, 1))(condition)
    energy = keras.layers.Reshape((1,))(keras.layers.Cropping1D((0, 1))(column))
    angle = keras.layers.Reshape((1,))(keras.layers.Cropping1D((1, 0))(column))
    scaled = keras.layers.Multiply(name="latent_times_energy")([latent, energy])
    return inputs, keras.layers.Concatenate(name="angle_and_latent")([angle, scaled])


def _block(parts: Parts, x, filters: int, kernel: tuple[int, int, int], index: int):
    x = parts.conv3d(x, filters, kernel, "valid", "he_uniform", f"conv3d_{index}")
    return parts.normalise(keras.layers.Activation("relu")(x))
