"""A whole flow in either direction: the blocks and permutations of a network, one after another."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from calosim_tf.layers.flows.masked_spline import MaskedSpline
from calosim_tf.layers.flows.permutation import FixedPermutation

LOG_2_PI = 1.8378770664093453


class Passed(NamedTuple):
    """What came out of a flow.

    Attributes
    ----------
    value : tensor, shape (batch, features)
    log_det : tensor, shape (batch,)
        Logarithm of the determinant of the map to ``value``.
    states : list of tensor
        What went in, and what came out of each block and permutation.
    parameters : list of (tensor or None)
        Spline parameters of each block, None in a slow direction.
    """

    value: tf.Tensor
    log_det: tf.Tensor
    states: list
    parameters: list


def flow_steps(network: keras.Model) -> list[keras.layers.Layer]:
    """Blocks and permutations of a network in the order of sampling."""
    return [layer for layer in network.layers if isinstance(layer, MaskedSpline | FixedPermutation)]


def to_latent(network: keras.Model, features, context, training: bool = False) -> Passed:
    """Features through a flow to latent numbers, the direction of its density."""
    return _passed(reversed(flow_steps(network)), "density", features, context, training)


def to_features(network: keras.Model, latent, context, training: bool = False) -> Passed:
    """Latent numbers through a flow to features, the direction of sampling."""
    return _passed(flow_steps(network), "sample", latent, context, training)


def log_density(network: keras.Model, features, context, training: bool = False) -> tf.Tensor:
    """ln p(features | context), nats, shape (batch,), for a standard normal law of the latent numbers."""
    passed = to_latent(network, features, context, training)
    return normal_log_density(passed.value) + passed.log_det


def normal_log_density(latent) -> tf.Tensor:
    """ln of the density of standard normal numbers, shape (batch,)."""
    return -0.5 * tf.reduce_sum(latent**2 + LOG_2_PI, axis=1)


def _passed(steps, direction: str, value, context, training: bool) -> Passed:
    log_det, states, parameters = 0.0, [value], []
    for step in steps:
        if isinstance(step, FixedPermutation):
            value = step.density(value) if direction == "density" else step(value)
        else:
            value, added, raw = getattr(step, direction)(value, context, training)
            log_det += added
            parameters.append(raw)
        states.append(value)
    return Passed(value, log_det, states, parameters)
