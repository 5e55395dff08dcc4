"""Densities of CaloFlow: from voxels to the logits of both flows, and the likelihood of showers."""

from __future__ import annotations

import keras
import tensorflow as tf

from calosim_tf.layers.flows.passes import log_density
from calosim_tf.models.caloflow import CONTEXT, ENERGY_FLOW, SPACE, VOXEL_FLOW


def has_density(generator: keras.Model) -> bool:
    """Whether a generator consists of flows."""
    return {ENERGY_FLOW, VOXEL_FLOW} <= {layer.name for layer in getattr(generator, "layers", ())}


def noisy_voxels(generator: keras.Model, showers, uniform, largest) -> tuple[tf.Tensor, tf.Tensor]:
    """Voxels with noise, and the energies of their layers, in the precision of the flows.

    Parameters
    ----------
    generator : keras.Model
    showers : tensor, shape (batch, voxels), 100 GeV
    uniform : tensor of the same shape, in [0, 1)
    largest : float
        Noise of a voxel at most, 100 GeV.
    """
    space = generator.get_layer(VOXEL_FLOW).get_layer(SPACE)
    voxels = tf.cast(showers, space.compute_dtype) + largest * tf.cast(uniform, space.compute_dtype)
    return voxels, space.sums(voxels)


def energy_logits(generator: keras.Model, energies, condition) -> tuple[tf.Tensor, tf.Tensor]:
    """Features and context of the flow of the layer energies."""
    flow = generator.get_layer(ENERGY_FLOW)
    condition = tf.cast(condition, energies.dtype)
    return flow.get_layer(SPACE).logits(energies, condition), flow.get_layer(CONTEXT)(condition)


def voxel_logits(generator: keras.Model, voxels, energies, condition) -> tuple[tf.Tensor, tf.Tensor]:
    """Features and context of the flow of the voxels."""
    flow = generator.get_layer(VOXEL_FLOW)
    condition = tf.cast(condition, energies.dtype)
    return flow.get_layer(SPACE).logits(voxels, energies), flow.get_layer(CONTEXT)([condition, energies])


def energy_log_density(generator: keras.Model, energies, condition, training: bool = False) -> tf.Tensor:
    """ln p of the logits of the layer energies, nats, shape (batch,)."""
    return log_density(generator.get_layer(ENERGY_FLOW), *energy_logits(generator, energies, condition), training)


def voxel_log_density(generator: keras.Model, voxels, energies, condition, training: bool = False) -> tf.Tensor:
    """ln p of the logits of the shares of the voxels, nats, shape (batch,)."""
    logits = voxel_logits(generator, voxels, energies, condition)
    return log_density(generator.get_layer(VOXEL_FLOW), *logits, training)


def loss_per_voxel(generator: keras.Model, showers, condition, uniform, largest) -> tf.Tensor:
    """-ln p of showers under both flows, in the space of their logits, nats per voxel, shape (batch,), float32."""
    voxels, energies = noisy_voxels(generator, showers, uniform, largest)
    total = energy_log_density(generator, energies, condition) + voxel_log_density(
        generator, voxels, energies, condition
    )
    return tf.cast(-total / showers.shape[1], tf.float32)
