"""Hinge terms of critic and generator (LHCb SAGAN, eq. 5); pure functions of critic scores."""

from __future__ import annotations

import tensorflow as tf


def critic_terms(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The two terms the critic minimises: real scores below 1 and generated scores above -1 are penalised.

    Parameters
    ----------
    real_scores, fake_scores : tensor, shape (batch, 1)
        Unbounded scores.

    Returns
    -------
    real_term, fake_term : scalar tensors
        mean(max(0, 1 - real)) and mean(max(0, 1 + fake)); their sum is the critic's loss.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real_scores)), tf.reduce_mean(tf.nn.relu(1.0 + fake_scores))


def generator_term(fake_scores: tf.Tensor) -> tf.Tensor:
    """Minus the mean critic score of generated showers, shape (); it has no hinge."""
    return -tf.reduce_mean(fake_scores)
