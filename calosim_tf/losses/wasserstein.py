"""Wasserstein critic and generator terms (Arjovsky et al. 2017); pure functions of critic scores."""

from __future__ import annotations

import tensorflow as tf


def critic_terms(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The two terms the critic minimises: minus the mean score of real, plus the mean score of generated showers.

    Parameters
    ----------
    real_scores, fake_scores : tensor, shape (batch, 1)
        Unbounded scores.

    Returns
    -------
    real_term, fake_term : scalar tensors
        Their sum is the critic's loss without penalty.
    """
    return -tf.reduce_mean(real_scores), tf.reduce_mean(fake_scores)


def generator_term(fake_scores: tf.Tensor) -> tf.Tensor:
    """Minus the mean critic score of generated showers, shape ()."""
    return -tf.reduce_mean(fake_scores)
