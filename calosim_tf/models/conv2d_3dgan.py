"""Two-dimensional convolutional generators G1, G2, G3 and their critic (Rehm et al. 2021, arXiv 2105.08960).

Layer tables from the authors' code; parameters and convolutions are those of table 1 (G1: 2 055 324 with, 2 051 568
without batch normalisation, printed 2 052k).  Showers have axes (x, y, z): the channel of an unpermuted image is z.
"""

from __future__ import annotations

from typing import NamedTuple

import keras

from calosim_tf.config.conv2d_network import Conv2dGanNetwork
from calosim_tf.models.three_d_gan_parts import Parts

# Keras counts axes from 1.  Each is the inverse of the other.
Y_AS_CHANNEL = (3, 1, 2)
X_AS_CHANNEL = (2, 3, 1)


class Conv(NamedTuple):
    """Convolution without bias, then leaky ReLU, normalisation, dropout unless ``bare``."""

    filters: int
    kernel: int
    padding: str = "same"
    initialiser: str = "he_uniform"
    bias: bool = False
    bare: bool = False


class Enlarge(NamedTuple):
    """Transposed convolution with bias and nothing behind it."""

    filters: int
    kernel: int
    stride: int


# G1, one of three branches: 5x5 -> 25x25 cells
G1_BRANCH = (
    Conv(32, 5, initialiser="glorot_uniform"),
    Enlarge(64, 5, 3),
    Conv(64, 5),
    Enlarge(64, 5, 2),
    Conv(64, 8),
    Conv(64, 5, "valid"),
    Conv(32, 4),
    Conv(32, 3),
    Conv(25, 2, "valid"),
)
G1_LAST = (Conv(25, 3, bare=True),)
# G2, one of 25 branches
G2_BRANCH = (
    Enlarge(32, 5, 3),
    Conv(32, 4),
    Enlarge(32, 5, 2),
    Conv(32, 5, "valid"),
    Conv(32, 3),
    Conv(16, 2, "valid"),
    Conv(1, 1, "valid", bias=True),
)
G2_LAST = (Conv(25, 5), Conv(25, 3, bare=True))
# G3: stem, three times the stage, end
G3_STEM = (
    Conv(32, 5, initialiser="glorot_uniform"),
    Enlarge(64, 5, 3),
    Conv(64, 5),
    Enlarge(64, 5, 2),
    Conv(64, 6, "valid"),
)
G3_STAGE = (Conv(64, 9), Conv(64, 7), Conv(64, 5), Conv(64, 5), Conv(32, 4), Conv(25, 4))
G3_LAST = (Conv(25, 4), Conv(25, 3, bare=True))
# Critic, one of three branches; the authors' code has three more layers beside G3
CRITIC_FRONT = (
    Conv(64, 8, initialiser="glorot_uniform"),
    Conv(32, 6, "valid"),
    Conv(32, 5, "valid"),
    Conv(32, 4, "valid"),
)
CRITIC_EXTRA = (Conv(32, 6), Conv(32, 4), Conv(32, 3))
CRITIC_BACK = (Conv(32, 3, "valid"), Conv(9, 3, "valid"))


def build_generator(network: Conv2dGanNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent and energy to a shower image.

    Parameters
    ----------
    network : Conv2dGanNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, 1), energy in 100 GeV; output ``showers``
        (batch, 25, 25, 25), GeV, axes (x, y, z).
    """
    parts = Parts(network, seed)
    inputs, latent = parts.scaled_latent()
    x = parts.dense(latent, 125, "head")
    x = keras.layers.Reshape((5, 5, 5))(x)
    x = {"g1": _three_branches, "g2": _branch_per_layer, "g3": _single_branch}[network.generator](parts, x)
    showers = keras.layers.Activation(network.output_activation, name="showers")(x)
    return keras.Model(inputs, showers, name="generator")


def build_companions(network: Conv2dGanNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: Conv2dGanNetwork, seed: int = 0) -> keras.Model:
    """Critic: a shower image to its three outputs.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, 25, 25, 25), GeV, and ``condition`` (unused); outputs ``generation``, ``auxiliary``
        and ``ecal`` of :meth:`Parts.heads`.
    """
    parts = Parts(network, seed)
    inputs = parts.critic_inputs()
    extra = CRITIC_EXTRA if network.critic_convolutions == 27 else ()
    x = _seen_along_each_axis(parts, inputs["showers"], (*CRITIC_FRONT, *extra, *CRITIC_BACK))
    x = keras.layers.Flatten()(x)
    x = parts.normalise(parts.leaky(parts.dense(x, 10, "features")))
    return keras.Model(inputs, parts.heads(x, inputs["showers"]), name="critic")


def _three_branches(parts: Parts, x):
    return _stack(parts, _seen_along_each_axis(parts, x, G1_BRANCH), G1_LAST)


def _branch_per_layer(parts: Parts, x):
    layers = [_stack(parts, x, G2_BRANCH) for _ in range(25)]
    return _stack(parts, keras.layers.Concatenate()(layers), G2_LAST)


def _single_branch(parts: Parts, x):
    join = _join_aligned if parts.network.aligned else _join_as_coded
    return _stack(parts, join(parts, _stack(parts, x, G3_STEM)), G3_LAST)


def _join_as_coded(parts: Parts, x):
    """The authors' code: the second skip and the last sum add tensors whose axes differ in order."""
    first = _stack(parts, x, G3_STAGE)
    second = _stack(parts, _permute(first, Y_AS_CHANNEL), G3_STAGE)
    skip = keras.layers.Add()([first, second])
    third = _stack(parts, _permute(skip, X_AS_CHANNEL), G3_STAGE)
    return keras.layers.Add()([first, second, third])


def _join_aligned(parts: Parts, x):
    """Channels z, y, x in turn; every sum adds tensors of equal axes, and the result has axes (x, y, z)."""
    first = _stack(parts, x, G3_STAGE)  # (x, y, z)
    first_turned = _permute(first, Y_AS_CHANNEL)  # (z, x, y)
    second = _stack(parts, first_turned, G3_STAGE)
    skip = keras.layers.Add()([first_turned, second])
    third = _stack(parts, _permute(skip, Y_AS_CHANNEL), G3_STAGE)  # (y, z, x)
    turned = [_permute(first_turned, Y_AS_CHANNEL), _permute(second, Y_AS_CHANNEL)]
    return _permute(keras.layers.Add()([*turned, third]), Y_AS_CHANNEL)


def _seen_along_each_axis(parts: Parts, x, table):
    """Branches with z, y and x as channel, turned back and side by side."""
    z_branch = _stack(parts, x, table)
    y_branch = _permute(_stack(parts, _permute(x, Y_AS_CHANNEL), table), X_AS_CHANNEL)
    x_branch = _permute(_stack(parts, _permute(x, X_AS_CHANNEL), table), Y_AS_CHANNEL)
    return keras.layers.Concatenate()([z_branch, y_branch, x_branch])


def _permute(x, axes: tuple[int, int, int]):
    return keras.layers.Permute(axes)(x)


def _stack(parts: Parts, x, table):
    for row in table:
        if isinstance(row, Enlarge):
            layer = keras.layers.Conv2DTranspose(
                row.filters, row.kernel, row.stride, "same", kernel_initializer=parts.kernel("glorot_uniform")
            )
            x = layer(x)
            continue
        layer = keras.layers.Conv2D(
            row.filters,
            row.kernel,
            padding=row.padding,
            use_bias=row.bias,
            kernel_initializer=parts.kernel(row.initialiser),
        )
        x = layer(x)
        if not row.bare:
            x = parts.drop(parts.normalise(parts.leaky(x)))
    return x
