"""Errors of what a critic estimates about the incident particle (Conditional CaloGAN, eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def mean_absolute_errors(estimate: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of each attribute over the batch, shape (attributes,), in the attributes' units."""
    return tf.reduce_mean(tf.abs(estimate - truth), axis=0)


def weighted_mean(errors: tf.Tensor, weights: Sequence[float]) -> tf.Tensor:
    """Mean over the attributes of weight times error, shape ().

    Parameters
    ----------
    errors : tensor, shape (attributes,)
    weights : sequence of float
        One per attribute, or a single one for all: 0.01 and four times 0.01 are the same.
    """
    return tf.reduce_mean(tf.constant(weights, errors.dtype) * errors)
