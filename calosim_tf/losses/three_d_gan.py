"""Loss terms of 3DGAN; pure functions of labels and critic outputs.

Written out as in the authors' code, because Keras' versions clip where these add a small number.
"""

from __future__ import annotations

import tensorflow as tf

# Authors' code: added inside of logarithms and to denominators
SMALL = 2e-7


def binary_cross_entropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Mean of -y ln(p + 2e-7) - (1 - y) ln(1 - p + 2e-7); labels may be soft.

    Parameters
    ----------
    labels, probabilities : tensor, shape (batch, 1), in [0, 1]
    """
    return -tf.reduce_mean(
        labels * tf.math.log(probabilities + SMALL) + (1.0 - labels) * tf.math.log(1.0 - probabilities + SMALL)
    )


def percentage_error(expected: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Mean absolute percentage error, 100 mean|(expected - found) / (expected + 2e-7)|, of tensors (batch, 1)."""
    return 100.0 * tf.reduce_mean(tf.abs((expected - found) / (expected + SMALL)))


def absolute_error(expected: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of tensors (batch, 1)."""
    return tf.reduce_mean(tf.abs(expected - found))


def flipped_labels(label: float, uniform: tf.Tensor, rate: float) -> tf.Tensor:
    """Labels of a batch, some of them flipped.

    Parameters
    ----------
    label : float
        Of real (0.9 or 1) or generated showers (0).
    uniform : tensor, shape (batch, 1)
        Random numbers in [0, 1), drawn again for every batch.
    rate : float
        Fraction that is flipped: to 0, or from 0 to 1.
    """
    turned = 1.0 if label == 0.0 else 0.0
    return tf.where(uniform < rate, turned, label)
