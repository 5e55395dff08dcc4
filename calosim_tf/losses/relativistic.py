"""Relativistic loss of pairs, and the penalty that it needs (Jolicoeur-Martineau 2018; Huang et al. 2024, "R3GAN").

Each generated shower is compared with a real one of the same condition, so that a critic cannot win by telling
conditions apart.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def critic_term(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of softplus(fake - real).

    Parameters
    ----------
    real, fake : tensor, shape (batch, 1)
        Scores; a row is a pair.
    """
    return tf.reduce_mean(tf.nn.softplus(fake - real))


def generator_term(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of softplus(real - fake): the mirror image of the critic's."""
    return critic_term(fake, real)


def zero_centred_penalty(score: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Mean squared gradient of the score: R1 at real showers, R2 at generated ones.

    Parameters
    ----------
    score : callable
        Of ``points``, with shape (batch, 1).
    points : tensor, shape (batch, features)
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        scores = score(points)
    gradient = tape.gradient(scores, points)
    return tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=1))
