"""Losses of distributions that compare groups of showers of about one incident energy.

Rows of a batch belong to the groups in turn: row i to group i modulo their number, as balanced minibatches stand.
"""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.layers.replicas import active_replicas

# Added to squared distances: the root has a finite derivative where two points meet
ROOT_GUARD = 1e-4


def moment_difference(difference: tf.Tensor, groups: int, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Squared difference of the means in each group, without bias: mean over groups and features.

    Parameters
    ----------
    difference : tensor, shape (batch, features)
        Real minus generated, in pairs.
    groups : int
    weights : tensor, shape (batch, weights), optional
        Of each pair; the mean of the differences times each of these is compared, and the squares are summed.

    Notes
    -----
    Of n pairs the square of the sum without its diagonal, over n (n - 1): its expectation is the squared difference
    itself, whatever the spread.
    """
    replicas = active_replicas()
    rows = tf.reshape(difference, (-1, groups, difference.shape[-1]))
    if weights is None:
        sums = [tf.reduce_sum(rows, axis=0)[:, tf.newaxis], tf.reduce_sum(rows**2, axis=0)]
    else:
        factors = tf.reshape(weights, (-1, groups, weights.shape[-1]))
        sizes = tf.reduce_sum(factors**2, axis=-1, keepdims=True)
        sums = [tf.einsum("ngw,ngf->gwf", factors, rows), tf.reduce_sum(rows**2 * sizes, axis=0)]
    total, squares = replicas.sum(sums)
    n = rows.shape[0] * replicas.number
    return tf.reduce_mean(tf.reduce_sum(total**2, axis=1) - squares) / (n * (n - 1))


def energy_distance(real: tf.Tensor, fake: tf.Tensor, groups: int) -> tf.Tensor:
    """Energy distance of two samples (Szekely and Rizzo 2013) in each group, without bias: mean over groups.

    Parameters
    ----------
    real, fake : tensor, shape (batch, features)
        Pairs of equal row share a condition; they are left out of the cross term.
    groups : int
    """
    real, fake = (_grouped(active_replicas().gather(rows), groups) for rows in (real, fake))
    n = real.shape[1]
    apart = 1.0 - tf.eye(n)

    def mean(a, b):
        return tf.reduce_sum(_distances(a, b) * apart, axis=(1, 2)) / (n * (n - 1))

    return tf.reduce_mean(2.0 * mean(real, fake) - mean(real, real) - mean(fake, fake))


def _grouped(rows: tf.Tensor, groups: int) -> tf.Tensor:
    return tf.transpose(tf.reshape(rows, (-1, groups, rows.shape[-1])), (1, 0, 2))


def _distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Distances of all pairs of each group, shape (groups, n, n)."""
    if a.shape[-1] == 1:  # without the cancellation of squares
        return tf.sqrt((a - tf.transpose(b, (0, 2, 1))) ** 2 + ROOT_GUARD)
    square_a, square_b = (tf.reduce_sum(x**2, axis=-1) for x in (a, b))
    squares = square_a[:, :, tf.newaxis] + square_b[:, tf.newaxis] - 2.0 * tf.matmul(a, b, transpose_b=True)
    return tf.sqrt(tf.nn.relu(squares) + ROOT_GUARD)
