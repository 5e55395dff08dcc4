"""Cross-entropy terms of the original GAN with the non-saturating generator loss (Goodfellow et al. 2014, section 3).

All functions take logits, so that a confident critic neither overflows nor loses its gradient.
"""

from __future__ import annotations

import tensorflow as tf


def flipped_labels(label: float | tf.Tensor, unit: tf.Tensor, rate: float) -> tf.Tensor:
    """Labels of one batch, some of them flipped (Salimans et al. 2016).

    Parameters
    ----------
    label : float or tensor, shape (batch, 1)
        1 for real showers, 0 for generated ones; or a class, 0 or 1, of each.
    unit : tensor, shape (batch, 1)
        Uniform numbers in [0, 1).
    rate : float
        Probability that a label is flipped.

    Returns
    -------
    tensor, shape (batch, 1)
        ``label``, or ``1 - label`` where ``unit`` is below ``rate``.
    """
    return tf.where(unit < rate, 1.0 - label, label)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy, -y ln p - (1 - y) ln(1 - p) with p the sigmoid of the logit; shape ()."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def generator_term(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean log-probability that generated showers are real, shape ()."""
    return cross_entropy(fake_logits, tf.ones_like(fake_logits))


def accuracy(logits: tf.Tensor, real: bool) -> tf.Tensor:
    """Share of showers of one kind that the critic classifies correctly; a logit of 0 counts as generated."""
    return tf.reduce_mean(tf.cast((logits > 0.0) == real, logits.dtype))
