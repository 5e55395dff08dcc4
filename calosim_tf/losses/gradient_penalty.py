"""Two-sided gradient penalty (Gulrajani et al. 2017, eq. 3; its local form around real showers, Kodali et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

# The authors' code has no guard; the root's derivative is infinite at a zero gradient (all critic units dead), and
# 1e-12 shifts a norm of 1 by 5e-13, below float32 resolution.
ROOT_GUARD = 1e-12


def mix_showers(real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Points on the straight lines between real and generated showers.

    Parameters
    ----------
    real, fake : tensor, shape (batch, ...)
    alpha : tensor, broadcastable to ``real`` with one number in [0, 1) per event
        1 gives the real shower.
    """
    return alpha * real + (1.0 - alpha) * fake


def shift_showers(real: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Points near real showers, for the local penalty.

    Parameters
    ----------
    real, noise : tensor, shape (batch, ...)
        The code of the LHCb WGAN takes one gradient norm of the whole minibatch there; :func:`gradient_penalty` takes
        one per event, as the papers define it.
    """
    return real + noise


def gradient_penalty(score: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean squared distance of the gradient norm from 1.

    Parameters
    ----------
    score : callable
        Critic score of ``points`` with every condition bound: the gradient is taken with respect to voxels only.
    points : tensor, shape (batch, ...)

    Returns
    -------
    penalty : scalar tensor
        mean((norm - 1)^2), not yet multiplied by its weight.
    mean_norm : scalar tensor
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        scores = score(points)
    gradient = tape.gradient(scores, points)
    axes = list(range(1, len(points.shape)))
    norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=axes) + ROOT_GUARD)
    return tf.reduce_mean(tf.square(norm - 1.0)), tf.reduce_mean(norm)
